"""One run at a time in a folder, and whether the one before came to its end."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from silencio.errors import PipelineError, StorageError


@contextlib.contextmanager
def only_run_in(out: Path, *, is_start: bool = True) -> Iterator[str]:
    """Hold a run's folder. The kernel gives it free when this process ends, in whatever way.

    Args:
        out: Made, where it is not there yet.
        is_start: A run starts; who only looks leaves the mark of one that did not come to its end.

    Yields:
        When an earlier run began here that did not come to its end; "" where there was none.

    Raises:
        PipelineError: Another run is at work here.
        StorageError: The folder cannot be written.
    """
    path = out / ".run.lock"
    try:
        out.mkdir(parents=True, exist_ok=True)
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise StorageError(f"--out {out} cannot be written ({error.strerror}): name a folder that can") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise StorageError(f"--out {out} cannot be locked ({error.strerror}): name a local folder") from error
            raise PipelineError(
                f"another run ({_read(file.fileno()) or 'just starting'}) is at work in {out}: wait for it, stop it, "
                "or name another --out"
            ) from error
        before = _read(file.fileno())
        if is_start:
            _write(file.fileno(), f"process {os.getpid()}, begun {time.strftime('%Y-%m-%d %H:%M:%S')}")
        yield before.rpartition("begun ")[2]
        if is_start:
            _write(file.fileno(), "")


def _read(file: int) -> str:
    return os.pread(file, 200, 0).decode(errors="replace")


def _write(file: int, text: str) -> None:
    os.ftruncate(file, 0)
    # A full disk has no place for this, and what it stops will say so.
    with contextlib.suppress(OSError):
        os.pwrite(file, text.encode(), 0)
