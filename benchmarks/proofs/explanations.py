"""Explanations on real bundles: their deletion curves against random orders, what the fill is worth, what they cost.

Bundles are those of the environment's SILENCIO_EXPLAINED, name=folder or name=folder=recordings at most, several parted
by blanks; by default what `make demo` has made. Of each, recordings that it was made from and names rightly are
explained, their most probable window.
"""

from __future__ import annotations

import os
import time
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.proofs.units import Units
from silencio.bundle import Bundle, Scorer
from silencio.bundle.manifest import DATA
from silencio.data.recordings import read_recordings
from silencio.explanations.bundle_scores import WindowProbabilities
from silencio.explanations.deletion import deletion_test
from silencio.explanations.occlusion import WindowScorer, explain_window, score_without
from silencio.explanations.regions import Occluder, RegionGrid
from silencio.storage import local_path

_MAX_RECORDINGS = 30
_MIN_PROBABILITY = 0.5
_N_ORDERS = 5
_N_QUIET_SUBSETS = 8
_QUIET_SHARE = 0.4
_N_RESAMPLES = 2000
_GRID = RegionGrid()


class _ZeroFilled(Occluder):
    """What is taken out becomes nothing at all."""

    @cached_property
    def _loss(self) -> NDArray[np.float64]:
        return np.ones(self._spectrum.shape)


def prove(units: Units) -> dict[str, Any]:
    """By bundle."""
    named = os.environ.get("SILENCIO_EXPLAINED", "demo=out/demo/bundle").split()
    found = {}
    for one in named:
        name, folder, *limit = one.split("=")
        found[name] = _of_bundle(units, Path(folder), int(limit[0]) if limit else _MAX_RECORDINGS)
    return found


def _of_bundle(units: Units, folder: Path, max_recordings: int) -> dict[str, Any]:
    scorer = Scorer(Bundle(folder), n_threads=1)
    table = read_recordings(folder / DATA).sort_values("sha256", ignore_index=True)
    rows: list[dict[str, float]] = []
    for number in range(len(table)):
        if len(rows) == max_recordings:
            break
        one = table.iloc[number]
        name = f"{scorer.bundle.manifest.version}-{one['sha256'][:12]}"
        if found := units.do(name, lambda one=one: _of_recording(scorer, one)):  # type: ignore[misc]
            rows.append(found)
    return _facts(pd.DataFrame(rows), scorer)


def _of_recording(scorer: Scorer, row: pd.Series) -> dict[str, float] | None:
    spec, column = scorer.front_end.spec, scorer.bundle.manifest.classes.index[row["primary_label"]]
    windows = scorer.front_end.windows(scorer.front_end.waveform(local_path(row["path"])))
    probabilities = WindowProbabilities(scorer.graph, spec)
    scored = probabilities(windows)
    best = int(scored[:, column].argmax())
    if scored[best].argmax() != column or scored[best, column] < _MIN_PROBABILITY or np.ptp(windows[best]) == 0:
        return None
    window, score = windows[best], probabilities.of_class(column)
    begin_s = time.process_time()
    found = explain_window(window, spec, score, _GRID)
    cpu_s = time.process_time() - begin_s
    occluder = Occluder(window, spec, _GRID)
    curve = deletion_test(occluder, found.importance, score, n_orders=_N_ORDERS)
    quiet = _quiet_regions(occluder)
    return {
        "probability": found.probability,
        "area": curve.area,
        "random_area": float(curve.random_areas.mean()),
        "n_scored": found.n_scored,
        "cpu_s": cpu_s,
        "quiet_change_by_floor": _change(occluder, quiet, score, found.probability),
        "quiet_change_by_zeros": _change(_ZeroFilled(window, spec, _GRID), quiet, score, found.probability),
    }


def _quiet_regions(occluder: Occluder) -> NDArray[np.bool_]:
    """Halves of the cells with the least sound: without them, a prediction ought to stay."""
    energy = np.square(occluder._parts.astype(np.float64)).sum(axis=1)
    quiet = np.argsort(energy)[: int(_QUIET_SHARE * energy.size)]
    rng = np.random.default_rng(0)
    regions = np.zeros((_N_QUIET_SUBSETS, energy.size), bool)
    for region in regions:
        region[rng.permutation(quiet)[: len(quiet) // 2]] = True
    return regions.reshape(-1, *occluder.grid.shape)


def _change(occluder: Occluder, regions: NDArray[np.bool_], score: WindowScorer, before: float) -> float:
    return float(np.abs(score_without(occluder, regions, score) - before).mean())


def _facts(rows: pd.DataFrame, scorer: Scorer) -> dict[str, Any]:
    gains = (rows["random_area"] - rows["area"]).to_numpy()
    rng = np.random.default_rng(0)
    means = rng.choice(gains, (_N_RESAMPLES, len(gains))).mean(axis=1)
    return {
        "heads": [f"{head.name} ({head.input_name})" for head in scorer.bundle.manifest.heads],
        "n_recordings": len(rows),
        "area": round(float(rows["area"].mean()), 3),
        "random_area": round(float(rows["random_area"].mean()), 3),
        "gain": round(float(gains.mean()), 3),
        "gain_interval": [round(float(value), 3) for value in np.quantile(means, [0.025, 0.975])],
        "better_than_random_share": round(float((gains > 0).mean()), 3),
        "quiet_change_by_floor": round(float(rows["quiet_change_by_floor"].mean()), 4),
        "quiet_change_by_zeros": round(float(rows["quiet_change_by_zeros"].mean()), 4),
        "windows_scored_an_explanation": int(rows["n_scored"].iloc[0]),
        "median_cpu_s_an_explanation": round(float(rows["cpu_s"].median()), 2),
    }
