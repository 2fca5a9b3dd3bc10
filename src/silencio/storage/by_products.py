"""What systems, disk stations, file managers and editors leave in folders, which nobody put there and nothing reads."""

from __future__ import annotations

import re

# Folders of operating systems and disk stations on cards and shares; those that begin with a dot are hidden anyway.
_SYSTEM_FOLDERS = frozenset(
    {
        "$recycle.bin",
        "recycler",
        "recycled",
        "system volume information",
        "__macosx",
        "lost+found",
        "lost.dir",
        "network trash folder",
        "temporary items",
        "@eadir",
        "@recycle",
        "@tmp",
        "#recycle",
        "#snapshot",
        "~snapshot",
    }
)
_SYSTEM_FILES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini"})
_SEPARATOR = re.compile(r"[/\\]")


def is_of_system(name: str) -> bool:
    """Whether it lies in a folder that an operating system or a disk station keeps for itself, such as its bin.

    Args:
        name: Name of a file, with the folders between it and the place that was named; of a folder with `/` behind it.
    """
    return any(part.casefold() in _SYSTEM_FOLDERS for part in _SEPARATOR.split(name)[:-1])


def is_by_product(name: str) -> bool:
    """Whether a file came to lie there because somebody looked at the folder or a system keeps it.

    That is what lies in a folder of a system, what is hidden or in a hidden folder (`.DS_Store`, `.~lock.a#`), and what
    editors and file managers keep beside a file (`a.csv~`, `~$a.xlsx`, `Thumbs.db`).

    Args:
        name: As in `is_of_system`.
    """
    parts = _SEPARATOR.split(name)
    is_editors = parts[-1].endswith("~") or parts[-1].startswith("~$") or parts[-1].casefold() in _SYSTEM_FILES
    return is_editors or is_of_system(name) or any(part.startswith(".") for part in parts)
