"""How many bytes of decoded sound are alive at once, over all requests: who does not fit waits in line."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from serving.server.errors import Overloaded
from serving.server.protocol import Priority

# Of the bytes, what batch work leaves to interactive requests.
_INTERACTIVE_SHARE = 8
# Batch requests that wait hold their bodies, and a place among the requests that are worked on.
_MAX_WAITING_BATCH = 8
# Interactive requests that may be let in before a batch request that waits, and would fit but for them; and as many
# batch requests that came later and fit where it does not.
_MAX_OVERTAKING = 9
_RETRY_AFTER_S = 5


@dataclass(eq=False)
class _Waiting:
    """A request in line.

    Attributes:
        n_bytes: Bytes that it needs.
        n_overtaken: Batch requests behind it that were let in before it.
        admitted: Done when it is let in, or does not wait any more.
    """

    n_bytes: int
    n_overtaken: int = 0
    admitted: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class FeatureMemory:
    """The bytes of all requests; belongs to one event loop.

    A request reserves once all that it may need, before anything of it is decoded, and holds nothing while it waits:
    no two can wait for each other. What it needs beyond that (a recording was longer than its headers say) is given
    at once or not at all.

    Args:
        max_bytes: Limit on the bytes that are held.
        max_request_bytes: Bytes that the largest admitted request needs; the limit is raised where that does not fit.

    Attributes:
        max_bytes: Limit on the bytes that are held.
        n_bytes: Bytes that are held.
    """

    def __init__(self, max_bytes: int, max_request_bytes: int) -> None:
        self.max_bytes = max(max_bytes, -(-max_request_bytes * _INTERACTIVE_SHARE // (_INTERACTIVE_SHARE - 1)))
        self.n_bytes = 0
        self._n_batch_bytes = 0
        self._n_overtaking = 0
        self._waiting: dict[Priority, deque[_Waiting]] = {"interactive": deque(), "batch": deque()}

    @property
    def n_waiting(self) -> int:
        """Requests that wait for room."""
        return sum(map(len, self._waiting.values()))

    async def enter(self, n_bytes: int, priority: Priority) -> None:
        """Wait for room, and take it; `change` gives it back.

        Raises:
            Overloaded: As many batch requests wait already as may.
        """
        queue = self._waiting[priority]
        if self._may_enter(n_bytes, priority) and self._may_overtake(list(queue), priority):
            self._hold(n_bytes, priority, list(queue))
            return
        if priority == "batch" and len(queue) >= _MAX_WAITING_BATCH:
            text = f"{len(queue)} requests that are long, or of priority batch, wait already for room; try again"
            raise Overloaded(text, _RETRY_AFTER_S)
        waiting = _Waiting(n_bytes)
        queue.append(waiting)
        try:
            await waiting.admitted
        except asyncio.CancelledError:
            if waiting.admitted.cancelled():
                if waiting in queue:
                    queue.remove(waiting)
                self._admit()  # it may have stood in the way of one that fits
            else:  # room came in the moment in which nobody wanted it any more
                self.change(n_bytes, priority, 0, priority)
            raise

    def change(self, n_old_bytes: int, old: Priority, n_new_bytes: int, new: Priority) -> None:
        """Hold another number of bytes, perhaps as work of the other priority.

        Raises:
            Overloaded: There is no room for more of them now.
        """
        n_bytes = self.n_bytes + n_new_bytes - n_old_bytes
        n_batch_bytes = self._n_batch_bytes + n_new_bytes * (new == "batch") - n_old_bytes * (old == "batch")
        grows = n_new_bytes > n_old_bytes
        if grows and (n_bytes > self.max_bytes or (new == "batch" and n_batch_bytes > self._max_batch_bytes)):
            text = "a recording is longer than its headers say, and there is no room for it now; try again"
            raise Overloaded(text, _RETRY_AFTER_S)
        self.n_bytes, self._n_batch_bytes = n_bytes, n_batch_bytes
        self._admit()

    @property
    def _max_batch_bytes(self) -> int:
        return self.max_bytes - self.max_bytes // _INTERACTIVE_SHARE

    def _may_enter(self, n_bytes: int, priority: Priority) -> bool:
        if self.n_bytes + n_bytes > self.max_bytes:
            return False
        if priority == "batch":
            return self._n_batch_bytes + n_bytes <= self._max_batch_bytes
        return not self._batch_is_owed()

    def _batch_is_owed(self) -> bool:
        """Whether interactive requests have to let a batch request in, which waits for nothing but them."""
        batch = self._waiting["batch"]
        is_over = bool(batch) and self._n_overtaking >= _MAX_OVERTAKING
        return is_over and self._n_batch_bytes + batch[0].n_bytes <= self._max_batch_bytes

    def _may_overtake(self, ahead: Sequence[_Waiting], priority: Priority) -> bool:
        """Whether a request may be let in before those of its priority that wait ahead of it.

        Interactive ones wait for room that small ones would take from them for ever. Batch ones wait long, for longer
        ones: what fits beside them passes, until one of them was overtaken as often as may be.
        """
        return not ahead or (priority == "batch" and all(one.n_overtaken < _MAX_OVERTAKING for one in ahead))

    def _hold(self, n_bytes: int, priority: Priority, ahead: Sequence[_Waiting]) -> None:
        self.n_bytes += n_bytes
        if priority == "batch":
            self._n_batch_bytes += n_bytes
        for one in ahead:
            one.n_overtaken += 1
        if ahead:
            return
        is_overtaking = priority == "interactive" and bool(self._waiting["batch"])
        self._n_overtaking = self._n_overtaking + 1 if is_overtaking else 0

    def _admit(self) -> None:
        """Let in who fits, each line from its first on."""
        while any([self._admit_first("interactive"), self._admit_first("batch")]):
            pass

    def _admit_first(self, priority: Priority) -> bool:
        queue = self._waiting[priority]
        waiting = [one for one in queue if not one.admitted.done()]  # others were cancelled
        for i, one in enumerate(waiting):
            if not self._may_overtake(waiting[:i], priority):
                break
            if self._may_enter(one.n_bytes, priority):
                queue.remove(one)
                self._hold(one.n_bytes, priority, waiting[:i])
                one.admitted.set_result(None)
                return True
        return False


class FeatureReservation:
    """One request's part of the memory, given back at the end of the `with` block.

    Args:
        memory: The memory of all requests.

    Attributes:
        n_bytes: Bytes that it holds.
        priority: The priority as which it holds them.
    """

    def __init__(self, memory: FeatureMemory) -> None:
        self.n_bytes = 0
        self.priority: Priority = "interactive"
        self._memory = memory

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.resize(0, self.priority)

    async def enter(self, n_bytes: int, priority: Priority) -> None:
        """Wait for room, once.

        Raises:
            Overloaded: As many wait already as may.
        """
        await self._memory.enter(n_bytes, priority)
        self.n_bytes, self.priority = n_bytes, priority

    def resize(self, n_bytes: int, priority: Priority) -> None:
        """Hold less, or more where that fits now.

        Raises:
            Overloaded: It does not.
        """
        self._memory.change(self.n_bytes, self.priority, n_bytes, priority)
        self.n_bytes, self.priority = n_bytes, priority
