"""Waiting for what must happen, as long as it takes within a generous limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from silencio.errors import ServingError

_HANG_S = 120.0
_POLL_S = 0.1
T = TypeVar("T")


def until(condition: Callable[[], T | None], what: str) -> T:
    """Wait until something is there.

    Args:
        condition: Asked again and again.
        what: What was waited for, for the message.

    Returns:
        What `condition` returned when it was no None and not false.

    Raises:
        ServingError: It never came.
    """
    hangs_at_s = time.monotonic() + _HANG_S
    while not (found := condition()):
        if time.monotonic() > hangs_at_s:
            raise ServingError(f"waited {_HANG_S:g} s for {what}, and it never came")
        time.sleep(_POLL_S)
    return found
