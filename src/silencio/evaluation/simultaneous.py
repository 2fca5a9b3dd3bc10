"""One model against another on all recordings and on every slice at once: bounds that hold for all of them together.

Ten slices are ten chances to look worse by chance, so a bound that holds for one slice refuses one equal model in five.
Two kinds of bounds hold together, and the larger decides:

- The bootstrap over recordings, the same draws for all groups, its quantile taken of the largest deviation of any group
  (max-T; Westfall and Young, Resampling-Based Multiple Testing, 1993; Romano and Wolf, JASA 100, 2005).
- The exact sign test of the recordings that only one of the two has right (McNemar), its level set by drawing all signs
  at random, the same draws for all groups (min-P). Where three recordings differ, and all three one way, drawing them
  again never shows another sign: the bootstrap is sure of what a coin does one time in eight.

The numbers are the same on every call: draws have a fixed seed. Nothing here needs more than numpy.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from silencio.errors import DataError
from silencio.evaluation.bootstrap import Interval, interval

ALL = "all"
# A smaller slice is shown and decides nothing.
MIN_SLICE = 10
# Below so many recordings on which the two differ, the percentile interval is too narrow.
_MIN_DISCORDANT = 10
# Draws beyond a bound of level alpha: their number decides how exact the bound is.
_DRAWS_BEYOND = 40
_MIN_DRAWS = 2000
# A bound on memory: thousands of recordings in many slices are as many kinds.
_DRAWS_AT_ONCE = 2000


@dataclass(frozen=True, kw_only=True)
class GroupBound:
    """The challenger against the champion on one group of recordings.

    Attributes:
        name: `all`, or the slice's.
        n_recordings: Recordings in it.
        n_better: Recordings that the challenger alone has right.
        n_worse: Recordings that the champion alone has right.
        difference: Share right, challenger minus champion.
        upper: Upper bound of the difference; at `1 - alpha` it holds for all groups together. Below 0 the challenger
            was shown to be worse.
        interval: 90 % interval of the difference in this group by itself.
    """

    name: str
    n_recordings: int
    n_better: int
    n_worse: int
    difference: float
    upper: float
    interval: Interval

    @property
    def half_width(self) -> float:
        """Half of the interval's width."""
        return (self.interval[1] - self.interval[0]) / 2

    @property
    def is_worse(self) -> bool:
        """Whether it was shown to be worse here."""
        return self.upper < 0

    @property
    def visible_drop(self) -> float:
        """A loss of so much, found in recordings like these, would have been shown."""
        return self.upper - self.difference


@dataclass(frozen=True, kw_only=True)
class PairedBounds:
    """What one look at replayed recordings says.

    Attributes:
        outcome: `fail`: some group was shown to be worse. `pass`: none was, and the interval of all recordings, and of
            every slice that has to pass, is narrow enough for a drop of `max_half_width` to have been seen. Otherwise
            `inconclusive`.
        all: All recordings.
        slices: Every slice that is large enough, in the order in which they were given.
        max_half_width: As it was given.
        small_slices: Names of those that were too small to be looked at.
        not_settled: Names of those that have to pass and are not precise enough to: `all`, or slices, also such as are
            too small or were not given at all.
    """

    outcome: Literal["pass", "fail", "inconclusive"]
    all: GroupBound
    slices: tuple[GroupBound, ...]
    max_half_width: float
    small_slices: tuple[str, ...] = ()
    not_settled: tuple[str, ...] = ()

    @property
    def interval(self) -> Interval:
        """90 % interval of the difference on all recordings."""
        return self.all.interval

    @property
    def worse(self) -> tuple[GroupBound, ...]:
        """The groups that were shown to be worse."""
        return tuple(group for group in (self.all, *self.slices) if group.is_worse)

    @property
    def half_width(self) -> float:
        """Half of its width."""
        return self.all.half_width


