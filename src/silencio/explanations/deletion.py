"""Whether an explanation is right: regions taken out by its order must cost more than regions taken out at random."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from silencio.explanations.occlusion import WindowScorer, score_without
from silencio.explanations.regions import Occluder

_N_STEPS = 16


@dataclass(frozen=True)
class DeletionTest:
    """The deletion curve of an explanation (Petsiuk et al. 2018, RISE), and of random orders beside it.

    Attributes:
        shares: Share of the cells that is taken out, from 0 to 1, (n_steps,).
        by_importance: Probability without them, most important first, (n_steps,).
        at_random: The same in random orders, (n_orders, n_steps).
    """

    shares: NDArray[np.float64]
    by_importance: NDArray[np.float64]
    at_random: NDArray[np.float64]

    @property
    def area(self) -> float:
        """Below the curve by importance: a small one is good."""
        return float(np.trapezoid(self.by_importance, self.shares))

    @property
    def random_areas(self) -> NDArray[np.float64]:
        """Below the curves of random orders, (n_orders,)."""
        return np.asarray(np.trapezoid(self.at_random, self.shares, axis=1))

    @property
    def gain(self) -> float:
        """How much smaller the area is than the mean of random orders."""
        return float(self.random_areas.mean()) - self.area


def deletion_test(
    occluder: Occluder, importance: NDArray[np.float64], score: WindowScorer, *, n_orders: int = 5, seed: int = 0
) -> DeletionTest:
    """Take out a window's cells, most important first, and in random orders.

    Args:
        occluder: The window.
        importance: (n_freq_cells, n_time_cells).
        score: Probability of the class that is explained.
        n_orders: Number of random orders.
        seed: Seed of them.
    """
    rng = np.random.default_rng(seed)
    orders = [np.argsort(-importance, axis=None, kind="stable")]
    orders += [rng.permutation(importance.size) for _ in range(n_orders)]
    n_out = np.unique(np.linspace(0, importance.size, _N_STEPS).round().astype(int))
    curves = np.stack([score_without(occluder, _prefixes(order, n_out, occluder), score) for order in orders])
    return DeletionTest(n_out / importance.size, curves[0], curves[1:])


def _prefixes(order: NDArray[np.int64], n_out: NDArray[np.int64], occluder: Occluder) -> NDArray[np.bool_]:
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return (rank < n_out[:, None]).reshape(-1, *occluder.grid.shape)
