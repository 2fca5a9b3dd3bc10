"""How tests wait: for what must happen, as long as it takes. How long it took is no test's outcome."""

from __future__ import annotations

import time
from collections.abc import Callable
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
        if time.monotonic() > hangs_at_s:
            raise AssertionError(f"it never came: {what() if callable(what) else what}")
        time.sleep(_POLL_S)
    return found