def compare_paired(
    champion_right: ArrayLike,
    challenger_right: ArrayLike,
    slices: Mapping[str, ArrayLike],
    *,
    alpha: float,
    max_half_width: float = 0.10,
    min_slice: int = MIN_SLICE,
    must_pass: Collection[str] = (),
    seed: int = 0,
) -> PairedBounds:
    """Hold a challenger against a champion on the same labelled recordings, with one error for all groups.

    Args:
        champion_right: Whether the champion is right, 0 or 1, (n_recordings,).
        challenger_right: The same of the challenger.
        slices: Masks by name, each (n_recordings,).
        alpha: Most probability that an equal challenger is called worse anywhere.
        max_half_width: Half of the width that the 90 % interval may have for a `pass`.
        min_slice: Recordings from which on a slice is looked at.
        must_pass: Names of slices that have to be as precise as all recordings; the others fail or are shown.
        seed: Seed of the draws.

    Raises:
        DataError: There is no recording, a value is neither 0 nor 1, or lengths differ.
    """
    champion, challenger = _right("champion_right", champion_right), _right("challenger_right", challenger_right)
    masks = {name: np.asarray(mask, bool) for name, mask in slices.items()}
    for name, values in {"challenger_right": challenger, **masks}.items():
        if values.shape != champion.shape:
            raise DataError(f"{name} has shape {values.shape}, champion_right {champion.shape}: they are of the same")
    if not len(champion):
        raise DataError("there is no recording to compare two bundles on: give at least one")
    looked_at = {name: mask for name, mask in masks.items() if mask.sum() >= max(min_slice, 1)}
    members = np.stack([np.ones(len(champion), bool), *looked_at.values()], axis=1)
    differences = (challenger - champion).astype(np.float64)
    resampled = resample_means(differences, members, n_draws=n_draws(alpha), seed=seed)
    upper = np.maximum(
        max_t_upper(resampled, differences @ members / members.sum(axis=0), alpha),
        sign_test_upper(differences, members, alpha, seed=seed),
    )
    groups = [
        GroupBound(
            name=name,
            n_recordings=int(inside.sum()),
            n_better=int((differences[inside] > 0).sum()),
            n_worse=int((differences[inside] < 0).sum()),
            difference=float(differences[inside].mean()),
            upper=float(bound),
            interval=paired_interval(differences[inside], drawn[np.isfinite(drawn)], confidence=0.90),
        )
        for name, inside, bound, drawn in zip([ALL, *looked_at], members.T, upper, resampled.T, strict=True)
    ]
    narrow = {group.name for group in groups if group.half_width <= max_half_width + 1e-9}
    not_settled = tuple(name for name in (ALL, *must_pass) if name not in narrow)
    return PairedBounds(
        outcome="fail" if any(group.is_worse for group in groups) else "inconclusive" if not_settled else "pass",
        all=groups[0],
        slices=tuple(groups[1:]),
        max_half_width=max_half_width,
        small_slices=tuple(name for name in masks if name not in looked_at),
        not_settled=not_settled,
    )


def n_draws(alpha: float) -> int:
    """How many draws a bound of this level wants."""
    return max(_MIN_DRAWS, math.ceil(_DRAWS_BEYOND / alpha))


def resample_means(
    differences: NDArray[np.floating], members: NDArray[np.bool_], *, n_draws: int, seed: int = 0
) -> NDArray[np.float64]:
    """Means of groups under the bootstrap over recordings, the same draws for all groups.

    Recordings of the same difference in the same groups are alike: how often any of them is drawn is drawn at once.

    Args:
        differences: (n_recordings,).
        members: Which recording is in which group, (n_recordings, n_groups).
        n_draws: Number of resamples.
        seed: Seed of the draws.

    Returns:
        (n_draws, n_groups); not a number where no recording of a group was drawn.
    """
    kinds, counts = np.unique(np.column_stack([differences, members]), axis=0, return_counts=True)
    rng, shares, inside = np.random.default_rng(seed), counts / counts.sum(), kinds[:, 1:]
    parts = []
    for begin in range(0, n_draws, _DRAWS_AT_ONCE):
        drawn = rng.multinomial(len(differences), shares, min(_DRAWS_AT_ONCE, n_draws - begin))
        with np.errstate(invalid="ignore"):
            parts.append((drawn @ (inside * kinds[:, :1])) / (drawn @ inside))
    return np.concatenate(parts)


def max_t_upper(resampled: NDArray[np.floating], estimates: ArrayLike, alpha: float) -> NDArray[np.float64]:
    """Upper bounds that hold together at `1 - alpha`, by the bootstrap.

    Args:
        resampled: Figures of the resamples, (n_draws, n_groups), the same draw in each row.
        estimates: The figures themselves, (n_groups,).
        alpha: Most probability that any true figure is above its bound.

    Returns:
        (n_groups,); the figure itself where all resamples are equal, of which they say nothing.
    """
    values = np.asarray(estimates, np.float64)
    spread = np.array([_spread(column) for column in resampled.T])
    varies = spread > 0
    if not varies.any():
        return values.copy()
    with np.errstate(invalid="ignore"):
        deviations = (values[varies] - resampled[:, varies]) / spread[varies]
    largest = np.where(np.isnan(deviations), -np.inf, deviations).max(axis=1)
    return np.asarray(values + spread * float(np.quantile(largest, 1 - alpha, method="higher")))


