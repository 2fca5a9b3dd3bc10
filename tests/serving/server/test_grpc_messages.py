"""Which messages of gRPC are read, and which give way: a silent one stands for one that is slow or never comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from serving.server.errors import Overloaded
from serving.server.grpc_messages import MAX_MESSAGES_AT_ONCE, MAX_NAMES_AT_ONCE, Messages
from tests.waiting import HANG_S, until_async


async def silent() -> AsyncIterator[bytes]:
    await asyncio.Event().wait()
    yield b""


async def of(message: bytes) -> AsyncIterator[bytes]:
    yield message


def test_names__the_oldest_gives_way_and_none_to_those_who_need_no_key() -> None:
    async def send() -> None:
        messages = Messages(10 * HANG_S)
        with_key, open_to_all = (
            [asyncio.create_task(messages.read_name(silent(), is_open=is_open)) for _ in range(MAX_NAMES_AT_ONCE + n)]
            for is_open, n in ((False, 0), (True, 2))
        )
        calls = [*open_to_all, *with_key]
        await until_async(lambda: sum(one.done() for one in calls) == 2)
        assert calls.index(next(one for one in calls if one.done())) == 0
        assert all(isinstance(one.exception(), Overloaded) for one in open_to_all[:2])
        assert await messages.read_name(of(b"name"), is_open=True) == b"name"
        for one in calls:
            one.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        assert not messages._names._being_read
        assert not messages._open_names._being_read

    asyncio.run(send())


def test_recordings__one_whose_turn_does_not_come_is_refused_and_leaves_no_trace() -> None:
    async def send() -> None:
        messages = Messages(0.01)
        messages._may_read = asyncio.Semaphore(0)  # all are sending, for longer than one waits
        with pytest.raises(Overloaded, match="as many messages as may be are being sent; try again"):
            await messages.read(of(b"recording"))
        assert messages._n_waiting == 0

    asyncio.run(send())


def test_recordings__one_that_was_given_up_makes_room() -> None:
    async def send() -> None:
        messages = Messages(10 * HANG_S)
        slow = [asyncio.create_task(messages.read(silent())) for _ in range(MAX_MESSAGES_AT_ONCE)]
        waiting = asyncio.create_task(messages.read(of(b"recording")))
        await until_async(lambda: messages._n_waiting == 1)
        slow[0].cancel()
        assert await waiting == b"recording"
        for one in slow:
            one.cancel()
        await asyncio.gather(*slow, return_exceptions=True)

    asyncio.run(send())
