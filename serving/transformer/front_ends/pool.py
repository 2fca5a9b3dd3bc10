"""The processes, and who gets the next one."""

from __future__ import annotations

import asyncio
import multiprocessing
from concurrent.futures import Future
from concurrent.futures import TimeoutError as DeadlineError
from concurrent.futures.process import BrokenProcessPool
from functools import partial

from kserve.logging import logger
from pebble import ProcessExpired, ProcessPool

from serving.transformer.front_ends.work import HeardRecording, Work, begin, hear
from silencio.errors import DecodeError, ParityError
from silencio.features import FeatureSpec

# What a recording may cost: the longest that is taken, from the fastest recorder, is done in a tenth of it.
_DEADLINE_S = 60.0
# Larger uploads are long ones, whatever their form: they share one process that yields to the others.
_SMALL_BYTES = 2 << 20
_BATCH_NICENESS = 10


class FrontEnds:
    """Processes that decode and featurize; a context manager.

    A process that dies loses the one recording that killed it, and is replaced.

    Args:
        spec: What is followed.
        n_processes: For recordings of up to a minute or so; one more, of low priority, takes the large ones.
    """

    def __init__(self, spec: FeatureSpec, n_processes: int) -> None:
        # A fork server has the imports done: a process is replaced in milliseconds, and shares their memory. (Forked
        # from here it would inherit the threads' locks, and gRPC's.)
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([hear.__module__])
        self._small = _Lane(spec, n_processes, 0, context)
        self._large = _Lane(spec, 1, _BATCH_NICENESS, context)

    def stop(self) -> None:
        """End the processes."""
        self._small.stop()
        self._large.stop()

    async def hear(self, work: Work) -> HeardRecording:
        """Decode and featurize one recording.

        Raises:
            DecodeError: It is no recording that is taken, or took its process with it.
        """
        lane = self._small if len(work.encoded) <= _SMALL_BYTES else self._large
        return await lane.hear(work)

    def warm_up(self, works: list[Work]) -> None:
        """Have every process hear something: the first call of each pays for caches and page faults.

        Raises:
            ParityError: One of them cannot decode what this process can.
        """
        waiting = [one.schedule(work) for lane in (self._small, self._large) for one in lane.all for work in works]
        for one in waiting:
            try:
                one.result()
            except (DecodeError, ProcessExpired, DeadlineError, MemoryError) as error:
                raise ParityError(f"the processes that decode cannot decode the parity clips: {error!r}") from error


class _Lane:
    def __init__(
        self, spec: FeatureSpec, n_processes: int, niceness: int, context: multiprocessing.context.BaseContext
    ) -> None:
        self.all = [_FrontEndProcess(spec, niceness, context) for _ in range(n_processes)]
        # The last to finish is the next to work: its caches are warm. None is handed a second recording, so the
        # deadline is one of work, not of waiting.
        self._idle: asyncio.LifoQueue[_FrontEndProcess] = asyncio.LifoQueue()
        for one in self.all:
            self._idle.put_nowait(one)

    def stop(self) -> None:
        for one in self.all:
            one.stop()

    async def hear(self, work: Work) -> HeardRecording:
        process = await self._idle.get()
        try:
            return await process.hear(work)
        except (ProcessExpired, BrokenProcessPool) as error:
            logger.error("a recording of %d bytes ended its process: %r", len(work.encoded), error)
            raise DecodeError("the decoder crashed on this file", "crash") from error
        except DeadlineError as error:
            logger.error("a recording of %d bytes took longer than %g s", len(work.encoded), _DEADLINE_S)
            raise DecodeError(f"the file took longer than {_DEADLINE_S:g} s to decode", "timeout") from error
        except MemoryError as error:
            raise DecodeError(
                "the file needs more memory to decode than is given to one recording", "memory"
            ) from error
        finally:
            self._idle.put_nowait(process)


class _FrontEndProcess:
    """One process, in a pool of its own.

    A process that is killed while it sends dies with the lock of its pool's pipe, and one that is killed while it waits
    breaks its pool (pebble's as the standard library's): so each has its own, which is thrown away with it.
    """

    def __init__(self, spec: FeatureSpec, niceness: int, context: multiprocessing.context.BaseContext) -> None:
        # Imports of the fork server's children are done; what is left is the filters.
        self._make = partial(ProcessPool, max_workers=1, initializer=begin, initargs=(spec, niceness), context=context)
        self._pool = self._make()

    def stop(self) -> None:
        self._end(self._pool)

    def schedule(self, work: Work) -> Future[HeardRecording]:
        future: Future[HeardRecording] = self._pool.schedule(hear, args=(work,), timeout=_DEADLINE_S)
        return future

    async def hear(self, work: Work) -> HeardRecording:
        if not self._pool.active:
            await self._replace()
        try:
            return await self._ask(work)
        except BrokenProcessPool:
            # It died before it said that it had begun: of something else, unless it does so again.
            return await self._ask(work)

    async def _ask(self, work: Work) -> HeardRecording:
        try:
            return await asyncio.wrap_future(self.schedule(work))
        except (ProcessExpired, BrokenProcessPool):
            await self._replace()
            raise

    async def _replace(self) -> None:
        broken, self._pool = self._pool, self._make()
        await asyncio.to_thread(self._end, broken)

    @staticmethod
    def _end(pool: ProcessPool) -> None:
        pool.stop()  # type: ignore[no-untyped-call]  # pebble
        pool.join()
