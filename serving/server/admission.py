"""How much may be under way at once, so that more of it is a 503 at once and not a timeout for everybody."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Self

from serving.server.errors import Overloaded
from silencio.errors import ConfigError


@dataclass(frozen=True)
class Limits:
    """Settings of one server.

    Attributes:
        most_body_bytes: Largest body that is read.
        most_body_bytes_in_flight: Of all bodies that are held at once.
        most_requests: Requests that are worked on at once; one whose body is still coming is not worked on.
        longest_pause_s: A body that stands still for so long is given up.
        head_read_timeout_s: A connection on which no whole head of a request came for so long is closed.

    Raises:
        ConfigError: They contradict each other.
    """

    most_body_bytes: int
    most_body_bytes_in_flight: int
    most_requests: int
    longest_pause_s: float = 30.0
    head_read_timeout_s: float = 30.0

    def __post_init__(self) -> None:
        if self.most_body_bytes < 1 or self.most_requests < 1 or self.longest_pause_s <= 0:
            raise ConfigError("most_body_bytes, most_requests and longest_body_pause_s must be more than 0")
        if self.head_read_timeout_s <= 0:
            raise ConfigError("head_read_timeout_s must be more than 0")
        if self.most_body_bytes_in_flight < self.most_body_bytes:
            raise ConfigError(
                f"most_body_bytes_in_flight is {self.most_body_bytes_in_flight}: less than the one largest body of "
                f"{self.most_body_bytes} bytes, which could never be read"
            )


class Load:
    """What is under way in this process; belongs to its one event loop.

    Args:
        limits: As set.

    Attributes:
        n_requests: That are worked on.
        n_body_bytes: That are held.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.n_requests = 0
        self.n_body_bytes = 0

    def check(self, n_bytes: int) -> None:
        """Raises `Overloaded` if a request with so large a body would be refused now."""
        if self.n_requests >= self.limits.most_requests:
            raise Overloaded(f"the server works on {self.n_requests} requests, the most at once; try again")
        if self.n_body_bytes + n_bytes > self.limits.most_body_bytes_in_flight:
            raise Overloaded("the server holds as many bytes of requests as it may; try again")


class Share:
    """One request's part of the load, given back at the end of the `with` block."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._n_bytes = 0
        self._works = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._load.n_body_bytes -= self._n_bytes
        self._load.n_requests -= self._works

    def hold(self, n_bytes: int) -> None:
        """More of the body came.

        Raises:
            Overloaded: There is no room for it.
        """
        if self._load.n_body_bytes + n_bytes > self._load.limits.most_body_bytes_in_flight:
            self._load.check(n_bytes)
        self._n_bytes += n_bytes
        self._load.n_body_bytes += n_bytes

    def work(self) -> None:
        """The body is whole: work begins.

        Raises:
            Overloaded: Too much is worked on.
        """
        if self._works:
            return
        self._load.check(0)
        self._works = True
        self._load.n_requests += 1
