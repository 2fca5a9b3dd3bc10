"""Which windows are scored next: one bounded queue before a few threads that run the graph.

Interactive windows go before batch ones, windows of several requests run together, and no run is longer than a few
windows, so that the next request waits for at most one of them a thread.

No kept library does this. `batched` 0.1.5 takes its whole queue before it runs any of it (who comes next waits for
all), ranks by length and has no bound; `async-batcher` 0.2.2 is first come, first served, and stumbles over a request
that was cancelled; LitServe and mosec are servers of their own; KServe's batcher is a Go sidecar for V1 JSON.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from serving.server.protocol import Priority

Tensors = Mapping[str, NDArray[np.generic]]
Run = Callable[[Tensors], NDArray[np.float32]]
_logger = logging.getLogger(__name__)
# While both wait, so many interactive windows are run for one batch window: batch work keeps a tenth of the windows.
_INTERACTIVE_PER_BATCH = 9


class QueueFullError(Exception):
    """More windows wait than may wait."""


class Scheduler:
    """Runs windows by priority, a few at a time, in threads of its own; a context manager that ends them.

    Batch work proceeds under any interactive load: while both wait, one window in ten is a batch one.

    Args:
        run: Scores tensors (n_windows, …) as float32 (n_windows, n_classes); called from several threads at once.
        n_workers: Number of threads.
        max_batch_windows: Most windows of one run.
        max_batch_delay_ms: How long a run that is not full waits for more windows.
        max_queued_windows: Most windows of one priority that may wait; a request that does not fit is refused.

    Attributes:
        on_batch: Called after each run, in its thread: windows, seconds that the oldest waited, seconds that it ran.
    """

    def __init__(
        self, run: Run, *, n_workers: int, max_batch_windows: int, max_batch_delay_ms: float, max_queued_windows: int
    ) -> None:
        self.on_batch: Callable[[int, float, float], None] = _ignore
        self._run = run
        self._max_batch_windows = max_batch_windows
        self._max_batch_delay_s = max_batch_delay_ms / 1e3
        self._max_queued_windows = max_queued_windows
        self._changed = threading.Condition()
        self._waiting: dict[Priority, _Lane] = {"interactive": _Lane(), "batch": _Lane()}
        self._n_since_batch = 0
        self._n_free = 0
        self._closing = False
        self._threads = [
            threading.Thread(target=self._work, name=f"inference-{i}", daemon=True) for i in range(n_workers)
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Run what waits, then end the threads."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def queue_length(self) -> int:
        """Windows that wait."""
        return sum(lane.n_windows for lane in self._waiting.values())

    async def submit(self, tensors: Tensors, priority: Priority = "interactive") -> NDArray[np.float32]:
        """Wait for the probabilities of a request's windows; cancelled, it leaves the queue.

        Args:
            tensors: Inputs of `run`, each (n_windows, …) with at least one window.
            priority: Batch windows wait for interactive ones.

        Returns:
            float32, shape (n_windows, n_classes).

        Raises:
            QueueFullError: Too much waits already.
        """
        job = _Job(tensors, priority)
        with self._changed:
            lane = self._waiting[priority]
            # A request that is larger than the queue is taken when nothing waits.
            if lane.n_windows and lane.n_windows + job.n_windows > self._max_queued_windows:
                raise QueueFullError(
                    f"{lane.n_windows} {priority} windows wait already, {self._max_queued_windows} are the most"
                )
            lane.append(job)
            self._changed.notify_all()
        try:
            return await asyncio.wrap_future(job.answer)
        except asyncio.CancelledError:
            self._forget(job)
            raise

    def _forget(self, job: _Job) -> None:
        with self._changed:
            self._waiting[job.priority].remove(job)

    def _work(self) -> None:
        while pieces := self._next():
            began_s = time.monotonic()
            try:
                n_windows = _deliver(self._run(_joined(pieces)), pieces)
            except Exception as error:  # noqa: BLE001  # the end of a thread: whatever it is, those who wait get it
                for piece in pieces:
                    self._forget(piece.job)  # before anybody gets it: who looks then finds no rest in the queue
                    piece.job.fail(error)
                continue
            ended_s = time.monotonic()
            try:
                self.on_batch(n_windows, began_s - min(piece.job.queued_s for piece in pieces), ended_s - began_s)
            except Exception:  # who counts must not end who works
                _logger.exception("on_batch failed")
            pieces.clear()  # half a megabyte a window: not until there is more to do

    def _next(self) -> list[_Piece]:
        """The windows of the next run; none when there will be no more."""
        with self._changed:
            self._n_free += 1
            try:
                while True:
                    lane = self._lane()
                    wait_s = self._wait_s(lane)
                    if lane and wait_s == 0:
                        return self._take(lane)
                    if self._closing:
                        return []
                    self._changed.wait(wait_s)
            finally:
                self._n_free -= 1

    def _wait_s(self, lane: _Lane | None) -> float | None:
        """How long to wait for more windows: not at all when a run is full or its time is over."""
        if lane is None:
            return None
        if lane.n_windows >= self._max_batch_windows or self._closing:
            return 0
        return max(0.0, lane.first_queued_s + self._max_batch_delay_s - time.monotonic())

    def _lane(self) -> _Lane | None:
        """Whose turn it is."""
        interactive, batch = self._waiting["interactive"], self._waiting["batch"]
        if not interactive.n_windows:
            return batch if batch.n_windows else None
        owed = self._n_since_batch >= _INTERACTIVE_PER_BATCH * self._max_batch_windows
        return batch if batch.n_windows and owed else interactive

    def _take(self, lane: _Lane) -> list[_Piece]:
        # No thread runs many windows while another has none.
        share = -(-lane.n_windows // self._n_free)
        pieces = lane.take(min(share, self._max_batch_windows))
        batch = self._waiting["batch"]
        if lane is batch or not batch.n_windows:
            self._n_since_batch = 0
        else:
            self._n_since_batch += sum(piece.n_windows for piece in pieces)
        return pieces


def _ignore(n_windows: int, waited_s: float, ran_s: float) -> None:
    pass


class _Piece:
    """Windows `first` to `end` of a job."""

    def __init__(self, job: _Job, first: int, end: int) -> None:
        self.job, self.first, self.end = job, first, end

    @property
    def n_windows(self) -> int:
        return self.end - self.first

    def rows(self, name: str) -> NDArray[np.generic]:
        return self.job.tensors[name][self.first : self.end]


class _Job:
    """A request while it waits and runs; several threads may each hold a piece of it."""

    def __init__(self, tensors: Tensors, priority: Priority) -> None:
        self.tensors, self.priority = tensors, priority
        self.n_windows = len(next(iter(tensors.values())))
        self.n_given_out = 0
        self.queued_s = time.monotonic()
        self.answer: Future[NDArray[np.float32]] = Future()
        self._lock = threading.Lock()
        self._rows: NDArray[np.float32] | None = None
        self._n_missing = self.n_windows

    @property
    def n_waiting(self) -> int:
        return self.n_windows - self.n_given_out

    def take(self, piece: _Piece, rows: NDArray[np.float32]) -> None:
        """Keep a piece's result; the last one answers."""
        with self._lock:
            if self._rows is None:
                self._rows = np.empty((self.n_windows, *rows.shape[1:]), np.float32)
            self._rows[piece.first : piece.end] = rows
            self._n_missing -= piece.n_windows
            if not self._n_missing and not self.answer.done() and self.answer.set_running_or_notify_cancel():
                self.answer.set_result(self._rows)

    def fail(self, error: Exception) -> None:
        with self._lock:
            if not self.answer.done() and self.answer.set_running_or_notify_cancel():
                self.answer.set_exception(error)


