"""The processes, and which recording gets the next one."""

from __future__ import annotations

from concurrent.futures import CancelledError
from concurrent.futures.process import BrokenProcessPool

from silencio.decoding.features import DecodeJob, RecordingFeatures, begin, decode, recording_features
from silencio.decoding.process import DecoderProcess, Work, start_fork_server
from silencio.decoding.turns import Priority, Turns
from silencio.errors import DecodeError, DecoderProcessError, ParityError
from silencio.features import FeatureSpec

# What a recording may cost: the longest that is taken, from the fastest recorder, is done in a tenth of it.
_DEADLINE_S = 60.0
# Longer ones share one process that yields to the others, however few bytes they are. A minute, and what headers do
# not say to the last sample.
_MAX_SHORT_S = 61.0
_BATCH_NICENESS = 10


class DecoderPool:
    """Processes that decode and featurize.

    A process that dies loses the one recording that killed it, and is replaced.

    Args:
        spec: What is followed.
        n_processes: Number of processes for recordings of up to a minute; one more, of low priority, takes the long
            ones.
        max_duration_s: The longest recording that is decoded: larger answers are not taken.
    """

    def __init__(self, spec: FeatureSpec, n_processes: int, max_duration_s: float) -> None:
        start_fork_server([decode.__module__])
        max_answer_bytes = _max_answer_bytes(spec, max_duration_s)
        self._short = _Lane(spec, n_processes, 0, max_answer_bytes)
        self._long = _Lane(spec, 1, _BATCH_NICENESS, max_answer_bytes)

    def stop(self) -> None:
        """End the processes."""
        self._short.stop()
        self._long.stop()

    async def decode(self, job: DecodeJob, priority: Priority = "interactive") -> RecordingFeatures:
        """Decode and featurize one recording; cancelled, it is not begun with, or not gone on with.

        Args:
            job: The recording. `max_duration_s` says whether it is a long one: a job that may be one takes no process
                from those that are not.
            priority: Who waits for whom.

        Raises:
            DecodeError: It is no recording that is taken, or took its process with it.
        """
        lane = self._short if job.max_duration_s <= _MAX_SHORT_S else self._long
        return await lane.decode(job, priority)

    def warm_up(self, jobs: list[DecodeJob]) -> None:
        """Have every process decode something: the first job of each pays for caches and page faults.

        Raises:
            ParityError: One of them cannot decode what this process can.
        """
        for job in jobs:
            waiting = [one.submit(job) for lane in (self._short, self._long) for one in lane.all]
            for future in waiting:
                try:
                    future.result()
                except (DecodeError, OSError, BrokenProcessPool, CancelledError, TimeoutError, MemoryError) as error:
                    raise ParityError(f"the processes that decode cannot decode the parity clips: {error!r}") from error


class _Lane:
    def __init__(self, spec: FeatureSpec, n_processes: int, niceness: int, max_answer_bytes: int) -> None:
        self._spec = spec
        work = Work(decode, begin, (spec,), _DEADLINE_S, niceness, max_answer_bytes)
        self.all = [DecoderProcess(work) for _ in range(n_processes)]
        # None is handed a second recording, so the deadline is one of work, not of waiting.
        self._turns = Turns(self.all)

    def stop(self) -> None:
        for one in self.all:
            one.stop()

    async def decode(self, job: DecodeJob, priority: Priority) -> RecordingFeatures:
        process = await self._turns.take(priority)
        try:
            return recording_features(await process.run_async(job), job, self._spec)
        except (DecoderProcessError, BrokenProcessPool) as error:
            raise DecodeError("the decoder crashed on this file", "crash") from error
        except TimeoutError as error:
            raise DecodeError(f"the file took longer than {_DEADLINE_S:g} s to decode", "timeout") from error
        except MemoryError as error:
            raise DecodeError(
                "the file needs more memory to decode than is given to one recording", "memory"
            ) from error
        finally:
            self._turns.give_back(process)


def _max_answer_bytes(spec: FeatureSpec, max_duration_s: float) -> int:
    n_mels, n_frames = spec.log_mel_shape
    # A kilobyte for a window's notes and statistics.
    window_bytes = 2 * spec.window_samples + 4 * n_mels * n_frames + 1024
    return int(max_duration_s / spec.hop_s + 2) * window_bytes
