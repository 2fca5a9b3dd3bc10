"""Score many recordings with several processes, each with the bundle in one thread; a decoder's crash costs one file.

Threads in one process would wait for each other in Python's lock between a window's short steps, and ONNX Runtime's
own threads gain little on small graphs: processes double the throughput of two cores.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from queue import LifoQueue
from types import TracebackType
from typing import Self

import numpy as np

from silencio.audio import MAX_AUDIO_S, MIN_AUDIO_S, Truncated
from silencio.bundle.load import Bundle
from silencio.bundle.scoring import ScoredRecording, Scorer
from silencio.decoding.answers import Answer
from silencio.decoding.features import notes_fact, notes_of
from silencio.decoding.process import DecoderProcess, Work, start_fork_server, still_working
from silencio.errors import (
    AudioError,
    BundleError,
    DecoderProcessError,
    StorageError,
    UnexpectedError,
    UntrustedAnswerError,
)
from silencio.storage import as_local_file, concerns_one_file

# Files that may be done before the one whose turn it is: a bound on memory while one process has a long recording.
_AHEAD = 64
# For a few windows, not for a recording: a day takes as long as it takes.
_DEADLINE_S = 300.0
_scorer: Scorer


@dataclass(frozen=True)
class ScoredFile:
    """What came of one file.

    Attributes:
        uri: Where the recording lies.
        recording: Its windows; None where it failed.
        reason: Why it failed, as a sentence; empty where it did not.
    """

    uri: str
    recording: ScoredRecording | None
    reason: str = ""

    @property
    def duration_s(self) -> float:
        """0 where it failed."""
        return self.recording.duration_s if self.recording else 0.0


def score_files(
    bundle: Path, uris: Sequence[str], n_processes: int, truncated: Truncated = "note"
) -> Iterator[ScoredFile]:
    """Score files, whatever their number and length, in memory that does not grow with either.

    Args:
        bundle: The bundle's folder.
        uris: Paths, `s3://` objects or members of a zip.
        n_processes: Number of processes at once; one a core is best.
        truncated: What becomes of a file that ends before its recording does.

    Yields:
        One for each URI, in their order.

    Raises:
        BundleError: The bundle is not what was exported, or no process can be started with it.
        StorageError: The place of the files does not answer: no other file can be read either.
    """
    with (
        ScoringPool(bundle, min(n_processes, max(1, len(uris)))) as pool,
        # One more than there are processes: it has the next file fetched when a process is free.
        ThreadPoolExecutor(pool.n_processes + 1) as threads,
        _stopping(pool),
    ):
        waiting: deque[Future[ScoredFile]] = deque()
        for uri in uris:
            waiting.append(threads.submit(pool.score, uri, truncated))
            if len(waiting) > _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@contextlib.contextmanager
def _stopping(pool: ScoringPool) -> Iterator[None]:
    """Whoever leaves early waits for no file: the threads find the processes stopped."""
    try:
        yield
    finally:
        pool.stop()


class ScoringPool:
    """Processes that decode and score; a context manager.

    Args:
        bundle: The bundle's folder.
        n_processes: Number of processes at once.

    Attributes:
        bundle: A verified one.
        n_processes: Number of processes at once.

    Raises:
        BundleError: The bundle is not what was exported.
    """

    def __init__(self, bundle: Path, n_processes: int) -> None:
        # It imports what it needs while the bundle is looked at here, once for all processes.
        start_fork_server([__name__])
        self.bundle = Bundle(bundle)
        self.n_processes = n_processes
        work = Work(_score, _begin, (bundle,), _DEADLINE_S)
        self._all = [DecoderProcess(work) for _ in range(n_processes)]
        self._idle: LifoQueue[DecoderProcess] = LifoQueue()
        for one in self._all:
            self._idle.put(one)
        self._fetched = tempfile.TemporaryDirectory(prefix="silencio-fetched-")
        self._is_stopped = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._fetched.cleanup()

    def stop(self) -> None:
        """End the processes; files that are asked for from now on are cancelled."""
        self._is_stopped = True
        for one in self._all:
            one.stop()

    def score(self, uri: str, truncated: Truncated = "note") -> ScoredFile:
        """Score one file, as soon as a process is free; may be called by several threads.

        Args:
            uri: A path, an `s3://` object or a member of a zip.
            truncated: What becomes of a file that ends before its recording does.

        Raises:
            BundleError: No process can be started with the bundle.
            StorageError: The place of the file does not answer.
            CancelledError: The processes were stopped.
        """
        if self._is_stopped:
            raise CancelledError
        try:
            with as_local_file(uri, Path(self._fetched.name)) as path, self._process() as process:
                return ScoredFile(uri, self._recording(self._answer(process, (path, truncated))))
        except StorageError as error:
            if not concerns_one_file(error):
                raise
            return ScoredFile(uri, None, str(error))
        except (AudioError, UnexpectedError) as error:
            return ScoredFile(uri, None, str(error))
        except DecoderProcessError as error:
            return ScoredFile(uri, None, f"the process that decoded it crashed ({error})")
        except TimeoutError:
            return ScoredFile(uri, None, f"the process that decoded it stood still for {_DEADLINE_S:g} s")
        except MemoryError:
            return ScoredFile(uri, None, "it needs more memory to decode than is given to one recording")

    @contextlib.contextmanager
    def _process(self) -> Iterator[DecoderProcess]:
        process = self._idle.get()
        try:
            yield process
        finally:
            self._idle.put(process)

    def _answer(self, process: DecoderProcess, job: tuple[Path, Truncated]) -> Answer:
        try:
            try:
                return process.run(job)
            except DecoderProcessError:
                # Of this file, or of something else, as on a host that is short of memory: it is tried once more.
                return process.run(job)
        except BrokenProcessPool as error:
            raise BundleError(
                f"a process that was to score with {self.bundle.directory} ended before it was ready ({error}); "
                "is there memory for so many processes (SILENCIO_THREADS)?"
            ) from error

    def _recording(self, answer: Answer) -> ScoredRecording:
        """Held against what the bundle gives.

        Raises:
            UntrustedAnswerError: No graph of this bundle gave it.
        """
        starts_s = answer.arrays.get("starts_s", np.empty(0))
        probabilities = answer.arrays.get("probabilities", np.empty(0))
        duration_s = answer.facts.get("duration_s")
        shape = (len(starts_s), len(self.bundle.manifest.classes))
        is_ours = starts_s.dtype == np.float64 and probabilities.dtype == np.float32 and probabilities.shape == shape
        if not is_ours or not isinstance(duration_s, float):
            raise UntrustedAnswerError(f"it sent {', '.join(answer.arrays)} for a recording")
        return ScoredRecording(
            np.asarray(starts_s, np.float64).tolist(),
            np.asarray(probabilities, np.float32),
            duration_s,
            notes_of(answer),
        )


def _begin(bundle: Path) -> None:
    global _scorer
    _scorer = Scorer(Bundle(bundle), n_threads=1)


def _score(job: tuple[Path, Truncated]) -> Answer:
    path, truncated = job
    recording = _scorer(
        path,
        min_duration_s=MIN_AUDIO_S,
        max_duration_s=MAX_AUDIO_S,
        truncated=truncated,
        progressed=still_working,
    )
    return Answer(
        {"duration_s": recording.duration_s, "notes": notes_fact(recording.notes)},
        {"starts_s": np.asarray(recording.starts_s), "probabilities": recording.probabilities},
    )
