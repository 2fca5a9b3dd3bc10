"""Interactive work gets the next decoder before batch work, which always gets one in ten."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from silencio.decoding.turns import INTERACTIVE_PER_BATCH, Priority, Turns


def _run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(test())  # type: ignore[arg-type]


class _Crowd:
    """Who waits, and in which order they got the one thing there is; each gives it back at once."""

    def __init__(self, turns: Turns[str]) -> None:
        self.turns, self.order = turns, list[str]()
        self.tasks = list[asyncio.Task[None]]()

    async def join(self, name: str, priority: Priority) -> asyncio.Task[None]:
        task = asyncio.create_task(self._take(name, priority))
        self.tasks.append(task)
        await asyncio.sleep(0)
        return task

    async def _take(self, name: str, priority: Priority) -> None:
        thing = await self.turns.take(priority)
        self.order.append(name)
        self.turns.give_back(thing)


def test_turn__interactive_before_batch_and_first_come_first_served() -> None:
    async def run() -> None:
        crowd = _Crowd(turns := Turns(["decoder"]))
        held = await turns.take("interactive")
        for name, priority in (("b1", "batch"), ("b2", "batch"), ("i1", "interactive"), ("i2", "interactive")):
            await crowd.join(name, priority)  # type: ignore[arg-type]
        turns.give_back(held)
        await asyncio.gather(*crowd.tasks)
        assert crowd.order == ["i1", "i2", "b1", "b2"]

    _run(run)


def test_turn__batch_work_gets_one_in_ten() -> None:
    async def run() -> None:
        crowd = _Crowd(turns := Turns(["decoder"]))
        held = await turns.take("interactive")
        for i in range(2):
            await crowd.join(f"b{i}", "batch")
        for i in range(2 * INTERACTIVE_PER_BATCH + 1):
            await crowd.join(f"i{i}", "interactive")
        turns.give_back(held)
        await asyncio.gather(*crowd.tasks)
        assert [i for i, name in enumerate(crowd.order) if name.startswith("b")] == [
            INTERACTIVE_PER_BATCH,
            2 * INTERACTIVE_PER_BATCH + 1,
        ]

    _run(run)


def test_cancelled__leaves_the_queue_and_costs_nobody_a_turn() -> None:
    async def run() -> None:
        crowd = _Crowd(turns := Turns(["decoder"]))
        held = await turns.take("interactive")
        gone = await crowd.join("gone", "interactive")
        await crowd.join("stays", "batch")
        gone.cancel()
        await asyncio.wait([gone])
        turns.give_back(held)
        await crowd.tasks[1]
        assert crowd.order == ["stays"]
        assert await turns.take("batch") == "decoder"

    _run(run)


def test_cancelled__in_the_moment_of_its_turn_hands_it_on() -> None:
    async def run() -> None:
        crowd = _Crowd(turns := Turns(["decoder"]))
        held = await turns.take("interactive")
        gone = await crowd.join("gone", "interactive")
        await crowd.join("next", "interactive")
        turns.give_back(held)  # it is handed to the first, which has not run since
        gone.cancel()
        await asyncio.wait(crowd.tasks)
        assert crowd.order == ["next"]
        assert await turns.take("interactive") == "decoder"

    _run(run)
