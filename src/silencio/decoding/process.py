"""One process that decodes, in a pool of its own, replaced when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import resource
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

from pebble import ProcessExpired, ProcessPool

from silencio.decoding.answers import Answer
from silencio.decoding.pebble_channel import AnswersContext, still_working
from silencio.errors import DecoderProcessError, SilencioError, UntrustedAnswerError

__all__ = ["DecoderProcess", "Work", "start_fork_server", "still_working"]

# Above what a process has when it is ready. An Ogg file of ten minutes decodes in half a second and 40 MB: a process
# that asks for more than this is being attacked.
_MAX_MEMORY_BYTES = 4 << 30
# For a job whose process died before it began: of something else, unless the next ones do so too.
_TRIES = (False, False, True)
# A process that a file has taken over may hold the lock without which pebble ends nobody.
_GRACE_S = 10.0
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
# As the servers have it: spinning threads cost more than they bring, and glibc would give an array of a megabyte back
# to the kernel after every window.
_ENVIRONMENT = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    **dict.fromkeys(("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"), str(32 << 20)),
}


@dataclass(frozen=True)
class Work:
    """What a process does; both functions are found by their names in another process.

    Attributes:
        run: Function from a job to its answer.
        begin: Called once, before the first job, with `arguments`; where it raises, every job does.
        arguments: Pickled on their way.
        deadline_s: A job that takes longer ends its process; `still_working` begins it anew.
        niceness: Niceness of the process.
        max_answer_bytes: Size limit of all arrays of an answer.
    """

    run: Callable[[Any], Answer]
    begin: Callable[..., None]
    arguments: tuple[Any, ...]
    deadline_s: float
    niceness: int = 0
    max_answer_bytes: int = 1 << 30


def start_fork_server(modules: Sequence[str]) -> None:
    """Start the process from which decoders are forked, unless it runs.

    It has the imports done: a decoder is replaced in milliseconds, and shares their memory. (Forked from this process
    it would inherit its threads' locks, and gRPC's.)

    Args:
        modules: Modules that the process imports.
    """
    multiprocessing.set_forkserver_preload(list(modules))
    with _environment():
        forkserver.ensure_running()


@contextlib.contextmanager
def _environment() -> Iterator[None]:
    """What a process must find when it begins."""
    missing = {name: value for name, value in _ENVIRONMENT.items() if name not in os.environ}
    os.environ.update(missing)
    try:
        yield
    finally:
        for name in missing:
            os.environ.pop(name, None)


class DecoderProcess:
    """One process, in a pool of its own; for one job at a time.

    A process that is killed while it sends dies with the lock of its pool's pipe, and one that is killed while it waits
    breaks its pool (pebble's as the standard library's): so each has its own, which is thrown away with it.

    Args:
        work: What it does.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._running: Future[Answer] | None = None
        self._is_stopped = False
        # A process that is stopped is neither started nor used any more, whatever other threads do.
        self._lock = threading.Lock()
        self._start()

    def _start(self) -> None:
        work = self._work
        # Of this pool alone: it knows when its process last gave a sign of life.
        self._context = AnswersContext(multiprocessing.get_context("forkserver"), work.max_answer_bytes)
        self._pool = ProcessPool(
            max_workers=1,
            initializer=_begin,
            initargs=(work.niceness, work.begin, work.arguments),
            context=self._context,
        )

    def stop(self) -> None:
        """End the process, and its jobs."""
        with self._lock:
            self._is_stopped = True
            if self._running is not None:
                self._running.cancel()
        self._end(self._pool)

    def submit(self, job: object) -> Future[Answer]:
        """Begin a job.

        Raises:
            BrokenProcessPool: It died while it waited.
            CancelledError: The process was stopped.
        """
        with self._lock:
            if self._is_stopped:
                raise CancelledError
            try:
                running: Future[Answer] = self._pool.schedule(
                    _run, args=(self._work.run, job), timeout=self._work.deadline_s
                )
            except RuntimeError as error:
                raise BrokenProcessPool(str(error)) from error
            self._running = running
            return running

    def run(self, job: object) -> Answer:
        """Do a job, and wait for it.

        Raises:
            DecoderProcessError: The process died of it, or sent what it must not.
            BrokenProcessPool: It died before it began with the job, again and again.
            TimeoutError: The deadline passed.
            MemoryError: It wanted more memory than it may have.
            CancelledError: The process was stopped.
            SilencioError: As the work raises.
        """
        for is_last in _TRIES:
            try:
                with _crashes():
                    return self._result(self.submit(job))
            except (DecoderProcessError, TimeoutError, BrokenProcessPool) as error:
                self._replace()
                if is_last or not isinstance(error, BrokenProcessPool):
                    raise
        raise AssertionError("the last try returns or raises")

    async def run_async(self, job: object) -> Answer:
        """`run`, for an event loop; a task that is cancelled ends the process's work.

        Raises:
            DecoderProcessError: As `run`, and so are the others.
        """
        for is_last in _TRIES:
            try:
                with _crashes():
                    return await self._result_async(self.submit(job))
            except (DecoderProcessError, TimeoutError, BrokenProcessPool) as error:
                await asyncio.to_thread(self._replace)
                if is_last or not isinstance(error, BrokenProcessPool):
                    raise
        raise AssertionError("the last try returns or raises")

    def _result(self, running: Future[Answer]) -> Answer:
        while True:
            try:
                # Not by `wait`, which a future that is cancelled does not wake.
                return running.result(self._patience_s)
            except TimeoutError:
                if running.done():
                    return running.result()
                self._check_silence()

    async def _result_async(self, running: Future[Answer]) -> Answer:
        future = asyncio.wrap_future(running)
        try:
            while not (await asyncio.wait([future], timeout=self._patience_s))[0]:
                self._check_silence()
            return future.result()
        finally:
            future.cancel()  # where this task was cancelled; else it is done

    @property
    def _patience_s(self) -> float:
        return self._work.deadline_s + _GRACE_S

    def _check_silence(self) -> None:
        """Pebble's own deadline needs a lock that a process which a file has taken over may keep."""
        if time.monotonic() - self._context.received_at_s >= self._patience_s:
            raise TimeoutError(f"nothing came from the decoder for {self._patience_s:g} s")

    def _replace(self) -> None:
        with self._lock:
            if self._is_stopped:
                return
            broken = self._pool
            self._start()
        self._end(broken)

    @staticmethod
    def _end(pool: ProcessPool) -> None:
        pool.stop()  # type: ignore[no-untyped-call]  # pebble
        pool.join()


@contextlib.contextmanager
def _crashes() -> Iterator[None]:
    try:
        yield
    except ProcessExpired as error:
        raise DecoderProcessError(f"exit code {error.exitcode}") from error
    except BrokenProcessPool as error:
        why = error.__cause__.__cause__ if error.__cause__ else None
        if isinstance(why, UntrustedAnswerError):  # whoever lies has begun
            raise UntrustedAnswerError(str(why)) from error
        raise


_failed_begin: SilencioError | None = None


def _begin(niceness: int, begin: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    """In the process, before its first job."""
    global _failed_begin
    os.nice(niceness)
    # A crash is expected here and says nothing that its file's reason does not say: no core files.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        begin(*arguments)
    except SilencioError as error:
        _failed_begin = error
    max_bytes = _address_space_bytes() + _MAX_MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (max_bytes, max_bytes))


def _run(run: Callable[[Any], Answer], job: object) -> Answer:
    if _failed_begin is not None:
        raise _failed_begin
    return run(job)


def _address_space_bytes() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * _PAGE_BYTES
