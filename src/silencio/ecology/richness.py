"""How many species so many sessions would have: rarefaction, so that months of different effort compare.

Sources: the hypergeometric expectation of Hurlbert (1971, Ecology 52: 577) and Sanders (1968), for units in which a
species is there or not (sample-based rarefaction: Gotelli and Colwell 2001, Ecology Letters 4: 379); the bootstrap over
units of Efron and Tibshirani (1993).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

LEVEL = 0.95
# Of fewer units resamples are so alike that an interval would claim what nobody knows.
MIN_UNITS = 5


@dataclass(frozen=True)
class Estimate:
    """A value and its interval.

    Attributes:
        value: None where there is too little to tell.
        low: Lower bound.
        high: Upper bound.
    """

    value: float | None
    low: float | None = None
    high: float | None = None


def expected_species(
    n_with_species: NDArray[np.floating] | NDArray[np.integer],
    n_units: NDArray[np.floating] | float,
    n_drawn: NDArray[np.floating] | float,
) -> NDArray[np.float64]:
    """Species that are expected in some of the units, drawn without replacement.

    E[S_n] = sum over species of 1 - C(N - N_s, n) / C(N, n). By logarithms of the gamma function, so that no binomial
    overflows: of 100,000 units the quotient is right to 1e-9. Between whole numbers of units it runs smoothly.

    Args:
        n_with_species: In how many units each species is, (..., n_species).
        n_units: Number of units, broadcast against the leading axes.
        n_drawn: Number of units drawn, at most `n_units`; broadcast against the leading axes.

    Returns:
        Shape of the leading axes.
    """
    n = np.asarray(n_drawn, np.float64)[..., None]
    total = np.asarray(n_units, np.float64)[..., None]
    without = total - np.asarray(n_with_species, np.float64)
    rest = without - n
    with np.errstate(invalid="ignore"):
        logarithm = gammaln(without + 1) - gammaln(rest + 1) - gammaln(total + 1) + gammaln(total - n + 1)
    missed = np.where(rest > -1, np.exp(np.minimum(logarithm, 0.0)), 0.0)
    return np.asarray((1.0 - missed).sum(axis=-1))


def resamples(n_units: int, n_resamples: int, seed: int) -> NDArray[np.float64]:
    """How often each unit is in each resample, (n_resamples, n_units).

    Args:
        n_units: Number of units; as many are drawn.
        n_resamples: Number of resamples.
        seed: Seed of the draws.
    """
    share = np.full(n_units, 1.0 / n_units)
    return np.random.default_rng(seed).multinomial(n_units, share, n_resamples).astype(np.float64)


def rarefied(incidence: NDArray[np.bool_], n_drawn: int = 10, n_resamples: int = 1000, seed: int = 0) -> Estimate:
    """Species expected in so many sessions, with an interval over sessions.

    A resample repeats sessions, and those that repeat bring no new species: rarefied resamples have fewer species than
    the sessions themselves, 1 - (1 - p)^n of each instead of the hypergeometric share. The percentile interval is
    moved by their mean difference, without which it would often lie below the value.

    Args:
        incidence: Which species each session has, (n_sessions, n_species).
        n_drawn: Sessions.
        n_resamples: Resamples of the bootstrap.
        seed: Seed of its draws.

    Returns:
        Without a value where there are fewer sessions.
    """
    n_sessions = len(incidence)
    if n_sessions < n_drawn:
        return Estimate(None)
    present = np.asarray(incidence, np.float64)
    value = float(expected_species(present.sum(axis=0), n_sessions, n_drawn))
    drawn = resamples(n_sessions, n_resamples, seed) @ present
    return moved(value, expected_species(drawn, n_sessions, n_drawn), n_sessions)


def mean_of(values: NDArray[np.floating], n_resamples: int = 1000, seed: int = 0) -> Estimate:
    """Mean over sessions.

    Args:
        values: One a session.
        n_resamples: Resamples of the bootstrap.
        seed: Seed of its draws.
    """
    if not len(values):
        return Estimate(None)
    means = resamples(len(values), n_resamples, seed) @ np.asarray(values, np.float64) / len(values)
    return moved(float(np.mean(values)), means, len(values))


def moved(value: float, resampled: NDArray[np.floating], n_units: int) -> Estimate:
    """The percentile interval of resamples around a value: as wide as they are, without their bias.

    Args:
        value: Value of the units themselves.
        resampled: Value of each resample; those that are no number are left out.
        n_units: Number of units; of fewer than five no interval is given.
    """
    known = resampled[np.isfinite(resampled)]
    if not len(known) or n_units < MIN_UNITS:
        return Estimate(value)
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(known, [tail, 1 - tail]) - known.mean() + value
    return Estimate(value, max(0.0, min(float(low), value)), max(float(high), value))
