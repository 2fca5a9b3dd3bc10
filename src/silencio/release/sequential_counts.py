"""Whether the challenger's units fail more often than the champion's, looked at as often as one likes.

In a stretch with one share p of the units, and were the challenger's rate r times the champion's, the next event is the
challenger's with probability q(r) = p r / (p r + 1 - p), at any hour and whatever the rate itself is. A weighted mean
of the likelihood ratios of some r above the tolerance r0 against r0 is an e-process wherever the true ratio is at most
r0 (each ratio falls with r): P(it ever reaches 1 / alpha) <= alpha (Ville), over all looks, steps and shares together,
and whatever the weights are. They grow with log r: what fails 20 times as often harms with each session and is to be
found within few; small ratios take hundreds of sessions, of which a smaller weight costs them few.

Sources: Lindon and Malek, Anytime-Valid Inference for Multinomial Count Data, NeurIPS 2022 (arXiv 2011.03567); Wald,
Sequential Tests of Statistical Hypotheses, 1945; Robbins, Statistical Methods Related to the Law of the Iterated
Logarithm, 1970 (mixtures); Ramdas, Grünwald, Vovk and Shafer, Game-Theoretic Statistics and Safe Anytime-Valid
Inference, Statistical Science 2023.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Rate ratios that are looked for, weighted by their logarithm.
RATIOS = (1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0)
# Of bounds of the ratio: how far from a tested ratio the alternatives lie.
_FACTORS = np.array([1.2, 1.6, 2.4, 4.0, 8.0, 16.0, 40.0])
_GRID = np.exp(np.linspace(math.log(0.01), math.log(100.0), 61))
# How many rates the smallest visible one is chosen from.
_N_RATES = 150
# The measured share counts from so many units on, the share that was asked before: a device that sends much makes the
# two differ, and a few units say nothing of either.
_SHARE_PRIOR_UNITS = 200.0


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """What a stretch with one share saw.

    Attributes:
        target_share: Share of the units that the challenger was to get, 0 to 1.
        champion_units: Units of the champion.
        challenger_units: Units of the challenger.
        champion_events: Units of the champion with the event: failed, slow, rejected.
        challenger_events: Units of the challenger with it.
    """

    target_share: float
    champion_units: int
    challenger_units: int
    champion_events: int
    challenger_events: int

    @property
    def share(self) -> float:
        """The challenger's share of the units, as measured, and as asked while there are few."""
        if self.target_share in (0.0, 1.0):
            return self.target_share
        n = self.champion_units + self.challenger_units
        return (self.challenger_units + self.target_share * _SHARE_PRIOR_UNITS) / (n + _SHARE_PRIOR_UNITS)

    @property
    def swapped(self) -> Exposure:
        """The same, seen from the other arm."""
        return Exposure(
            target_share=1.0 - self.target_share,
            champion_units=self.challenger_units,
            challenger_units=self.champion_units,
            champion_events=self.challenger_events,
            challenger_events=self.champion_events,
        )


def log_e_value(exposures: Iterable[Exposure], tolerance: float, ratios: Sequence[float] = RATIOS) -> float:
    """Natural logarithm of the evidence that the challenger's rate is more than `tolerance` times the champion's.

    A stretch in which one arm got everything teaches nothing, and adds exactly 0.

    Args:
        exposures: Stretches of the release, each with one share.
        tolerance: Rate ratio up to which nothing is worse.
        ratios: Ratios that are looked for, above 1; those at or below the tolerance are left out.

    Raises:
        ValueError: No ratio lies above the tolerance, or a count is negative.
    """
    above = np.array([ratio for ratio in ratios if ratio > tolerance])
    if not len(above):
        raise ValueError(f"no rate ratio lies above the tolerance {tolerance:g}: it must be below {max(ratios):g}")
    return float(
        _log_mean(_log_ratio(_Counts.of(exposures), np.array([[tolerance]]), above[None, :]), np.log(above))[0]
    )


