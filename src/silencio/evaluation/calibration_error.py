"""How sure the calibration error is: consistency resampling, turned into an interval.

The expected calibration error (ECE) of few recordings is far from 0 even where probabilities are perfectly honest: in a
bin of three recordings the share that is right is 0, 1/3, 2/3 or 1. Bröcker and Smith, Increasing the reliability of
reliability diagrams (Weather and Forecasting, 2007), therefore draw outcomes anew from the probabilities themselves and
look how large the error becomes by chance alone; Vaicenavicius et al., Evaluating model calibration in classification
(AISTATS, 2019), make a test of it. Here outcomes are drawn as well from probabilities that are wrong by a given amount
(too high, too low, or in each bin as it was found), and the interval holds every amount that the error which was found
could come from: the inversion of a test (Casella and Berger, Statistical Inference, 9.2). A bootstrap over recordings
would not do: bins of one recording, or of recordings that are all right, show no spread however often they are drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from silencio.evaluation.bootstrap import Interval, interval
from silencio.evaluation.calibration import expected_calibration_error, reliability

# Fewer cannot tell a model that is off by half as much again as the policy that ships allows from one that it allows
# (docs/evaluation.md).
MIN_RECORDINGS = 100
_N_RESAMPLES = 1000
_N_HALVINGS = 10
# The same sum in another order is not the same float.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class CalibrationError:
    """The error of the most probable species on some recordings.

    Attributes:
        value: Expected calibration error (ECE).
        interval: 95 %, of the error that the model has on however many recordings; not numbers where there is none.
        n_recordings: Number of recordings that it was computed on.
    """

    value: float
    interval: Interval
    n_recordings: int


def calibration_error(
    confidence: NDArray[np.floating], hit: NDArray[np.bool_], n_resamples: int = _N_RESAMPLES
) -> CalibrationError:
    """ECE and its interval.

    Args:
        confidence: Confidence of each recording's most probable species, (n_recordings,).
        hit: Whether it is the right one, (n_recordings,).
        n_resamples: How often outcomes are drawn anew for each amount that is tried.
    """
    value, n_recordings = expected_calibration_error(confidence, hit), len(confidence)
    if not np.isfinite(value):
        return CalibrationError(value, (float("nan"), float("nan")), n_recordings)
    bins = reliability(confidence, hit)
    n = np.rint(np.array([one.recordings_share for one in bins]) * n_recordings).astype(int)
    mean = np.array([one.mean_probability for one in bins])
    right = np.array([one.right_share for one in bins])
    all_too_high = (1.0,) * len(n)
    directions = {all_too_high, tuple(-one for one in all_too_high), tuple(np.where(mean >= right, 1.0, -1.0))}
    tried = [_possible(value, _WrongBy(n, mean, np.array(one), n_resamples)) for one in directions]
    # In the direction in which each bin was found, nothing is out of reach.
    found = [one for one in tried if one is not None]
    low = min(low for low, _ in found)
    # Where fewer errors were found than chance alone makes, no amount is possible: what was found is not excluded.
    high = max(value, *(high for _, high in found))
    return CalibrationError(value, (low, high), n_recordings)


@dataclass(frozen=True)
class _WrongBy:
    """Models with these probabilities that are wrong by some amount.

    Attributes:
        n: Recordings of each bin, (n_bins,).
        mean: Mean probability of each bin, (n_bins,).
        direction: 1 where it is too high, -1 where it is too low, (n_bins,).
        n_resamples: How often outcomes are drawn.
    """

    n: NDArray[np.integer]
    mean: NDArray[np.float64]
    direction: NDArray[np.float64]
    n_resamples: int

    def truth(self, amount: float) -> NDArray[np.float64]:
        """Share of each bin that is right on however many recordings; no share is below 0 or above 1."""
        return np.clip(self.mean - self.direction * amount, 0.0, 1.0)

    def error(self, amount: float) -> float:
        """Calibration error on however many recordings."""
        return float(np.abs(self.mean - self.truth(amount)) @ self.n / self.n.sum())

    def chance(self, amount: float) -> Interval:
        """The 95 % interval of the errors that are found on so few; the same draws for every amount."""
        drawn = np.random.default_rng(0).binomial(self.n, self.truth(amount), (self.n_resamples, len(self.n)))
        return interval(np.abs(self.n * self.mean - drawn).sum(axis=1) / self.n.sum())


def _possible(value: float, wrong: _WrongBy) -> Interval | None:
    """The errors that `value` could come from; None where none in this direction could be so large."""
    chance = cache(wrong.chance)
    lower, upper = value - _ROUNDING, value + _ROUNDING
    if chance(1.0)[1] < lower:
        return None
    low = _first(lambda amount: chance(amount)[1] >= lower)
    high = _first(lambda amount: chance(amount)[0] > upper)
    return wrong.error(low), max(wrong.error(low), wrong.error(high))


def _first(is_reached: Callable[[float], bool]) -> float:
    """The least amount from 0 to 1 that is enough; 1 where none is."""
    if is_reached(0.0):
        return 0.0
    low, high = 0.0, 1.0
    for _ in range(_N_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if is_reached(middle) else (middle, high)
    return high
