"""What a bundle's predictions of single windows rest on."""

from __future__ import annotations

import tempfile
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monitoring.drift.bundle_facts import KnownBundle
from monitoring.drift.pages.facts import ExplainedPrediction
from silencio.bundle.load import Bundle
from silencio.bundle.scoring import Scorer
from silencio.explanations.bundle_scores import WindowProbabilities
from silencio.explanations.occlusion import explain_window
from silencio.explanations.regions import RegionGrid
from silencio.features import FeatureSpec
from silencio.storage import download_folder, is_local

# As in the report on a bundle: 78 windows to score for one explanation.
GRID = RegionGrid(n_freq_cells=6, n_time_cells=8)


class WindowExplainer:
    """Explains windows by a bundle, which is loaded when the first one is.

    Args:
        bundle: The one that answers.
    """

    def __init__(self, bundle: KnownBundle) -> None:
        self.bundle = bundle

    @property
    def spec(self) -> FeatureSpec:
        """The bundle's."""
        return self.bundle.manifest.spec

    def explain(self, waveform: NDArray[np.int16], code: str | None = None) -> ExplainedPrediction | None:
        """What a window's prediction rests on.

        Args:
            waveform: (window_samples,), at the bundle's rate.
            code: The species; None: the most probable one.

        Returns:
            None where the window is silent, or the bundle does not know the species.

        Raises:
            BundleError: The bundle is not what was exported, or gives other numbers here.
            StorageError: Its place does not answer.
        """
        classes = self.bundle.manifest.classes
        if waveform.min() == waveform.max() or (code is not None and code not in classes.index):
            return None
        probabilities = self._probabilities
        column = int(probabilities(waveform[None]).argmax()) if code is None else classes.index[code]
        found = explain_window(waveform, self.spec, probabilities.of_class(column), GRID)
        return ExplainedPrediction(code=classes.codes[column], explanation=found)

    @cached_property
    def _probabilities(self) -> WindowProbabilities:
        place = self.bundle.place
        if is_local(place):
            return self._load(Path(place))
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "bundle"
            download_folder(place, folder)
            return self._load(folder)

    def _load(self, folder: Path) -> WindowProbabilities:
        return WindowProbabilities(Scorer(Bundle(folder)).graph, self.spec)
