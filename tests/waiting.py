"""How tests wait: for what must happen, as long as it takes. How long it took is no test's outcome."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

# Ends a test that hangs, and is never its verdict: the slowest machine does in this time what a test waits for.
HANG_S = 1800.0
_POLL_S = 0.01

T = TypeVar("T")


def until(condition: Callable[[], T], what: Callable[[], object] | str = "") -> T:
    """Wait until something is true.

    Args:
        condition: Asked again and again.
        what: Said when it hangs: what was waited for, or a function that says what there is instead.

    Returns:
        What `condition` returned when it was true.
    """
    hangs_at_s = time.monotonic() + HANG_S
    while not (found := condition()):
        _check(hangs_at_s, what)
        time.sleep(_POLL_S)
    return found


async def until_async(condition: Callable[[], T], what: Callable[[], object] | str = "") -> T:
    """`until`, for what happens in this very loop."""
    hangs_at_s = time.monotonic() + HANG_S
    while not (found := condition()):
        _check(hangs_at_s, what)
        await asyncio.sleep(_POLL_S)
    return found


def is_gone(pid: int) -> bool:
    """No such process, or it only waits to be counted by its parent; while a thread of it ends, its files are open."""
    try:
        is_zombie = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
        return is_zombie and len(list(Path(f"/proc/{pid}/task").iterdir())) == 1
    except (FileNotFoundError, ProcessLookupError):
        return True


def _check(hangs_at_s: float, what: Callable[[], object] | str) -> None:
    if time.monotonic() > hangs_at_s:
        raise AssertionError(f"it never came: {what() if callable(what) else what}")
