"""Sources that have a name and no place: whatever installed packages offer under the entry points `silencio.sources`.

`demo` and `instruments` come with this package. An entry point names a function without arguments that makes sure that
the recordings are on this machine, and returns their folder.
"""

from __future__ import annotations

import functools
import re
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

GROUP = "silencio.sources"
# No path, URI or table looks like it, so that the packages of the environment are looked through for names alone.
_NAME = re.compile(r"[a-z][a-z0-9_-]*")


def source_names() -> list[str]:
    """Every name that `--data` may be."""
    return sorted(_installed())


def is_installed_source(data: str) -> bool:
    """Whether `--data` is a name and no place."""
    return _NAME.fullmatch(data) is not None and data in _installed()


def fetched_folder(name: str) -> Path:
    """The folder of a source's recordings; they are fetched where they are not there yet.

    Args:
        name: One of `source_names`.

    Raises:
        SourceError: They cannot be had.
    """
    folder: Path = _installed()[name].load()()
    return folder.resolve()


@functools.cache
def _installed() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}
