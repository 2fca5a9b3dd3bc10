"""Files and folders that appear whole or not at all: written beside their place, then renamed."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from silencio.errors import StorageError
from silencio.storage.names import escaped, short_name

_COPIED_BYTES = 1 << 20


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Any `OSError` inside becomes one sentence that names what was being written.

    Raises:
        StorageError: The disk is full, or the place cannot be written to.
    """
    try:
        yield
    except OSError as error:
        raise StorageError(explained(path, error)) from error


def write_atomically(path: str | Path, content: bytes | str | Path, *, shared: bool = False) -> None:
    """Write a file: a reader, and a run that is killed, find the old content or the new, never half of one.

    Args:
        path: The file; its folder is made.
        content: Text is written as UTF-8; of a file its bytes, which are not held in memory.
        shared: Several processes may write it at once, all of them the same.

    Raises:
        StorageError: It cannot be written; what was there before is still there.
    """
    path = Path(path)
    partial = _partial(path, f".{os.getpid()}.partial" if shared else ".partial")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with partial.open("wb") as file:
                if isinstance(content, Path):
                    with content.open("rb") as source:
                        shutil.copyfileobj(source, file, _COPIED_BYTES)
                else:
                    file.write(content.encode() if isinstance(content, str) else content)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_folder(directory: Path) -> Iterator[Path]:
    """Fill a folder beside its place, which it takes when the block ends well.

    A folder that was there before is replaced; when the block fails, it stays and nothing else does.

    Args:
        directory: The place.

    Yields:
        An empty folder to write into.

    Raises:
        StorageError: It cannot be written.
    """
    partial, replaced = _partial(directory), _partial(directory, ".replaced")
    with writing(directory):
        # What a killed run left.
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(replaced, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            yield partial
            if directory.exists():
                directory.rename(replaced)
            partial.rename(directory)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
            shutil.rmtree(replaced, ignore_errors=True)


def _partial(path: Path, suffix: str = ".partial") -> Path:
    # One name, not one a process: the next try clears what a killed one left.
    return path.with_name(short_name(f".{path.name}", suffix))


def explained(path: str | Path, error: OSError) -> str:
    """Why a file cannot be written, as one sentence that names it."""
    path = Path(escaped(str(path)))
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"no space left on {_mount(path)} while writing {path}: free some, or write to another disk"
    if error.errno == errno.EFBIG:
        return f"{path} grows larger than its file system or this process's limit (ulimit -f) allows"
    return f"{path} cannot be written: {error.strerror or error}"


def _mount(path: Path) -> Path:
    place = path.absolute()
    while not place.is_mount() and place != place.parent:
        place = place.parent
    return place
