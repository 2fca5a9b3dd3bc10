"""Which recording gets the next decoder: real processes, one of which is held while others queue."""

from __future__ import annotations

import asyncio
import io
import signal
from collections.abc import Iterator

import numpy as np
import psutil
import pytest
import soundfile

from silencio.decoding import DecodeJob, DecoderPool
from silencio.decoding.pool import _Lane
from silencio.decoding.turns import Priority
from silencio.errors import DecodeError
from silencio.features import FeatureSpec
from tests.waiting import until, until_async

SPEC = FeatureSpec()


def _job(duration_s: float = 0.2, max_duration_s: float = 10.0) -> DecodeJob:
    file = io.BytesIO()
    soundfile.write(file, np.zeros(round(duration_s * 8_000)), 8_000, format="FLAC")
    return DecodeJob(file.getvalue(), ("log_mel",), 0.1, max_duration_s)


@pytest.fixture(scope="module")
def pool() -> Iterator[DecoderPool]:
    decoders = DecoderPool(SPEC, 1, 600.0)
    decoders.warm_up([_job()])
    yield decoders
    decoders.stop()


class _Held:
    """A lane's decoders, standing still."""

    def __init__(self, lane: _Lane) -> None:
        pools = [one._pool._pool_manager.worker_manager for one in lane.all]
        self.decoders = [psutil.Process(pid) for pool in pools for pid in pool.workers]

    def __enter__(self) -> _Held:
        for one in self.decoders:
            one.send_signal(signal.SIGSTOP)
            until(lambda one=one: one.status() == psutil.STATUS_STOPPED)
        return self

    def __exit__(self, *why: object) -> None:
        for one in self.decoders:
            one.send_signal(signal.SIGCONT)


def _n_waiting(pool: DecoderPool) -> int:
    return sum(map(len, pool._short._turns._waiting.values()))


def test_decode__interactive_before_batch_from_the_decoder_on(pool: DecoderPool) -> None:
    async def run() -> list[str]:
        order = list[str]()

        async def ask(name: str, priority: Priority) -> None:
            await pool.decode(_job(), priority)
            order.append(name)

        with _Held(pool._short) as held:
            assert len(held.decoders) == 1
            asking = [asyncio.create_task(ask("held", "interactive"))]
            await until_async(lambda: not pool._short._turns._idle)
            for n_waiting, (name, priority) in enumerate(
                (("b1", "batch"), ("b2", "batch"), ("i1", "interactive"), ("i2", "interactive")), 1
            ):
                asking.append(asyncio.create_task(ask(name, priority)))  # type: ignore[arg-type]
                await until_async(lambda n=n_waiting: _n_waiting(pool) == n)
        await asyncio.gather(*asking)
        return order

    assert asyncio.run(run()) == ["held", "i1", "i2", "b1", "b2"]


def test_decode__what_may_be_long_has_a_process_of_its_own(pool: DecoderPool) -> None:
    """However few its bytes are."""

    async def run() -> None:
        with _Held(pool._long) as held:
            assert len(held.decoders) == 1
            long = asyncio.create_task(pool.decode(_job(120.0, 120.5), "interactive"))
            assert (await pool.decode(_job())).duration_s == 0.2
            # A minute and what headers leave open is not long.
            assert (await pool.decode(_job(60.0, 60.5))).duration_s == 60.0
            assert not long.done()
        assert (await long).duration_s == 120.0

    asyncio.run(run())


def test_decode__cancelled_in_the_queue_it_never_begins(pool: DecoderPool) -> None:
    async def run() -> None:
        with _Held(pool._short):
            first = asyncio.create_task(pool.decode(_job()))
            await until_async(lambda: not pool._short._turns._idle)
            queued = [asyncio.create_task(pool.decode(_job())) for _ in range(3)]
            await until_async(lambda: _n_waiting(pool) == 3)
            submitted = list[object]()
            process = pool._short.all[0]
            submit = process.submit
            process.submit = lambda job: submitted.append(job) or submit(job)  # type: ignore[method-assign,func-returns-value]
            for one in queued:
                one.cancel()
            await asyncio.wait(queued)
        await first
        assert (await pool.decode(_job())).duration_s == 0.2
        assert len(submitted) == 1
        del process.submit

    asyncio.run(run())


def test_decode__stops_at_the_jobs_own_limit(pool: DecoderPool) -> None:
    with pytest.raises(DecodeError, match=r"longer than 5\.5 s") as caught:
        asyncio.run(pool.decode(_job(600.0, 5.5)))
    assert caught.value.kind == "too_long"
