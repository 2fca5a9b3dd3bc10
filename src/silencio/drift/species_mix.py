"""The mix of species and the scores given species: distances, standardisation, and their bootstrap over blocks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# A species' mean of fewer scores says nothing.
_MIN_SCORED = 5.0


def jensen_shannon(first: Array, second: Array) -> Array:
    """The Jensen-Shannon divergence in bits, from 0 to 1, along the last axis; counts need not sum to 1.

    Source: Lin, Divergence measures based on the Shannon entropy (1991). Not a number where one of both is empty.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        p = first / first.sum(axis=-1, keepdims=True)
        q = second / second.sum(axis=-1, keepdims=True)
        middle = (p + q) / 2
        both = np.where(p > 0, p * np.log2(p / middle), 0.0) + np.where(q > 0, q * np.log2(q / middle), 0.0)
    bits = both.sum(axis=-1) / 2
    return np.where((first.sum(axis=-1) > 0) & (second.sum(axis=-1) > 0), np.clip(bits, 0.0, 1.0), np.nan)


def mix_distance(current: Array, others: Array) -> Array:
    """Distance of two mixes of species; counts are (…, 1, n_species): recordings in which each is named."""
    return jensen_shannon(current[..., 0, :], others[..., 0, :])


def score_change(current: Array, others: Array) -> Array:
    """How the mean probability of what is named has changed, at the others' mix of species (direct standardisation).

    Counts are (…, 2, n_species): how many have a probability, and its sum.
    """
    n_current, n_others = current[..., 0, :], others[..., 0, :]
    usable = (n_current >= _MIN_SCORED) & (n_others >= _MIN_SCORED)
    with np.errstate(invalid="ignore", divide="ignore"):
        change = np.where(usable, current[..., 1, :] / n_current - others[..., 1, :] / n_others, 0.0)
        weight = np.where(usable, n_others, 0.0)
        return np.asarray((weight * change).sum(axis=-1) / weight.sum(axis=-1))


def precision(counts: Array) -> Array:
    """Expected precision: the mean calibrated probability of what is named; counts as `score_change` has them."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(counts[..., 1, :].sum(axis=-1) / counts[..., 0, :].sum(axis=-1))


def precision_change(current: Array, others: Array) -> Array:
    """How the expected precision has changed."""
    return precision(current) - precision(others)


def mix_lower_bound(current: Array, reference: Array, distance: float, n_bootstraps: int, seed: int = 0) -> float:
    """The lower end of the 95 % interval of the mix's distance, by a bootstrap over blocks laid around it.

    Args:
        current: Counts of the current day's blocks, shape (n_blocks, n_species).
        reference: Counts of the reference's blocks, (n_blocks, n_species).
        distance: The distance itself.
        n_bootstraps: Resamples.
        seed: Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    drawn = [
        rng.multinomial(len(one), np.full(len(one), 1 / len(one)), n_bootstraps).astype(np.float64) @ one
        for one in (current, reference)
    ]
    values = jensen_shannon(drawn[0], drawn[1])
    values = values[np.isfinite(values)]
    return float(distance + np.quantile(values, 0.025) - values.mean()) if len(values) else 0.0
