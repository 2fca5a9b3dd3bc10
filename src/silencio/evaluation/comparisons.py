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
    """

    other: str
    metric: str
    difference: float
    interval: tuple[float, float]
    n_recordings: int

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Comparison:
        """From JSON."""
        return cls(**{**values, "interval": tuple(values["interval"])})


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
    map_difference = mean_of_present(average_precisions(ours, target)) - mean_of_present(
        average_precisions(theirs, target)
    )
    maps = bootstrap.macro_map(ours, target) - bootstrap.macro_map(theirs, target)
    hits = (ours.argmax(axis=1) == truth).astype(float) - (theirs.argmax(axis=1) == truth).astype(float)
    n_recordings = len(truth)
    return [
        Comparison(
            other, "macro_map", map_difference, interval_around(map_difference, maps, lower_bound=-1.0), n_recordings
        ),
        Comparison(other, "top1", float(hits.mean()), interval(bootstrap.mean(hits)), n_recordings),
    ]
