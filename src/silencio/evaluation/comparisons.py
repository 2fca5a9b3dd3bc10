"""Paired comparisons: two models on the same recordings, with the same bootstrap draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from silencio.evaluation.bootstrap import Bootstrap, interval, interval_around
from silencio.evaluation.metrics import average_precisions, mean_of_present

COMPARED = ("macro_map", "top1")
# What every run is compared with, beside its heads, and what it is compared with where one serves.
MAJORITY = "majority class"
MEAN_LOG_MEL = "logistic regression on mean log-mel"
REFERENCES = (MAJORITY, MEAN_LOG_MEL)
CHAMPION = "champion"


@dataclass(frozen=True)
class Comparison:
    """A paired difference of one metric, ours minus theirs.

    Attributes:
        other: `champion`, or the name of the head or the reference.
        metric: `macro_map` or `top1`.
        difference: Ours minus theirs on the test recordings.
        interval: 95 %, paired bootstrap over recordings.
        n_recordings: Number of recordings that were compared.
        simultaneous_upper: Upper bound at 95 % that holds for this and every other comparison with the champion
            together (`silencio.evaluation.champion_family`); None for other models, and in files of earlier versions.
    """

    other: str
    metric: str
    difference: float
    interval: tuple[float, float]
    n_recordings: int
    simultaneous_upper: float | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Comparison:
        """From JSON."""
        return cls(**{**values, "interval": tuple(values["interval"])})


@dataclass(frozen=True)
class PairedDifference:
    """Two models on the same recordings, before anything is said of it.

    Attributes:
        macro_map: Difference of macro mAP on all recordings.
        resampled_macro_map: The same of each resample, (n_resamples,).
        hits: Difference of being right, -1, 0 or 1, (n_recordings,).
    """

    macro_map: float
    resampled_macro_map: NDArray[np.float64]
    hits: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        ours: NDArray[np.floating],
        theirs: NDArray[np.floating],
        target: NDArray[np.floating],
        truth: NDArray[np.integer],
        bootstrap: Bootstrap,
    ) -> PairedDifference:
        """Arguments as for `compare`."""
        own, other = (mean_of_present(average_precisions(scores, target)) for scores in (ours, theirs))
        return cls(
            own - other,
            bootstrap.macro_map(ours, target) - bootstrap.macro_map(theirs, target),
            (ours.argmax(axis=1) == truth).astype(float) - (theirs.argmax(axis=1) == truth).astype(float),
        )

    def comparisons(self, other: str, bootstrap: Bootstrap) -> list[Comparison]:
        """Macro mAP and top-1 with their intervals."""
        around = interval_around(self.macro_map, self.resampled_macro_map, lower_bound=-1.0)
        n_recordings = len(self.hits)
        return [
            Comparison(other, "macro_map", self.macro_map, around, n_recordings),
            Comparison(other, "top1", float(self.hits.mean()), interval(bootstrap.mean(self.hits)), n_recordings),
        ]


def compare(
    other: str,
    ours: NDArray[np.floating],
    theirs: NDArray[np.floating],
    target: NDArray[np.floating],
    truth: NDArray[np.integer],
    bootstrap: Bootstrap,
) -> list[Comparison]:
    """Macro mAP and top-1 of two models.

    Args:
        other: Name of the model whose scores `theirs` are.
        ours: (n_recordings, n_classes).
        theirs: Their scores, of the same shape.
        target: 0 or 1, of the same shape.
        truth: Position of each primary label, (n_recordings,).
        bootstrap: Resamples of these recordings.
    """
    return PairedDifference.of(ours, theirs, target, truth, bootstrap).comparisons(other, bootstrap)
