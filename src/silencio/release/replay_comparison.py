"""Whether the challenger names labelled recordings worse than the champion, over all of them or in any group. One look.

A paired bootstrap over recordings, the same draws for all groups: the largest studentised deviation over them bounds
every difference at once, so that ten groups refuse no more equal models than one. Sources: Efron and Tibshirani, An
Introduction to the Bootstrap, 1993; Westfall and Young, Resampling-Based Multiple Testing, 1993 (max-T).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from silencio.release.evidence import Replay

# Smaller groups are shown and decide nothing.
MIN_SLICE = 10
_N_RESAMPLES = 10_000
_ALL = "all recordings"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Challenger minus champion in one group of recordings.

    Attributes:
        name: Of the group.
        n: Its recordings.
        difference: Of the shares that are named rightly.
        upper: Bound that holds for all groups together.
        low_90: Lower end of the group's own 90 % interval.
        high_90: Its upper end.
    """

    name: str
    n: int
    difference: float
    upper: float
    low_90: float
    high_90: float


@dataclass(frozen=True, kw_only=True)
class ReplayComparison:
    """All groups; the first one is all recordings."""

    differences: tuple[Difference, ...]

    @property
    def every(self) -> Difference:
        """All recordings."""
        return self.differences[0]

    @property
    def worse(self) -> list[Difference]:
        """Groups that are worse beyond doubt."""
        return [one for one in self.differences if one.upper < 0.0]


def compare_replay(replay: Replay, alpha: float, seed: int = 0) -> ReplayComparison:
    """Compare both bundles over all recordings and every group of at least ten.

    Args:
        replay: Recordings answered by both.
        alpha: Probability that any group is called worse where none is.
        seed: Of the draws.
    """
    gained = np.asarray(replay.challenger_right, np.float64) - np.asarray(replay.champion_right, np.float64)
    masks: dict[str, NDArray[np.bool_]] = {_ALL: np.ones(len(gained), np.bool_)}
    masks |= {name: mask for name, mask in replay.slices.items() if mask.sum() >= MIN_SLICE}
    weights = np.stack([mask / mask.sum() for mask in masks.values()])
    differences = weights @ gained
    counts = np.random.default_rng(seed).multinomial(len(gained), np.full(len(gained), 1 / len(gained)), _N_RESAMPLES)
    sizes = counts @ np.stack(list(masks.values()), axis=1).astype(np.float64)
    sums = counts @ np.stack([mask * gained for mask in masks.values()], axis=1)
    resampled = np.where(sizes > 0, sums / np.maximum(sizes, 1.0), differences)
    # A group whose answers hardly differ has no spread to speak of: that of one recording that differs.
    floor = np.array([1.0 / mask.sum() for mask in masks.values()])
    spread = np.maximum(resampled.std(axis=0), floor)
    largest = ((differences - resampled) / spread).max(axis=1)
    critical = float(np.quantile(largest, 1.0 - alpha))
    lows, highs = np.quantile(resampled, [0.05, 0.95], axis=0)
    return ReplayComparison(
        differences=tuple(
            Difference(
                name=name,
                n=int(mask.sum()),
                difference=float(differences[place]),
                upper=float(differences[place] + critical * spread[place]),
                low_90=float(lows[place]),
                high_90=float(highs[place]),
            )
            for place, (name, mask) in enumerate(masks.items())
        )
    )
