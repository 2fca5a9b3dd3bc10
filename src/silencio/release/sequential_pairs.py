"""Both bundles' answers to the same recordings: how far they differ, and for which species. At any look.

Sources: Waudby-Smith and Ramdas, Estimating Means of Bounded Random Variables by Betting, JRSS-B 2024 (disagreement);
Wang and Ramdas, False Discovery Rate Control with E-values, JRSS-B 2022 (species); Robbins 1970 (a Beta mixture as
evidence against a fair coin).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln

# Stakes as shares of the largest that cannot ruin, equally weighted.
_STAKES = np.array([0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8])


def log_e_mean_above(values: NDArray[np.float64], limit: float) -> float:
    """Log evidence that the mean of values within [0, 1] is above `limit`: the wealth of bets on it.

    Evidence above a higher limit is never larger than above a lower one, so that two limits cost no more than one.

    Args:
        values: (n,), within [0, 1].
        limit: Above 0, below 1.

    Raises:
        ValueError: A value is outside [0, 1] or no number.
    """
    values = np.asarray(values, np.float64)
    if not np.all((values >= 0.0) & (values <= 1.0)):
        raise ValueError("shares of windows must be within 0 and 1")
    gains = np.log1p(_STAKES[:, None] * (values / limit - 1.0)).sum(axis=1)
    return float(np.logaddexp.reduce(gains) - math.log(len(_STAKES)))


def log_e_uneven(n_gained: int, n_lost: int) -> float:
    """Log evidence that recordings in which one bundle alone names a species are not as often the one's as the other's.

    Args:
        n_gained: Recordings in which the challenger alone named it.
        n_lost: Recordings in which the champion alone named it.
    """
    mixture = betaln(n_gained + 0.5, n_lost + 0.5) - betaln(0.5, 0.5)
    return float(mixture + (n_gained + n_lost) * math.log(2.0))


def found_by_e_bh(log_e_values: Mapping[str, float], alpha: float) -> list[str]:
    """Of many e-values, those that are found at false discovery rate `alpha`, however they depend on each other.

    Args:
        log_e_values: By name, over everything that was tested.
        alpha: The rate; where nothing is worse, the probability that anything is found.
    """
    ordered = sorted(log_e_values, key=lambda name: -log_e_values[name])
    n_tested = len(ordered)
    n_found = 0
    for k, name in enumerate(ordered, start=1):
        if log_e_values[name] >= math.log(n_tested / (k * alpha)):
            n_found = k
    return ordered[:n_found]
