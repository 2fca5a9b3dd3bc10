"""Score recordings with a bundle in this process: what the two servers do together, without them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from silencio.bundle.load import Bundle
from silencio.features import FrontEnd


@dataclass(frozen=True)
class ScoredRecording:
    """Windows and their probabilities.

    Attributes:
        starts_s: The second at which each window begins.
        probabilities: float32, shape (n_windows, n_classes).
    """

    starts_s: list[float]
    probabilities: NDArray[np.float32]


class Scorer:
    """A bundle that was verified and replayed, ready to score.

    Args:
        bundle: The bundle.
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

    def __call__(self, source: bytes | Path, *, max_duration_s: float | None = None) -> ScoredRecording:
        """Encoded audio to probabilities.

        Raises:
            DecodeError: `source` is no audio that can be used.
        """
        features = self.front_end(source, max_duration_s=max_duration_s)
        return ScoredRecording(features.starts_s, self.graph.run(features.inputs))
