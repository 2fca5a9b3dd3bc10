"""What a run leaves at the top of its folder: each thing is replaced at once, when the new one is whole."""

from __future__ import annotations

import shutil
from pathlib import Path

from silencio.errors import StorageError
from silencio.storage import real_place, replace_file, replace_folder, restore_folder


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
    real = real_place(place)
    fresh = real.with_name(f".{real.name}.new")
    try:
        _remove(fresh)
        restore_folder(place)
        if made.is_dir():
            shutil.copytree(made, fresh)
            replace_folder(fresh, place)
        else:
            shutil.copyfile(made, fresh)
            replace_file(fresh, place)
    except OSError as error:
        _remove(fresh)
        # shutil.Error holds the errors of all files.
        first = error.args[0][0][2] if isinstance(error, shutil.Error) else error.strerror
        raise StorageError(f"{place} cannot be written ({first}): see to it, then start the same command") from error
    return place


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
