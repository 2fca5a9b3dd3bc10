"""Decoded bytes over all requests never pass the limit; who waits is let in in order, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from serving.server.errors import Overloaded
from serving.server.protocol import Priority
from serving.transformer.feature_memory import FeatureMemory, FeatureReservation

# Batch work has seven eighths.
MAX_BYTES = 800


def _run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(test())  # type: ignore[arg-type]


class _Requests:
    """Requests that enter and stay until they are told to leave."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.memory = FeatureMemory(max_bytes, 1)
        self.inside = list[str]()
        self.tasks = dict[str, asyncio.Task[None]]()
        self._may_leave = dict[str, asyncio.Event]()

    async def enter(self, name: str, n_bytes: int, priority: Priority = "interactive") -> None:
        self._may_leave[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._stay(name, n_bytes, priority))
        await _settle()

    async def leave(self, name: str) -> None:
        self._may_leave[name].set()
        await asyncio.wait([self.tasks[name]])
        await _settle()

    async def cancel(self, name: str) -> None:
        self.tasks[name].cancel()
        await asyncio.wait([self.tasks[name]])
        await _settle()

    async def _stay(self, name: str, n_bytes: int, priority: Priority) -> None:
        with FeatureReservation(self.memory) as share:
            await share.enter(n_bytes, priority)
            self.inside.append(name)
            try:
                await self._may_leave[name].wait()
            finally:
                self.inside.remove(name)


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_enter__waits_for_room_and_is_let_in_in_order() -> None:
    async def run() -> None:
        requests = _Requests()
        await requests.enter("a", 500)
        await requests.enter("b", 400)
        await requests.enter("small", 1)
        # It would fit, and comes after one that waits.
        assert requests.inside == ["a"]
        assert (requests.memory.n_bytes, requests.memory.n_waiting) == (500, 2)
        await requests.leave("a")
        assert requests.inside == ["b", "small"]
        assert (requests.memory.n_bytes, requests.memory.n_waiting) == (401, 0)

    _run(run)


def test_batch__leaves_an_eighth_to_interactive_requests() -> None:
    async def run() -> None:
        requests = _Requests()
        await requests.enter("b1", 700, "batch")
        await requests.enter("b2", 1, "batch")
        await requests.enter("i1", 100)
        assert requests.inside == ["b1", "i1"]

    _run(run)


def test_batch__that_waits_does_not_stand_in_the_way_of_interactive_requests() -> None:
    async def run() -> None:
        requests = _Requests()
        await requests.enter("b1", 400, "batch")
        await requests.enter("b2", 400, "batch")
        for i in range(20):
            await requests.enter(f"i{i}", 10)
            await requests.leave(f"i{i}")
        assert requests.inside == ["b1"]
        await requests.leave("b1")
        assert requests.inside == ["b2"]

    _run(run)


def test_batch__is_not_starved_by_interactive_requests() -> None:
    async def run() -> None:
        requests = _Requests()
        for i in range(4):
            await requests.enter(f"i{i}", 200)
        await requests.enter("batch", 300, "batch")
        n = 4
        while "batch" not in requests.inside:
            assert n < 40, "it is overtaken for ever"
            await requests.enter(f"i{n}", 200)
            await requests.leave(requests.inside[0])
            n += 1
        assert requests.memory.n_bytes <= MAX_BYTES

    _run(run)


def test_batch__that_is_short_passes_a_long_one_that_waits_and_not_for_ever() -> None:
    async def run() -> None:
        requests = _Requests()
        await requests.enter("long1", 400, "batch")
        await requests.enter("long2", 400, "batch")
        for i in range(9):
            await requests.enter(f"short{i}", 100, "batch")
            assert requests.inside == ["long1", f"short{i}"]
            await requests.leave(f"short{i}")
        # It was overtaken as often as may be: who comes now stays behind it, though there is room.
        await requests.enter("short9", 100, "batch")
        assert (requests.inside, requests.memory.n_waiting) == (["long1"], 2)
        await requests.leave("long1")
        assert requests.inside == ["long2", "short9"]

    _run(run)


def test_batch__that_is_short_passes_where_as_many_wait_as_may() -> None:
    async def run() -> None:
        requests = _Requests()
        await requests.enter("inside", 500, "batch")
        for i in range(8):
            await requests.enter(f"waits{i}", 300, "batch")
        await requests.enter("short", 100, "batch")
        assert requests.inside == ["inside", "short"]
        await requests.leave("inside")
        # Nobody's order among those that wait for the same room has changed.
        assert requests.inside == ["short", "waits0", "waits1"]

    _run(run)


