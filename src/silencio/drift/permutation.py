"""Permutation of days within parts of the day, for all signals of all devices at once.

The day that is looked at and the days of the reference are exchangeable where nothing has changed. A permutation takes,
for each part of the day, one of these days as the current one; the statistic is that of the day itself, made of the
same blocks. For ten devices, forty signals and 500 permutations these are a few sums over arrays of blocks.

The arrangements that take one and the same day of the reference in every part say how far a whole day strays from the
others: parts of one day share its weather, which permutation within parts does not see. A change has to be beyond that
too (`min_day_spreads`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# So that their sums stay in the processor's cache.
_ARRANGEMENTS_AT_ONCE = 1024


@dataclass(frozen=True)
class Arrangements:
    """Which day is taken as the current one in each part of the day.

    Attributes:
        days: Indices of days, shape (n, n_parts); day 0 is the current one.
        n_reference: How many of them, after the first, are days of the reference.
    """

    days: NDArray[np.int64]
    n_reference: int


def arrangements(n_parts: int, n_reference: int, n_random: int, seed: int = 0) -> Arrangements:
    """The current day, each day of the reference, and random permutations.

    Args:
        n_parts: Parts of the day.
        n_reference: Days of the reference.
        n_random: Random permutations.
        seed: Seed of these.
    """
    own = np.repeat(np.arange(1 + n_reference)[:, None], n_parts, axis=1)
    drawn = np.random.default_rng(seed).integers(0, 1 + n_reference, (n_random, n_parts))
    return Arrangements(np.concatenate([own, drawn]), n_reference)


@dataclass(frozen=True)
class Tested:
    """Results of tests; arrays are of the shape of the tested signals.

    Attributes:
        statistic: Of the day itself.
        centre: Mean of what single days of the reference have; 0 for differences, which have none.
        spread: Root mean square of what single days of the reference have, around `centre`.
        p: Two-sided probability of a statistic so far from the centre.
    """

    statistic: Array
    centre: Array
    spread: Array
    p: Array


def tested(found: Array, n_reference: int, *, centred: bool) -> Tested:
    """Tests out of the statistic of every arrangement.

    Args:
        found: Shape (n_arrangements, …), in the order of `Arrangements.days`.
        n_reference: As `Arrangements` has it.
        centred: Whether the statistic is a distance, whose values without any change are not around 0.
    """
    statistic, days, drawn = found[0], found[1 : 1 + n_reference], found[1 + n_reference :]
    with np.errstate(invalid="ignore", divide="ignore"):
        known = np.isfinite(days).sum(axis=0)
        centre = np.where(known > 0, np.nansum(days, axis=0) / known, np.nan) if centred else np.zeros(statistic.shape)
        square = np.nansum((days - centre) ** 2, axis=0)
        # A day of n stands outside of the others' mean, as the current one does: no correction is due.
        spread = np.sqrt(square / np.where(known > 0, known, np.nan))
        beyond = np.abs(drawn - centre) >= np.abs(statistic - centre) - 1e-12
        n = np.isfinite(drawn).sum(axis=0)
        p = (1 + (beyond & np.isfinite(drawn)).sum(axis=0)) / (1 + n)
    return Tested(statistic, centre, spread, np.where(np.isfinite(statistic), p, np.nan))


def differences(blocks: Array) -> Array:
    """Each day's block less the mean of all other days', not a number where there is no block.

    Args:
        blocks: Shape (n_devices, n_parts, n_days, n_signals).
    """
    known = np.isfinite(blocks)
    filled = np.where(known, blocks, 0.0)
    n_others = known.sum(axis=2, keepdims=True) - known
    others = filled.sum(axis=2, keepdims=True) - filled
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known & (n_others > 0), blocks - others / n_others, np.nan)


def mean_differences(difference: Array, chosen: Arrangements) -> Array:
    """Mean over parts of the day, for each arrangement.

    Args:
        difference: As `differences` gives it.
        chosen: Arrangements.

    Returns:
        Shape (n_arrangements, n_devices, n_signals). Parts that the current day lacks are left out of all.
    """
    usable = np.isfinite(difference[:, :, 0, :])
    total = np.zeros((len(chosen.days), difference.shape[0], difference.shape[3]))
    count = np.zeros_like(total)
    for part in range(difference.shape[1]):
        one = np.where(usable[:, part, None, :], difference[:, part], np.nan).transpose(1, 0, 2)
        known = np.isfinite(one)
        total += np.where(known, one, 0.0)[chosen.days[:, part]]
        count += known[chosen.days[:, part]]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(total / np.where(count > 0, count, np.nan))


def of_sums(counts: Array, chosen: Arrangements, statistic: Callable[[Array, Array], Array]) -> Array:
    """A statistic of the sums over the day's blocks and over all others, for each arrangement.

    Args:
        counts: Shape (n_parts, n_days, …).
        chosen: Arrangements.
        statistic: Takes both sums, shape (n_arrangements, …), and returns (n_arrangements,).
    """
    whole = counts.sum(axis=(0, 1))
    found = []
    for begin in range(0, len(chosen.days), _ARRANGEMENTS_AT_ONCE):
        days = chosen.days[begin : begin + _ARRANGEMENTS_AT_ONCE]
        current = counts[0][days[:, 0]]
        for part in range(1, counts.shape[0]):
            current += counts[part][days[:, part]]
        found.append(statistic(current, whole - current))
    return np.concatenate(found)