class _Lane:
    """Jobs of one priority, first come, first served; under the scheduler's lock."""

    def __init__(self) -> None:
        self._jobs: deque[_Job] = deque()
        self.n_windows = 0

    @property
    def first_queued_s(self) -> float:
        return self._jobs[0].queued_s

    def append(self, job: _Job) -> None:
        self._jobs.append(job)
        self.n_windows += job.n_windows

    def remove(self, job: _Job) -> None:
        """Forget what still waits of it, if anything does."""
        if job.n_waiting:
            self._jobs.remove(job)
            self.n_windows -= job.n_waiting
            job.n_given_out = job.n_windows

    def take(self, max_windows: int) -> list[_Piece]:
        pieces: list[_Piece] = []
        while self._jobs and max_windows:
            job = self._jobs[0]
            end = min(job.n_windows, job.n_given_out + max_windows)
            pieces.append(_Piece(job, job.n_given_out, end))
            max_windows -= end - job.n_given_out
            self.n_windows -= end - job.n_given_out
            job.n_given_out = end
            if not job.n_waiting:
                self._jobs.popleft()
        return pieces


def _joined(pieces: list[_Piece]) -> Tensors:
    names = pieces[0].job.tensors
    if len(pieces) == 1:
        return {name: pieces[0].rows(name) for name in names}
    return {name: np.concatenate([piece.rows(name) for piece in pieces]) for name in names}


def _deliver(probabilities: NDArray[np.float32], pieces: list[_Piece]) -> int:
    """Returns how many windows there were."""
    first = 0
    for piece in pieces:
        piece.job.take(piece, probabilities[first : first + piece.n_windows])
        first += piece.n_windows
    return first
