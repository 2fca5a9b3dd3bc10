"""Admission: how much may be under way at once, so that more is a 503 at once and not a timeout for everybody."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Self

from serving.server.errors import Overloaded
from silencio.errors import ConfigError


@dataclass(frozen=True)
class Limits:
    """Limits of one server.

    Attributes:
        max_body_bytes: Largest body that is read.
        max_body_bytes_in_flight: Bytes of all bodies that are held at once.
        max_concurrent_requests: Requests that are worked on at once; one whose body is still coming is not worked on.
        body_read_timeout_s: A body that stands still for so long is given up.
        head_read_timeout_s: A connection on which no whole head of a request came for so long is closed.

    Raises:
        ConfigError: They contradict each other.
    """

    max_body_bytes: int
    max_body_bytes_in_flight: int
    max_concurrent_requests: int
    body_read_timeout_s: float = 30.0
    head_read_timeout_s: float = 30.0

    def __post_init__(self) -> None:
        if self.max_body_bytes < 1 or self.max_concurrent_requests < 1 or self.body_read_timeout_s <= 0:
            raise ConfigError("max_body_bytes, max_concurrent_requests and body_read_timeout_s must be more than 0")
        if self.head_read_timeout_s <= 0:
            raise ConfigError("head_read_timeout_s must be more than 0")
        if self.max_body_bytes_in_flight < self.max_body_bytes:
            raise ConfigError(
                f"max_body_bytes_in_flight is {self.max_body_bytes_in_flight}: less than the one largest body of "
                f"{self.max_body_bytes} bytes, which could never be read"
            )


class AdmissionController:
    """Counts what is under way in this process, and refuses what is too much; belongs to its one event loop.

    Args:
        limits: The server's limits.

    Attributes:
        limits: The server's limits.
        n_requests: Requests that are worked on.
        n_body_bytes: Bytes of bodies that are held.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.n_requests = 0
        self.n_body_bytes = 0

    def check(self, n_bytes: int) -> None:
        """Raises `Overloaded` if a request with so large a body would be refused now."""
        if self.n_requests >= self.limits.max_concurrent_requests:
            raise Overloaded(f"the server works on {self.n_requests} requests, the most at once; try again")
        if self.n_body_bytes + n_bytes > self.limits.max_body_bytes_in_flight:
            raise Overloaded("the server holds as many bytes of requests as it may; try again")


class Ticket:
    """One request's part of what is under way, given back at the end of the `with` block.

    Args:
        controller: The process's.
    """

    def __init__(self, controller: AdmissionController) -> None:
        self._controller = controller
        self._n_bytes = 0
        self._works = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.n_body_bytes -= self._n_bytes
        self._controller.n_requests -= self._works

    def hold(self, n_bytes: int) -> None:
        """Count bytes of the body that came.

        Raises:
            Overloaded: There is no room for it.
        """
        if self._controller.n_body_bytes + n_bytes > self._controller.limits.max_body_bytes_in_flight:
            self._controller.check(n_bytes)
        self._n_bytes += n_bytes
        self._controller.n_body_bytes += n_bytes

    def begin_work(self) -> None:
        """Count the request as worked on, once its body is whole; later calls do nothing.

        Raises:
            Overloaded: Too much is worked on.
        """
        if self._works:
            return
        self._controller.check(0)
        self._works = True
        self._controller.n_requests += 1
