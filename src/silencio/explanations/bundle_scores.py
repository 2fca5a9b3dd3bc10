"""Windows scored by a bundle, as explanations need it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from silencio.bundle.graph import Graph
from silencio.explanations.occlusion import WindowScorer
from silencio.features import LogMel
from silencio.features.spec import FeatureSpec


class WindowProbabilities:
    """Windows to the probabilities of all classes, through the bundle's features, encoders and heads.

    Args:
        graph: The bundle's graph.
        spec: Its feature specification.
    """

    def __init__(self, graph: Graph, spec: FeatureSpec) -> None:
        self._graph, self._log_mel = graph, LogMel(spec)
        self._takes_log_mel = any(entry.name == "log_mel" for entry in graph.inputs)

    def __call__(self, windows: NDArray[np.int16]) -> NDArray[np.float32]:
        """int16 (n_windows, window_samples) to float32 (n_windows, n_classes)."""
        inputs: dict[str, NDArray[np.generic]] = {"waveform": windows}
        if self._takes_log_mel:
            inputs["log_mel"] = self._log_mel(windows)
        return self._graph.run(inputs)

    def of_class(self, column: int) -> WindowScorer:
        """The probabilities of one class.

        Args:
            column: Its position among the bundle's classes.
        """
        return lambda windows: self(windows)[:, column]