def sign_test_upper(
    differences: NDArray[np.floating], members: NDArray[np.bool_], alpha: float, *, seed: int = 0
) -> NDArray[np.float64]:
    """Upper bounds of mean differences whose sign is exact: the chance that any is below 0 for equal models is `alpha`.

    Given which recordings differ, an equal model wins each with probability one half. The level of a single group is
    that at which the smallest probability of all groups is reached by `alpha` of random signs. The bound itself is the
    Clopper-Pearson bound of the share of wins, times that of the share of recordings that differ.

    Args:
        differences: -1, 0 or 1, (n_recordings,).
        members: Which recording is in which group, (n_recordings, n_groups).
        alpha: Level of all groups together.
        seed: Seed of the random signs.

    Returns:
        (n_groups,).
    """
    differs = differences != 0
    n_all, n_differ = members.sum(axis=0), members[differs].sum(axis=0)
    n_better = members[differences > 0].sum(axis=0)
    level = _single_level(members[differs], alpha, seed)
    return np.array(
        [_sign_bound(int(wins), int(m), int(n), level) for wins, m, n in zip(n_better, n_differ, n_all, strict=True)]
    )


def paired_interval(
    differences: NDArray[np.floating], resampled: NDArray[np.floating], confidence: float = 0.90
) -> Interval:
    """Interval of a mean difference; where few recordings differ, not of resamples, which then vary too little.

    Source of the other: Bonett and Price, British Journal of Mathematical and Statistical Psychology 65 (2012), who
    add one recording of either kind.

    Args:
        differences: -1, 0 or 1, (n_recordings,).
        resampled: Means of the resamples, (n_draws,).
        confidence: Confidence of the interval.
    """
    n_better, n_worse = int((differences > 0).sum()), int((differences < 0).sum())
    if n_better + n_worse >= _MIN_DISCORDANT:
        return interval(resampled, confidence)
    n = len(differences) + 2
    better, worse = (n_better + 1) / n, (n_worse + 1) / n
    half = NormalDist().inv_cdf((1 + confidence) / 2) * math.sqrt((better + worse - (better - worse) ** 2) / n)
    return max(-1.0, better - worse - half), min(1.0, better - worse + half)


def _right(name: str, values: ArrayLike) -> NDArray[np.int64]:
    found = np.asarray(values)
    if found.ndim != 1 or not np.isin(found, (0, 1)).all():
        raise DataError(f"{name} must be 0 or 1 for each recording (found {found!r})")
    return found.astype(np.int64)


def _spread(values: NDArray[np.floating]) -> float:
    known = values[np.isfinite(values)]
    spread = float(known.std()) if len(known) else 0.0
    return spread if spread > 1e-12 else 0.0


def _single_level(members: NDArray[np.bool_], alpha: float, seed: int) -> float:
    """Level of one group at which an equal model reaches it in any group with probability `alpha` at most."""
    bonferroni = alpha / int(members.shape[1])
    if not len(members):
        return bonferroni
    kinds, counts = np.unique(members, axis=0, return_counts=True)
    draws = n_draws(alpha)
    wins = np.random.default_rng(seed).binomial(counts, 0.5, (draws, len(counts))) @ kinds
    smallest = np.ones(draws)
    for column, m in enumerate(members.sum(axis=0).tolist()):
        smallest = np.minimum(smallest, _binomial_cdf(m, 0.5)[wins[:, column]])
    # As exact as any permutation test: the recordings' own signs count as one of the draws. Only a probability below
    # the level is beyond it, and probabilities of counts are often equal: hence a hair less.
    n_beyond = math.floor(alpha * (draws + 1)) - 1
    return max(bonferroni, float(np.sort(smallest)[n_beyond]) * (1 - 1e-9)) if n_beyond >= 0 else bonferroni


def _sign_bound(n_better: int, n_differ: int, n: int, level: float) -> float:
    wins = _upper_share(n_better, n_differ, level)
    if wins >= 0.5:
        return (2 * wins - 1) * _upper_share(n_differ, n, level)
    return (2 * wins - 1) * (1 - _upper_share(n - n_differ, n, level))


def _upper_share(n_found: int, n: int, level: float) -> float:
    """Clopper-Pearson: the largest share at which so few are still found with probability `level`."""
    if n_found >= n:
        return 1.0
    low, high = n_found / n, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if _binomial_cdf(n, middle)[n_found] > level else (low, middle)
    return high


def _binomial_cdf(n: int, share: float) -> NDArray[np.float64]:
    """Probability of at most 0, 1, … n of n."""
    k = np.arange(n + 1)
    logarithms = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    chosen = logarithms[n] - logarithms[k] - logarithms[n - k]
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = chosen + np.where(k > 0, k * np.log(share), 0.0) + np.where(k < n, (n - k) * np.log1p(-share), 0.0)
    return np.asarray(np.minimum(1.0, np.cumsum(np.exp(terms))))
