"""What a run leaves at the top of its folder: each thing is replaced at once, when the new one is whole."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from pathlib import Path

from silencio.errors import StorageError

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def publish(made: Path, place: Path) -> Path:
    """Copy a file or a folder to its place: a reader, or whoever comes after a kill, finds the old one or the new.

    Args:
        made: A step's output.
        place: What is there stays untouched until the copy is whole.

    Returns:
        The place.

    Raises:
        StorageError: It cannot be written.
    """
    fresh = place.with_name(f".{place.name}.new")
    try:
        _remove(fresh)
        if made.is_dir():
            shutil.copytree(made, fresh)
        else:
            shutil.copyfile(made, fresh)
        if place.is_dir():
            _exchange(fresh, place)
        else:
            fresh.replace(place)
        _remove(fresh)
    except OSError as error:
        _remove(fresh)
        # shutil.Error holds the errors of all files.
        first = error.args[0][0][2] if isinstance(error, shutil.Error) else error.strerror
        raise StorageError(f"{place} cannot be written ({first}): see to it, then start the same command") from error
    return place


def _exchange(one: Path, other: Path) -> None:
    """Swap two folders in one step, where the system can; a rename cannot replace a folder that is not empty."""
    if sys.platform == "linux":
        names = os.fsencode(one), os.fsencode(other)
        if ctypes.CDLL(None).renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0:
            return
    aside = other.with_name(f".{other.name}.old")
    _remove(aside)
    other.rename(aside)
    one.rename(other)
    _remove(aside)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
