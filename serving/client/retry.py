"""The one retry policy of whoever sends requests to a transformer."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from serving.client.errors import BusyError, RefusedRecordingError
from silencio.errors import ServingError

T = TypeVar("T")


@dataclass(frozen=True)
class RetryPolicy:
    """When a request that failed is sent again: at `Retry-After`, else twice as late each time, with jitter.

    `tenacity` and `stamina` have the same back-off; neither waits for the server's `Retry-After`, for a clock that runs
    faster than life (`simulate`), or for an event that a signal handler may set (`consume`).

    Attributes:
        max_elapsed_s: Nothing is sent again later than so many seconds after the first attempt; 0: one attempt.
        retried: Errors after which the same may succeed; a recording that was refused never is.
        first_backoff_s: Pause after the first failure, before jitter.
        max_backoff_s: Longest pause, before jitter.
    """

    max_elapsed_s: float = 0.0
    retried: tuple[type[ServingError], ...] = (BusyError,)
    first_backoff_s: float = 0.5
    max_backoff_s: float = 60.0

    def pause_s(self, n_failures: int, retry_after_s: float = 0.0, jitter: float | None = None) -> float:
        """How long to wait before the next attempt.

        Args:
            n_failures: Attempts so far, at least 1.
            retry_after_s: Seconds that the server names; 0 where it names none.
            jitter: A number from 0 to 1, for half to one and a half of the back-off; None draws it.
        """
        drawn = random.random() if jitter is None else jitter  # noqa: S311  # no secret
        backoff_s = min(self.max_backoff_s, self.first_backoff_s * 2.0 ** min(n_failures - 1, 30))
        return max(backoff_s * (0.5 + drawn), retry_after_s)

    def call(self, attempt: Callable[[], T], wait: Callable[[float], bool] | None = None) -> T:
        """Attempt, and again as long as the policy allows.

        Args:
            attempt: Raises a `ServingError` where it fails.
            wait: Waits so many seconds; returns True where nothing is to be attempted any more. By default it sleeps.

        Raises:
            ServingError: The last attempt's.
        """
        deadline_s = time.monotonic() + self.max_elapsed_s
        n_failures = 0
        while True:
            try:
                return attempt()
            except RefusedRecordingError:
                raise
            except self.retried as error:
                n_failures += 1
                pause_s = self.pause_s(n_failures, error.retry_after_s if isinstance(error, BusyError) else 0.0)
                if time.monotonic() + pause_s > deadline_s or (wait or _sleep)(pause_s):
                    raise


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return False


def retry_after_s(value: str) -> float | None:
    """Seconds that a `Retry-After` names; None where it is not there, or a date, which proxies may send."""
    try:
        wait_s = float(value)
    except ValueError:
        return None
    return wait_s if math.isfinite(wait_s) and wait_s > 0 else None