def ratio_bounds(exposures: Sequence[Exposure], alpha: float) -> tuple[float, float]:
    """Interval of the rate ratio that holds at all looks together with probability 1 - alpha; 0 and inf are open ends.

    Args:
        exposures: Stretches of the release, each with one share.
        alpha: Probability that the true ratio ever leaves it; half of it on each side.
    """
    needed = math.log(2.0 / alpha)
    above, below = (
        _log_mean(_log_ratio(_Counts.of(seen), _GRID[:, None], _GRID[:, None] * _FACTORS), np.ones(len(_FACTORS)))
        >= needed
        for seen in (exposures, [exposure.swapped for exposure in exposures])
    )
    low = float(_GRID[above].max()) if above.any() else 0.0
    high = 1.0 / float(_GRID[below].max()) if below.any() else math.inf
    return low, high


def smallest_visible_rate(exposures: Sequence[Exposure], tolerance: float, alpha: float) -> float | None:
    """The lowest rate of the challenger that would by now be found more often than not.

    What was seen is laid aside but for the champion's rate: the expected counts under each rate are put into the test.

    Args:
        exposures: Stretches of the release, each with one share.
        tolerance: As in `log_e_value`.
        alpha: Evidence of 1 / alpha is a failure.

    Returns:
        Share of the challenger's units; None where not even a challenger that always fails would have been found.
    """
    compared = [exposure for exposure in exposures if exposure.target_share not in (0.0, 1.0)]
    units = sum(exposure.champion_units for exposure in compared)
    base = (sum(exposure.champion_events for exposure in compared) + 0.5) / (units + 1.0)
    rates = np.exp(np.linspace(math.log(base), 0.0, _N_RATES))[:, None]
    ratios = np.array([ratio for ratio in RATIOS if ratio > tolerance])[None, :]
    n_champion, n_challenger = (
        np.array([[getattr(one, field)] for one in compared], np.float64).reshape(-1, 1)
        for field in ("champion_units", "challenger_units")
    )
    expected = _Counts(_Counts.of(compared).share, rates[:, 0] * n_challenger, base * n_champion)
    total = _log_ratio(expected, np.array([[tolerance]]), ratios)
    visible = _log_mean(total, np.log(ratios[0])) >= math.log(1.0 / alpha)
    return float(rates[visible.argmax(), 0]) if visible[-1] else None


class _Counts(NamedTuple):
    """Stretches as columns, (n_stretches, 1) or (n_stretches, n_tolerances): those that teach something."""

    share: NDArray[np.float64]
    challenger: NDArray[np.float64]
    champion: NDArray[np.float64]

    @classmethod
    def of(cls, exposures: Iterable[Exposure]) -> _Counts:
        """The events that were seen.

        Raises:
            ValueError: A count is negative.
        """
        kept = []
        for one in exposures:
            if min(one.challenger_events, one.champion_events, one.challenger_units, one.champion_units) < 0:
                raise ValueError(f"counts must be 0 or more (found {one})")
            if one.share not in (0.0, 1.0):
                kept.append((one.share, one.challenger_events, one.champion_events))
        columns = np.array(kept, np.float64).reshape(-1, 3)
        return cls(columns[:, :1], columns[:, 1:2], columns[:, 2:])


def _log_mean(log_ratios: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log of the weighted mean of likelihood ratios, (n,), of their logarithms (n, n_ratios)."""
    return np.asarray(np.logaddexp.reduce(log_ratios + np.log(weights / weights.sum()), axis=1))


def _log_ratio(counts: _Counts, tolerance: NDArray[np.float64], ratios: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log likelihood ratio of `ratios` against `tolerance` (n_tolerances, 1), over all stretches."""
    share, challenger, champion = (column[:, :, None] for column in counts)
    of_all = np.log((1.0 - share + share * tolerance) / (1.0 - share + share * ratios))
    return np.asarray((challenger * np.log(ratios / tolerance) + (challenger + champion) * of_all).sum(axis=0))
