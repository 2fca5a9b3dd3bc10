"""Who gets the next of a few processes: interactive work before batch work, which keeps a tenth of the turns."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Generic, Literal, TypeVar

Priority = Literal["interactive", "batch"]
# While both wait, so many interactive ones get a turn for one of batch work: it ends under any load.
INTERACTIVE_PER_BATCH = 9

T = TypeVar("T")


class Turns(Generic[T]):
    """Things of which each serves one at a time; belongs to one event loop.

    Args:
        things: All of them, idle.
    """

    def __init__(self, things: Iterable[T]) -> None:
        # The last to finish is the next to work: its caches are warm.
        self._idle = list(things)
        self._waiting: dict[Priority, deque[asyncio.Future[T]]] = {"interactive": deque(), "batch": deque()}
        self._n_since_batch = 0

    async def take(self, priority: Priority) -> T:
        """Wait for one; who is cancelled leaves the queue. `give_back` must follow."""
        if self._idle:
            return self._idle.pop()
        waiting: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting[priority].append(waiting)
        try:
            return await waiting
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled():
                self.give_back(waiting.result())  # it came in the moment in which nobody wanted it any more
            raise

    def give_back(self, thing: T) -> None:
        """It is free: whose turn it is gets it."""
        while (waiting := self._next()) is not None:
            if not waiting.done():
                waiting.set_result(thing)
                return
        self._idle.append(thing)

    def _next(self) -> asyncio.Future[T] | None:
        interactive, batch = (_without_cancelled(self._waiting[one]) for one in ("interactive", "batch"))
        if batch and (not interactive or self._n_since_batch >= INTERACTIVE_PER_BATCH):
            self._n_since_batch = 0
            return batch.popleft()
        if not interactive:
            return None
        self._n_since_batch = self._n_since_batch + 1 if batch else 0
        return interactive.popleft()


def _without_cancelled(waiting: deque[asyncio.Future[T]]) -> deque[asyncio.Future[T]]:
    while waiting and waiting[0].done():
        waiting.popleft()
    return waiting
