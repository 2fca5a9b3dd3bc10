"""How sure a metric is: the bootstrap over recordings, the same draws for everything that is compared.

Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), percentile intervals. Recordings are drawn and
not windows: windows of one recording are no independent evidence. Resamples are kept as how often each recording was
drawn, so that a metric of all resamples is one sum over sorted scores.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Interval = tuple[float, float]


class Bootstrap:
    """Resamples of recordings.

    Args:
        n_recordings: How many there are.
        n_resamples: How many times as many are drawn from them.
        seed: Seed of the draws.
        counts: Given counts instead, (n_resamples, n_recordings).

    Attributes:
        counts: How often each recording is in each resample, float64 (n_resamples, n_recordings).
    """

    def __init__(
        self,
        n_recordings: int,
        n_resamples: int = 1000,
        seed: int = 0,
        counts: NDArray[np.floating] | None = None,
    ) -> None:
        share = np.full(n_recordings, 1.0 / n_recordings)
        drawn = np.random.default_rng(seed).multinomial(n_recordings, share, n_resamples) if counts is None else counts
        self.counts = np.asarray(drawn, np.float64)

    def of(self, mask: NDArray[np.bool_]) -> Bootstrap:
        """The same resamples, looked at in one slice only."""
        return Bootstrap(int(mask.sum()), counts=self.counts[:, mask])

    def mean(self, values: NDArray[np.floating] | NDArray[np.bool_]) -> NDArray[np.float64]:
        """Mean of a value of each recording, such as being right; not a number where a resample is empty."""
        total = self.counts.sum(axis=1)
        with np.errstate(invalid="ignore"):
            return np.asarray(self.counts @ np.asarray(values, np.float64) / total)

    def macro_map(self, scores: NDArray[np.floating], target: NDArray[np.floating]) -> NDArray[np.float64]:
        """Macro mAP of every resample, over the species that occur in it: float64 (n_resamples,).

        Args:
            scores: (n_recordings, n_classes).
            target: 0 or 1, of the same shape.
        """
        sums, present = np.zeros(len(self.counts)), np.zeros(len(self.counts))
        for column in np.flatnonzero(target.any(axis=0)):
            value = _average_precision(scores[:, column], target[:, column] > 0, self.counts)
            found = np.isfinite(value)
            sums[found] += value[found]
            present += found
        with np.errstate(invalid="ignore"):
            return np.asarray(sums / present)


def interval(values: NDArray[np.floating], confidence: float = 0.95) -> Interval:
    """The percentile interval of resampled values; not numbers where no resample has one."""
    values = values[np.isfinite(values)]
    if not len(values):
        return float("nan"), float("nan")
    tail = (1.0 - confidence) / 2
    low, high = np.quantile(values, [tail, 1.0 - tail])
    return float(low), float(high)


def interval_around(
    estimate: float, values: NDArray[np.floating], confidence: float = 0.95, *, lower_bound: float = 0.0
) -> Interval:
    """The spread of resampled values, laid around the metric itself.

    For macro mAP: a recording that is drawn twice lifts its own species' average precision, so that resamples lie
    above the metric they are about.

    Args:
        estimate: Value of the metric on all recordings.
        values: Values of the resamples.
        confidence: Confidence of the interval.
        lower_bound: The metric's own bound; -1 for a difference.
    """
    values = values[np.isfinite(values)]
    low, high = interval(values - values.mean() + estimate if len(values) else values, confidence)
    return max(lower_bound, low), min(1.0, high)


def _average_precision(
    scores: NDArray[np.floating], occurs: NDArray[np.bool_], counts: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Average precision under each row of counts; equal scores are one step, as scikit-learn has it."""
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    ends = np.flatnonzero(np.append(np.diff(ordered) != 0, True))
    weight = counts[:, order]
    hits = np.cumsum(weight * occurs[order], axis=1)[:, ends]
    named = np.cumsum(weight, axis=1)[:, ends]
    gained = np.diff(hits, axis=1, prepend=0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(named > 0, hits / named, 0.0)
        return np.asarray((gained * precision).sum(axis=1) / hits[:, -1])
