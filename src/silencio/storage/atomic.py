"""Files and folders that appear whole or not at all: written beside their place, then renamed.

A place that is a link, as to a larger disk, stays one: what it leads to is replaced, as by whoever opens it to write.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from silencio.errors import StorageError
from silencio.storage.names import escaped, short_name

_COPIED_BYTES = 1 << 20
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
_REPLACED = ".replaced"


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
    given, path = Path(path), real_place(path)
    partial = _partial(path, f".{os.getpid()}.partial" if shared else ".partial")
    with writing(given):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with partial.open("wb") as file:
                if isinstance(content, Path):
                    with content.open("rb") as source:
                        shutil.copyfileobj(source, file, _COPIED_BYTES)
                else:
                    file.write(content.encode() if isinstance(content, str) else content)
            replace_file(partial, path)
        finally:
            partial.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_folder(directory: Path) -> Iterator[Path]:
    """Fill a folder beside its place, which it takes when the block ends well.

    A folder that was there before is replaced; when the block fails, it stays and nothing else does.

    Args:
        directory: Folder that is replaced.

    Yields:
        An empty folder to write into.

    Raises:
        StorageError: It cannot be written.
    """
    given, directory = directory, real_place(directory)
    partial = _partial(directory)
    with writing(given):
        restore_folder(directory)
        shutil.rmtree(partial, ignore_errors=True)  # what a killed run left
        partial.mkdir(parents=True)
        try:
            yield partial
            replace_folder(partial, directory)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def real_place(path: str | Path) -> Path:
    """Where a file or folder really is, or will be: with all links followed. What replaces it has to lie beside that.

    Args:
        path: May be there or not.
    """
    return Path(os.path.realpath(path))


def replace_file(fresh: Path, path: Path) -> None:
    """Put a finished file in the place of another, or where none is: whoever looks finds the old one or the new.

    Args:
        fresh: New file in the same folder.
        path: File that is replaced.

    Raises:
        OSError: It cannot be written; `writing` makes a sentence of it.
    """
    with fresh.open("rb") as file:
        os.fsync(file.fileno())  # its bytes before its name: a machine that loses power leaves no empty file
    real = real_place(path)
    try:
        fresh.replace(real)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        write_atomically(real, fresh)  # a link to another disk
        fresh.unlink()


def replace_folder(fresh: Path, directory: Path) -> None:
    """Put a finished folder in the place of another, or where none is; the old one is removed.

    Where the file system exchanges two folders in one step (Linux: ext4, xfs, btrfs, tmpfs), whoever looks, and
    whoever comes after a kill, finds the old one or the new. Elsewhere (NFS, some network mounts) there is a moment
    between two renames in which neither has the name; a kill in that moment is mended by `restore_folder`.

    Args:
        fresh: New folder on the file system of `real_place(directory)`.
        directory: Folder that is replaced.

    Raises:
        OSError: It cannot be written; the old one is still there, or `restore_folder` brings it back.
    """
    directory = real_place(directory)
    restore_folder(directory)
    if not directory.exists():
        fresh.rename(directory)
    elif _exchange(fresh, directory):
        shutil.rmtree(fresh, ignore_errors=True)
    else:
        replaced = _partial(directory, _REPLACED)
        directory.rename(replaced)
        try:
            fresh.rename(directory)
        finally:
            restore_folder(directory)


def restore_folder(directory: Path) -> None:
    """Bring back a folder that a kill between two renames left under another name; remove it where it is not needed.

    Raises:
        OSError: It cannot be written.
    """
    directory = real_place(directory)
    replaced = _partial(directory, _REPLACED)
    if replaced.is_dir() and not directory.exists():
        replaced.rename(directory)
    elif replaced.is_dir():
        shutil.rmtree(replaced, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two folders in one step; false where the system or the file system cannot."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if sys.platform == "linux" else None
    if renameat2 is None or not other.is_dir():
        return False
    return bool(renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0)


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
    place = real_place(path)
    while not place.is_mount() and place != place.parent:
        place = place.parent
    return place
