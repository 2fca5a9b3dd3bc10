"""Tests of one share: whether a rate is above its absolute limit, and whether traffic is split as asked.

Both may be looked at as often as one likes. Sources: Robbins 1970 and Ville 1939, as in `sequential_counts`; Lindon and
Malek, NeurIPS 2022, section 4 (a sample ratio mismatch found at any look).
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import bdtr, bdtrc, betaln

# Alternatives to a limit, as odds ratios.
_ODDS = np.array([1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0])
# How far shares are looked for around the target: as if so many units had been seen before.
_SPLIT_CONCENTRATION = 100.0


def log_e_above(n_events: int, n_units: int, limit: float) -> float:
    """Log evidence that events come to more than `limit` of the units.

    Args:
        n_events: Units with the event.
        n_units: All of them; events of units that began before the counting may exceed them.
        limit: Share up to which nothing is wrong; at 1 or above nothing can be.

    Raises:
        ValueError: A count is negative.
    """
    if n_events < 0 or n_units < 0:
        raise ValueError(f"counts must be 0 or more (found {n_events} of {n_units})")
    if limit >= 1.0:
        return 0.0
    n_units = max(n_units, n_events)
    rates = limit * _ODDS / (limit * _ODDS + 1.0 - limit)
    ratios = n_events * np.log(rates / limit) + (n_units - n_events) * np.log((1.0 - rates) / (1.0 - limit))
    return float(np.logaddexp.reduce(ratios) - math.log(len(rates)))


def log_e_split(n_challenger: int, n_units: int, target: float) -> float:
    """Log evidence that the challenger's share of the units is not `target`, which is above 0 and below 1."""
    a, b = target * _SPLIT_CONCENTRATION, (1.0 - target) * _SPLIT_CONCENTRATION
    mixture = betaln(a + n_challenger, b + n_units - n_challenger) - betaln(a, b)
    fixed = n_challenger * math.log(target) + (n_units - n_challenger) * math.log1p(-target)
    return float(mixture - fixed)


def binomial_p(n_challenger: int, n_units: int, target: float) -> float:
    """Two-sided p of one look at a split: twice the smaller tail."""
    low = float(bdtr(n_challenger, n_units, target))
    high = float(bdtrc(n_challenger - 1, n_units, target)) if n_challenger else 1.0
    return min(1.0, 2.0 * min(low, high))
