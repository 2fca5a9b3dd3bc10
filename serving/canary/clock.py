"""The judge's clock: injected, so that settings speed a release up and tests drive it by events."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What time it is, and waiting."""

    def now_s(self) -> float:
        """Seconds since 1970, UTC."""

    def wait(self, seconds: float) -> None:
        """Return after so many seconds, or earlier."""


class SystemClock:
    """This machine's."""

    def now_s(self) -> float:
        return time.time()

    def wait(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds))


def iso(at_s: float) -> str:
    """As the record keeps a time: ISO 8601, UTC, to the millisecond."""
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds")


def seconds_of(at: str) -> float:
    """The reverse of `iso`."""
    return datetime.fromisoformat(at).timestamp()
