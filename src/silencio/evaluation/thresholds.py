"""Decision thresholds: from which probability on a species counts as named; fitted on validation alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from silencio.evaluation.recording_scores import best_window_scores


class ThresholdConfig(BaseModel):
    """How thresholds are found.

    Attributes:
        min_positives: Species with fewer validation recordings take the pooled threshold.
        shrinkage: A species' own threshold weighs n / (n + shrinkage) against the pooled one, n being its validation
            recordings: the best threshold of five recordings is mostly luck.
        min_threshold: No threshold is lower.
        max_threshold: No threshold is higher.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    min_positives: int = Field(5, ge=1)
    shrinkage: float = Field(5.0, ge=0)
    min_threshold: float = Field(0.02, gt=0, lt=1)
    max_threshold: float = Field(0.98, gt=0, lt=1)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_threshold > self.max_threshold:
            raise ValueError("min_threshold is above max_threshold: no threshold lies between them")
        return self


class Thresholds(BaseModel):
    """Fitted thresholds.

    Attributes:
        values: One a class, in the order of the class list.
        pooled: Threshold of all species together; taken by those with few validation recordings.
        n_own: How many species have one of their own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    values: tuple[float, ...]
    pooled: float
    n_own: int

    def named(self, probabilities: NDArray[np.floating], recording: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Species that at least one window of a recording names: bool (n_recordings, n_classes).

        Args:
            probabilities: Probabilities of windows, (n_windows, n_classes).
            recording: Position of each window's recording, (n_windows,).
        """
        return np.asarray(best_window_scores(probabilities, recording) >= np.array(self.values), dtype=bool)


def fit_thresholds(
    probabilities: NDArray[np.floating],
    recording: NDArray[np.integer],
    target: NDArray[np.floating],
    config: ThresholdConfig,
) -> Thresholds:
    """Find the thresholds with the highest F1 on validation.

    A recording counts as one decision a species, whether any of its windows passes: the label is the recording's and
    need not hold in every window.

    Args:
        probabilities: Calibrated, (n_windows, n_classes).
        recording: Position of each window's recording, (n_windows,).
        target: 0 or 1, (n_recordings, n_classes).
        config: When a species has a threshold of its own.
    """
    best = best_window_scores(probabilities, recording)
    occurs = target > 0
    pooled = best_f1_threshold(best.ravel(), occurs.ravel())
    n_positives = occurs.sum(axis=0)
    values, own = np.full(target.shape[1], pooled), np.flatnonzero(n_positives >= config.min_positives)
    for column in own:
        trust = n_positives[column] / (n_positives[column] + config.shrinkage)
        values[column] = trust * best_f1_threshold(best[:, column], occurs[:, column]) + (1 - trust) * pooled
    bounded: Sequence[float] = np.clip(values, config.min_threshold, config.max_threshold).tolist()
    return Thresholds(
        values=tuple(bounded), pooled=float(np.clip(pooled, config.min_threshold, config.max_threshold)), n_own=len(own)
    )


def best_f1_threshold(scores: NDArray[np.floating], occurs: NDArray[np.bool_]) -> float:
    """The threshold with the highest F1, half way between the last score that passes and the next one.

    Args:
        scores: (n,).
        occurs: Whether it is so, (n,); at least one is.
    """
    order = np.argsort(-scores, kind="stable")
    ordered, hits = scores[order], np.cumsum(occurs[order])
    # Equal scores pass together or not at all.
    ends = np.flatnonzero(np.append(np.diff(ordered) != 0, True))
    f1 = 2 * hits[ends] / (ends + 1 + occurs.sum())
    best = int(f1.argmax())
    below = ordered[ends[best + 1]] if best + 1 < len(ends) else 0.0
    return float((ordered[ends[best]] + below) / 2)
