"""A bound on the work of reading headers."""

from __future__ import annotations

from silencio.errors import TooManyStepsError


class Steps:
    """Pages, frames and chunks that may be looked at, in one file or in all of a request.

    A page of 28 bytes is a valid one: a body of 160 MiB holds millions, and each takes a microsecond or two.

    Args:
        left: Number of steps that are left.

    Attributes:
        left: How many are left.
    """

    def __init__(self, left: int) -> None:
        self.left = left

    def take(self, n_steps: int = 1) -> None:
        """So many more.

        Raises:
            TooManyStepsError: They are not left.
        """
        if self.left < n_steps:
            self.left = 0
            raise TooManyStepsError
        self.left -= n_steps
