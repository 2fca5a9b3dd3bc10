"""Score recordings with a bundle in this process: what the two servers do together, without them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from silencio.audio import ReadingNote, Truncated, WaveformReader
from silencio.bundle.load import Bundle
from silencio.features import FrontEnd


@dataclass(frozen=True)
class ScoredRecording:
    """Windows and their probabilities.

    Attributes:
        starts_s: The second at which each window begins.
        probabilities: float32, shape (n_windows, n_classes).
        duration_s: Length of the recording.
        notes: What was not as it should be in it, and was read all the same.
    """

    starts_s: list[float]
    probabilities: NDArray[np.float32]
    duration_s: float
    notes: tuple[ReadingNote, ...] = ()


class Scorer:
    """A bundle that was verified and replayed, ready to score.

    Args:
        bundle: The bundle that scores.
        n_threads: Threads of its session; by default as the settings say.

    Raises:
        BundleError: It is not what was exported, or gives other numbers here.
    """

    def __init__(self, bundle: Bundle, n_threads: int | None = None) -> None:
        self.bundle = bundle
        self.front_end = FrontEnd(bundle.manifest.spec)
        self.graph = bundle.graph(n_threads)
        bundle.replay_features(self.front_end)
        bundle.replay_probabilities(self.graph)

    def __call__(
        self,
        source: bytes | Path,
        *,
        min_duration_s: float = 0.0,
        max_duration_s: float | None = None,
        truncated: Truncated = "note",
        progressed: Callable[[], None] = lambda: None,
    ) -> ScoredRecording:
        """Encoded audio to probabilities; of the recording only a few windows are held.

        Args:
            source: The encoded bytes, or the file that holds them.
            min_duration_s: Refuse what is shorter.
            max_duration_s: Refuse what is longer.
            truncated: What becomes of a file that ends before its recording does.
            progressed: Called after every few windows, and while the reader looks at all of the recording first.

        Raises:
            DecodeError: `source` is no audio that can be used.
        """
        rate_hz = self.front_end.spec.sample_rate_hz
        reader = WaveformReader(
            source,
            rate_hz,
            min_duration_s=min_duration_s,
            max_duration_s=max_duration_s,
            truncated=truncated,
            progressed=progressed,
        )
        scored = self.score_blocks(reader, progressed)
        return replace(scored, notes=tuple(reader.notes))

    def score_blocks(
        self, blocks: Iterable[NDArray[np.int16]], progressed: Callable[[], None] = lambda: None
    ) -> ScoredRecording:
        """Score a recording as it is decoded: what is held is a few windows, and the numbers.

        The graph is run on the same windows together as for the whole recording at once, so the numbers are the same to
        the last bit.

        Args:
            blocks: int16, each (n_samples,), in any portions, at the spec's rate; at least one sample in all.
            progressed: Called after every few windows.
        """
        n_samples = 0

        def counted() -> Iterator[NDArray[np.int16]]:
            nonlocal n_samples
            for block in blocks:
                n_samples += len(block)
                yield block

        starts_s: list[float] = []
        parts: list[NDArray[np.float32]] = []
        for piece in self.front_end.features_of_blocks(counted()):
            starts_s += piece.starts_s
            parts.append(self.graph.run(piece.inputs))
            progressed()
        return ScoredRecording(starts_s, np.concatenate(parts), n_samples / self.front_end.spec.sample_rate_hz)
