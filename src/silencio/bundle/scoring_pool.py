"""Score many recordings with several processes, each with the bundle in one thread; a decoder's crash costs one file.

Threads in one process would wait for each other in Python's lock between a window's short steps, and ONNX Runtime's
own threads gain little on small graphs: processes double the throughput of two cores.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from silencio.bundle.load import Bundle
from silencio.bundle.scoring import ScoredRecording, Scorer
from silencio.errors import AudioError, BundleError, SilencioError, StorageError
from silencio.features import FrontEnd
from silencio.storage import concerns_one_file, read_bytes

# Files that a process has: the one that it scores, and the next, which its second thread reads and decodes meanwhile.
_HELD = 2
# Files that may be done before the one whose turn it is: a bound on memory while one process has a long recording.
_AHEAD = 64
_JOIN_S = 10.0
# One after another: then it is the bundle or the machine, and no accident.
_MOST_FAILED_STARTS = 3
# As the servers have it: spinning threads cost more than they bring, and glibc would give an array of a megabyte back
# to the kernel after every window.
_ENVIRONMENT = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    **dict.fromkeys(("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"), str(32 << 20)),
}


@dataclass(frozen=True)
class ScoredFile:
    """What came of one file.

    Attributes:
        uri: As given.
        recording: Its windows; None where it failed.
        duration_s: 0 where it failed.
        reason: Why it failed, as a sentence; empty where it did not.
    """

    uri: str
    recording: ScoredRecording | None
    duration_s: float = 0.0
    reason: str = ""


@dataclass
class _Worker:
    """One process.

    Attributes:
        process: Itself.
        connection: To it.
        ready: It has the bundle.
        held: Numbers of the files that it was given and has not answered for.
        alone: It has one file and gets no second, so that a crash would be that file's.
    """

    process: SpawnProcess
    connection: Connection
    ready: bool = False
    held: deque[int] = field(default_factory=deque)
    alone: bool = False


def score_files(bundle: Path, uris: Sequence[str], n_processes: int) -> Iterator[ScoredFile]:
    """Score files, whatever their number, in memory that does not grow with it.

    Args:
        bundle: The bundle's folder.
        uris: Paths, `s3://` objects or members of a zip.
        n_processes: At once; one a core is best.

    Yields:
        One for each URI, in their order.

    Raises:
        BundleError: The bundle is not what was exported, or no process can be started with it.
        StorageError: The place of the files does not answer: no other file can be read either.
    """
    # Before any process is started, each of which would say the same.
    Bundle(bundle)
    with contextlib.closing(_Pool(bundle, uris, min(n_processes, len(uris)))) as pool:
        for number in range(len(uris)):
            yield pool.result(number)


class _Pool:
    def __init__(self, bundle: Path, uris: Sequence[str], n_processes: int) -> None:
        self._bundle = bundle
        self._uris = uris
        self._next = 0
        self._done: dict[int, ScoredFile] = {}
        # What a process that crashed had: each is tried once more in a process that has nothing else.
        self._suspects: deque[int] = deque()
        self._n_failed_starts = 0
        self._workers = [self._start() for _ in range(n_processes)]

    def result(self, number: int) -> ScoredFile:
        """Of one file; each may be asked for once, in order."""
        while number not in self._done:
            self._hand_out(number)
            for connection in wait([worker.connection for worker in self._workers]):
                self._hear(next(worker for worker in self._workers if worker.connection is connection))
        return self._done.pop(number)

    def close(self) -> None:
        for worker in self._workers:
            worker.connection.close()  # ends its loop
        for worker in self._workers:
            worker.process.join(_JOIN_S if worker.ready else 0)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()

    def _start(self) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, str(self._bundle)), daemon=True)
        with _environment():
            process.start()
        # Its end alone stays open there: when this process dies, however it does, it reads an end and ends.
        theirs.close()
        return _Worker(process, ours)

    def _hand_out(self, wanted: int) -> None:
        for worker in (worker for worker in self._workers if worker.ready):
            if self._suspects:
                if not worker.held:
                    worker.alone = True
                    self._give(worker, self._suspects.popleft())
                continue
            while not worker.alone and len(worker.held) < _HELD and self._next < min(len(self._uris), wanted + _AHEAD):
                self._give(worker, self._next)
                self._next += 1

    def _give(self, worker: _Worker, number: int) -> None:
        worker.held.append(number)
        with contextlib.suppress(OSError):  # it has just died, and what it held is looked at when that is heard
            worker.connection.send(self._uris[number])

    def _hear(self, worker: _Worker) -> None:
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            self._bury(worker)
            return
        if isinstance(message, SilencioError):
            raise message
        if isinstance(message, ScoredFile):
            self._done[worker.held.popleft()] = message
            worker.alone = False
        else:
            worker.ready = True
            self._n_failed_starts = 0

    def _bury(self, worker: _Worker) -> None:
        """Replace a process that ended; what it had alone has failed, what it had among others is suspect."""
        worker.process.join(_JOIN_S)
        code = worker.process.exitcode
        self._n_failed_starts += not worker.ready
        if self._n_failed_starts == _MOST_FAILED_STARTS:
            raise BundleError(
                f"a process that was to score with {self._bundle} ended before it was ready (exit code {code}); "
                "is there memory for so many processes (SILENCIO_THREADS)?"
            )
        if worker.alone:
            number = worker.held.popleft()
            reason = f"the process that decoded it crashed (exit code {code})"
            self._done[number] = ScoredFile(self._uris[number], None, reason=reason)
        self._suspects += worker.held
        worker.connection.close()
        self._workers[self._workers.index(worker)] = self._start()


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


def _work(connection: Connection, bundle: str) -> None:
    """A process: answers `ready`, then for each URI with a `ScoredFile`, or with the error that ends everything."""
    try:
        scorer = Scorer(Bundle(Path(bundle)), n_threads=1)
        connection.send("ready")
        with ThreadPoolExecutor(1) as decoding:
            held: deque[tuple[str, Future[NDArray[np.int16]]]] = deque()
            while True:
                while not held or connection.poll():
                    uri = connection.recv()
                    held.append((uri, decoding.submit(_waveform, scorer.front_end, uri)))
                connection.send(_scored(scorer, *held.popleft()))
    except SilencioError as error:
        connection.send(type(error)(str(error)))  # without its cause, which may not travel
    except (EOFError, OSError, KeyboardInterrupt):
        pass  # whoever asked is gone, or was stopped and will be soon


def _waveform(front_end: FrontEnd, uri: str) -> NDArray[np.int16]:
    return front_end.waveform(read_bytes(uri))


def _scored(scorer: Scorer, uri: str, decoded: Future[NDArray[np.int16]]) -> ScoredFile:
    try:
        waveform = decoded.result()
        recording = scorer.score_blocks([waveform])
    except AudioError as error:
        return ScoredFile(uri, None, reason=str(error))
    except StorageError as error:
        if not concerns_one_file(error):
            raise
        return ScoredFile(uri, None, reason=str(error))
    except MemoryError:
        return ScoredFile(uri, None, reason="decoded, it needs more memory than there is: cut it into parts")
    return ScoredFile(uri, recording, recording.duration_s)
