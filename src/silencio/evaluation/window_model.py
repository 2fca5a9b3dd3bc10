"""A model as evaluation runs it: a recording in, probabilities of its windows out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from silencio.audio import n_windows
from silencio.errors import ModelError
from silencio.features import FeatureSpec
from silencio.taxonomy import ClassList

WindowModel = Callable[[NDArray[np.int16]], NDArray[np.float32]]
"""int16 (n_samples,) at the spec's rate to float32 (n_windows, n_classes), windows as `FrontEnd` cuts them."""


@dataclass(frozen=True)
class FoldModels:
    """Models of which each was made without one fold of the recordings (`silencio.training.cross_fit`).

    Attributes:
        predict: By fold, from a recording to the probabilities of its windows.
        thresholds: By fold, probability from which on a species counts as named, (n_classes,).
        fold_of: Fold of each recording.
    """

    predict: Sequence[WindowModel]
    thresholds: Sequence[NDArray[np.floating]]
    fold_of: Mapping[str, int]


@dataclass(frozen=True)
class EvaluatedModel:
    """A model with what it takes to evaluate it.

    Attributes:
        predict: Function from a recording to the probabilities of its windows.
        spec: How it cuts windows.
        classes: What its outputs mean.
        thresholds: Probability from which on a species counts as named, (n_classes,); None before they are fitted.
        folds: Models that had not seen a recording, in place of `predict` and `thresholds`; None: `predict` is one.
    """

    predict: WindowModel
    spec: FeatureSpec
    classes: ClassList
    thresholds: NDArray[np.floating] | None = None
    folds: FoldModels | None = None

    def without(self, recording_id: str) -> EvaluatedModel:
        """The model that had not seen a recording."""
        if self.folds is None:
            return self
        fold = self.folds.fold_of[recording_id]
        return replace(self, predict=self.folds.predict[fold], thresholds=self.folds.thresholds[fold], folds=None)

    def in_one_fold(self, first: str, second: str) -> bool:
        """Whether one model had seen neither of two recordings."""
        return self.folds is None or self.folds.fold_of[first] == self.folds.fold_of[second]

    def windows(self, waveform: NDArray[np.int16], what: str, *, finite: bool = True) -> NDArray[np.float32]:
        """Probabilities of every window, float32 (n_windows, n_classes).

        Args:
            waveform: int16, (n_samples,).
            what: What it is, for the message.
            finite: Whether values that are no numbers are an error.

        Raises:
            ModelError: The answer has another shape, or holds values that are no numbers.
        """
        probabilities = self.predict(waveform)
        expected = n_windows(len(waveform), self.spec), len(self.classes)
        if probabilities.shape != expected:
            raise ModelError(f"the model answers {what} with shape {probabilities.shape}, its windows need {expected}")
        if finite and not np.isfinite(probabilities).all():
            raise ModelError(f"the model answers {what} with values that are not numbers")
        return probabilities
