"""The processes, and who gets the next one."""

from __future__ import annotations

import asyncio
import multiprocessing
from concurrent.futures import Future
from concurrent.futures import TimeoutError as DeadlineError

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

    Pebble's pool, because the standard library's gives up altogether when one of its processes dies: here the one
    recording is lost that killed it, and its process is replaced.

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
        waiting = [lane.schedule(work) for lane in (self._small, self._large) for work in works * lane.n_processes]
        for one in waiting:
            try:
                one.result()
            except (DecodeError, ProcessExpired, DeadlineError, MemoryError) as error:
                raise ParityError(f"the processes that decode cannot decode the parity clips: {error!r}") from error


class _Lane:
    def __init__(
        self, spec: FeatureSpec, n_processes: int, niceness: int, context: multiprocessing.context.BaseContext
    ) -> None:
        self.n_processes = n_processes
        # Imports of the fork server's children are done; what is left is the filters.
        self._pool = ProcessPool(max_workers=n_processes, initializer=begin, initargs=(spec, niceness), context=context)
        # No more are handed over than are worked on: the deadline then is one of work, not of waiting.
        self._free = asyncio.Semaphore(n_processes)

    def stop(self) -> None:
        self._pool.stop()  # type: ignore[no-untyped-call]  # pebble
        self._pool.join()

    def schedule(self, work: Work) -> Future[HeardRecording]:
        future: Future[HeardRecording] = self._pool.schedule(hear, args=(work,), timeout=_DEADLINE_S)
        return future

    async def hear(self, work: Work) -> HeardRecording:
        async with self._free:
            try:
                return await asyncio.wrap_future(self.schedule(work))
            except ProcessExpired as error:
                logger.error("a recording of %d bytes ended its process: %s", len(work.encoded), error)
                raise DecodeError("the decoder crashed on this file", "crash") from error
            except DeadlineError as error:
                logger.error("a recording of %d bytes took longer than %g s", len(work.encoded), _DEADLINE_S)
                raise DecodeError(f"the file took longer than {_DEADLINE_S:g} s to decode", "timeout") from error
            except MemoryError as error:
                raise DecodeError(
                    "the file needs more memory to decode than is given to one recording", "memory"
                ) from error