def test_batch__that_waits_behind_a_long_one_is_let_in_by_room_that_is_too_little_for_it() -> None:
    async def run() -> None:
        requests = _Requests()
        await requests.enter("a", 350, "batch")
        await requests.enter("b", 350, "batch")
        await requests.enter("long", 700, "batch")
        await requests.enter("short", 100, "batch")
        assert requests.inside == ["a", "b"]
        await requests.leave("a")
        assert requests.inside == ["b", "short"]
        await requests.leave("b")
        await requests.leave("short")
        assert requests.inside == ["long"]

    _run(run)


def test_batch__more_than_may_wait_are_told_to_come_back() -> None:
    async def run() -> None:
        requests = _Requests()
        await requests.enter("inside", 700, "batch")
        for i in range(8):
            await requests.enter(f"waits{i}", 100, "batch")
        with pytest.raises(Overloaded, match="8 requests that are long, or of priority batch, wait already") as caught:
            await FeatureReservation(requests.memory).enter(100, "batch")
        assert caught.value.retry_after_s >= 1
        await requests.leave("inside")
        assert len(requests.inside) == 7

    _run(run)


def test_cancelled__while_it_waits_it_leaves_the_line_to_those_behind() -> None:
    async def run() -> None:
        requests = _Requests()
        await requests.enter("a", 500)
        await requests.enter("large", 400)
        await requests.enter("small", 100)
        await requests.cancel("large")
        assert requests.inside == ["a", "small"]
        await requests.cancel("a")
        assert requests.memory.n_bytes == 100

    _run(run)


def test_cancelled__in_the_moment_of_being_let_in_it_holds_nothing() -> None:
    async def run() -> None:
        requests = _Requests()
        await requests.enter("a", 800)
        await requests.enter("b", 800)
        requests.memory.change(
            800, "interactive", 0, "interactive"
        )  # "a" has left, "b" is let in and has not run since
        assert requests.memory.n_bytes == 800
        requests.tasks["b"].cancel()
        await asyncio.wait([requests.tasks["b"]])
        assert requests.memory.n_bytes == 0
        requests.memory.change(0, "interactive", 800, "interactive")
        await requests.leave("a")
        assert requests.memory.n_bytes == 0

    _run(run)


def test_resize__gives_back_at_once_and_takes_more_only_where_it_fits() -> None:
    async def run() -> None:
        requests = _Requests()
        with FeatureReservation(requests.memory) as share:
            await share.enter(700, "interactive")
            await requests.enter("waits", 500)
            share.resize(300, "interactive")
            await _settle()
            assert requests.inside == ["waits"]
            with pytest.raises(Overloaded, match="longer than its headers say"):
                share.resize(301, "interactive")
            assert requests.memory.n_bytes == 800
            share.resize(200, "batch")
        assert requests.memory.n_bytes == 500
        with pytest.raises(RuntimeError, match="what it asks"), FeatureReservation(requests.memory) as share:
            await share.enter(100, "batch")
            raise RuntimeError("what it asks for is given back where it fails")
        assert requests.memory.n_bytes == 500

    _run(run)


def test_limit__is_raised_to_what_one_request_may_need() -> None:
    async def run() -> None:
        memory = FeatureMemory(100, 700)
        with FeatureReservation(memory) as share:
            await share.enter(700, "batch")
        assert memory.max_bytes == 800

    _run(run)


@pytest.mark.parametrize("seed", range(8))
def test_limit__is_never_passed_whatever_happens(seed: int) -> None:
    """Everybody comes, waits, grows, shrinks, is cancelled or fails at random; at the end nothing is held."""

    async def run() -> None:
        chance, memory = random.Random(seed), FeatureMemory(MAX_BYTES, 700)
        n_done = 0

        async def request() -> None:
            nonlocal n_done
            priority: Priority = chance.choice(("interactive", "batch"))
            with FeatureReservation(memory) as share:
                try:
                    await share.enter(chance.randrange(1, 700), priority)
                    for _ in range(chance.randrange(5)):
                        assert memory.n_bytes <= MAX_BYTES
                        await asyncio.sleep(0)
                        share.resize(chance.randrange(1, 700), chance.choice((priority, "batch")))
                except Overloaded:
                    pass
            n_done += 1
            assert 0 <= memory.n_bytes <= MAX_BYTES

        tasks = list[asyncio.Task[None]]()
        for _ in range(400):
            tasks.append(asyncio.create_task(request()))
            for _ in range(chance.randrange(3)):
                await asyncio.sleep(0)
            if chance.random() < 0.3:
                chance.choice(tasks).cancel()
        await asyncio.wait(tasks)
        assert not [one for one in tasks if not one.cancelled() and one.exception()]
        assert n_done > 100
        assert (memory.n_bytes, memory.n_waiting) == (0, 0)

    _run(run)
