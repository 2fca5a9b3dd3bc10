"""Which region of a window drove a prediction: the probability without it, held against the one with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from silencio.explanations.regions import Occluder, RegionGrid
from silencio.features import FeatureSpec

# Windows that are made and scored at once: a few megabytes of spectra each.
_BATCH = 8

WindowScorer = Callable[[NDArray[np.int16]], NDArray[np.float32]]
"""int16 (n_windows, window_samples) to the probabilities of a class, (n_windows,)."""


@dataclass(frozen=True)
class Explanation:
    """What of a window a prediction rests on.

    Attributes:
        importance: How much of the probability rests on a cell (`explain_window`), (n_freq_cells, n_time_cells), the
            lowest frequency first; below zero where it speaks against the class.
        probability: Probability of the class, with the whole window.
        freq_edges_hz: Edges of the cells, rising, (n_freq_cells + 1,).
        time_edges_s: Edges of the cells, from the window's beginning, rising, (n_time_cells + 1,).
        n_scored: Windows that the model has scored for it.
    """

    importance: NDArray[np.float64]
    probability: float
    freq_edges_hz: NDArray[np.float64]
    time_edges_s: NDArray[np.float64]
    n_scored: int


def explain_window(
    window: NDArray[np.int16], spec: FeatureSpec, score: WindowScorer, grid: RegionGrid | None = None
) -> Explanation:
    """Occlude the cells of a window, and its whole bands and moments (Zeiler & Fergus 2014, in time and frequency).

    A call that is repeated drives a prediction though no single cell of it is needed; its band is. So a cell's
    importance is the mean of five changes of the probability: by how much it falls without the cell, without its band
    over the whole window, and without its moment over all frequencies; and by how much it rises above that of the
    quiet background where nothing but its band, or nothing but its moment, is left.

    Args:
        window: int16, (window_samples,), at the specification's rate.
        spec: Feature specification of the model.
        score: Probability of the class that is explained.
        grid: How the window is divided.

    Raises:
        DataError: It is no such window, or is silent.
    """
    grid = grid or RegionGrid()
    occluder = Occluder(window, spec, grid)
    n_freq, n_time = grid.shape
    cells = np.eye(grid.n_cells, dtype=bool).reshape(-1, n_freq, n_time)
    bands = np.repeat(np.eye(n_freq, dtype=bool)[:, :, None], n_time, axis=2)
    moments = np.repeat(np.eye(n_time, dtype=bool)[:, None, :], n_freq, axis=1)
    whole, quiet = np.zeros((1, n_freq, n_time), bool), np.ones((1, n_freq, n_time), bool)
    regions = np.concatenate([whole, quiet, cells, bands, moments, ~bands, ~moments])
    scored = score_without(occluder, regions, score)
    before, background = scored[:2]
    sizes = np.cumsum([grid.n_cells, n_freq, n_time, n_freq])
    without_cell, without_band, without_moment, only_band, only_moment = np.split(scored[2:], sizes)
    of_cell = before - without_cell.reshape(n_freq, n_time)
    of_band = before - without_band + only_band - background
    of_moment = before - without_moment + only_moment - background
    importance = (of_cell + of_band[:, None] + of_moment[None, :]) / 5.0
    return Explanation(
        importance, float(before), grid.freq_edges_hz(spec), grid.time_edges_s(spec), n_scored=len(regions)
    )


def score_without(occluder: Occluder, regions: NDArray[np.bool_], score: WindowScorer) -> NDArray[np.float64]:
    """Probabilities of a window without each of some regions.

    Args:
        occluder: The window.
        regions: (n_regions, n_freq_cells, n_time_cells).
        score: Probability of the class that is explained.

    Returns:
        (n_regions,).
    """
    parts = [score(occluder.without(regions[i : i + _BATCH])) for i in range(0, len(regions), _BATCH)]
    return np.concatenate(parts).astype(np.float64)
