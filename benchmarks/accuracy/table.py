"""All folds together: every recording tested once, by models not trained on it; differences paired by recording."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.accuracy.folds import N_FOLDS, Reserve
from benchmarks.accuracy.jobs import (
    REFERENCES,
    SELF_TRAINED,
    SELF_TRAINING,
    WITHOUT,
    Run,
    ensemble_scores,
    fitted_ensemble,
)
from benchmarks.machine import machine
from silencio.config import STUDENT
from silencio.console import Console
from silencio.data.shards import targets
from silencio.evaluation.bootstrap import Bootstrap, interval
from silencio.evaluation.comparisons import compare
from silencio.evaluation.metrics import compute_metrics

N_RESAMPLES = 2_000
ENSEMBLE, UNAIDED = "ensemble", "ensemble without an encoder"
KEPT, UNAIDED_KEPT = "ensemble, every head kept", "ensemble without an encoder, every head kept"
PLAIN_BIRDNET = "logistic regression on birdnet at speed 1"
Scores = dict[str, NDArray[np.float64]]


def fold_scores(run: Run, reserve: Reserve, fold: int) -> tuple[Scores, dict[str, Any]]:
    """Everything that was tested on a fold, ensembles included, and how its ensembles were chosen."""
    kept: Scores = {}
    for job in (*run.config.heads, REFERENCES, STUDENT, SELF_TRAINING):
        if run.kept(fold, job).exists():
            with np.load(run.kept(fold, job)) as arrays:
                kept |= {name: arrays[name] for name in arrays.files}
    chosen: dict[str, Any] = {}
    unaided = [name for name, head in run.config.heads.items() if not head.encoder_names]
    for gated, every, members in ((ENSEMBLE, KEPT, list(run.config.heads)), (UNAIDED, UNAIDED_KEPT, unaided)):
        if members and all(member in kept for member in members):
            for name in (gated, every):
                _, ensemble = fitted_ensemble(run, reserve, fold, members, keep_all=name == every)
                kept[name] = ensemble_scores(run, fold, ensemble)
                chosen[name] = dict(zip(ensemble.heads, [round(weight, 3) for weight in ensemble.weights], strict=True))
    return kept, chosen


@dataclass(frozen=True)
class _Evaluated:
    """Recordings in the order of the scores that are held against each other."""

    reserve: Reserve
    table: pd.DataFrame

    @classmethod
    def of_folds(cls, reserve: Reserve, folds: Sequence[int]) -> _Evaluated:
        parts = [reserve.recordings[reserve.recordings["fold"] == fold].sort_values("recording_id") for fold in folds]
        return cls(reserve, pd.concat(parts, ignore_index=True))

    @cached_property
    def target(self) -> NDArray[np.float32]:
        return targets(self.table, self.reserve.classes.index)

    @cached_property
    def truth(self) -> NDArray[np.integer]:
        return np.array([self.reserve.classes.index[code] for code in self.table["primary_label"]])

    @cached_property
    def bootstrap(self) -> Bootstrap:
        return Bootstrap(len(self.table), N_RESAMPLES)

    def row(self, scores: NDArray[np.float64]) -> dict[str, Any]:
        metrics = compute_metrics(scores, self.target, self.table["primary_label"], self.reserve.classes)
        hit = (scores.argmax(axis=1) == self.truth).astype(float)
        return {
            "n_recordings": len(self.table),
            "top1": metrics.top1,
            "top1_interval": interval(self.bootstrap.mean(hit)),
            "macro_map": metrics.macro_map,
            "top1_by_class": {name: metrics["top1"] for name, metrics in metrics.by_class.items()},
        }

    def pair(self, ours: NDArray[np.float64], theirs: NDArray[np.float64], name: str) -> dict[str, list[float]]:
        return {
            one.metric: [one.difference, *one.interval]
            for one in compare(name, ours, theirs, self.target, self.truth, self.bootstrap)
        }


def summary(run: Run) -> dict[str, Any]:
    """The table as numbers. A row is of the folds that it was tested on, a pair of those that both were."""
    reserve = run.reserve()
    kept = {fold: fold_scores(run, reserve, fold) for fold in range(N_FOLDS)}
    folds_of: dict[str, list[int]] = {}
    for fold, (scores, _) in kept.items():
        for name in scores:
            folds_of.setdefault(name, []).append(fold)

    @cache
    def evaluated(folds: tuple[int, ...]) -> _Evaluated:
        return _Evaluated.of_folds(reserve, folds)

    def joined(name: str, folds: Sequence[int]) -> NDArray[np.float64]:
        return np.concatenate([kept[fold][0][name] for fold in folds])

    rows = {name: evaluated(tuple(folds)).row(joined(name, folds)) for name, folds in folds_of.items()}
    pairs = {}
    for ours, theirs in _pairs(list(folds_of)):
        if common := [fold for fold in folds_of[ours] if fold in folds_of[theirs]]:
            of = joined(ours, common), joined(theirs, common)
            pairs[f"{ours} - {theirs}"] = evaluated(tuple(common)).pair(*of, theirs)
    return {
        "machine": machine(),
        "n_folds": max((len(folds) for folds in folds_of.values()), default=0),
        "n_recordings": len(reserve.recordings),
        "n_species": len(reserve.classes),
        "rows": rows,
        "pairs": pairs,
        "chosen": {fold: chosen for fold, (_, chosen) in kept.items() if chosen},
        "seconds": {fold: _seconds(run, fold) for fold in kept},
    }


def _pairs(names: Sequence[str]) -> list[tuple[str, str]]:
    """What is compared: the ensemble with everything, and what the bars are of."""
    pairs = [(ENSEMBLE, name) for name in names if ENSEMBLE in names and name != ENSEMBLE]
    wanted = [(STUDENT, PLAIN_BIRDNET), (SELF_TRAINED, WITHOUT), (UNAIDED, PLAIN_BIRDNET)]
    return pairs + [pair for pair in wanted if set(pair) <= set(names)]


def _seconds(run: Run, fold: int) -> dict[str, float]:
    return {
        path.stem: json.loads(path.read_text(encoding="utf-8"))["seconds"]
        for path in sorted(run.fold(fold).glob("*.json"))
    }


def show(facts: Mapping[str, Any]) -> None:
    """One row a model, the best first."""
    title = (
        f"{facts['n_folds']} folds by recording, {facts['n_recordings']} recordings of {facts['n_species']} "
        f"species, {facts['machine']['date']}, {facts['machine']['processor']}"
    )
    kinds = sorted({kind for row in facts["rows"].values() for kind in row["top1_by_class"]})
    table = Table(
        "model",
        "recordings",
        "top-1",
        "95 %",
        "macro mAP",
        *kinds,
        "ensemble's lead in top-1, paired 95 %",
        title=title,
    )
    for name, row in sorted(facts["rows"].items(), key=lambda entry: -entry[1]["top1"]):
        lead = facts["pairs"].get(f"{ENSEMBLE} - {name}", {}).get("top1")
        table.add_row(
            name,
            str(row["n_recordings"]),
            f"{row['top1']:.3f}",
            "{:.3f} to {:.3f}".format(*row["top1_interval"]),
            f"{row['macro_map']:.3f}",
            *(f"{row['top1_by_class'].get(kind, float('nan')):.3f}" for kind in kinds),
            "" if lead is None else "{:+.3f}, {:+.3f} to {:+.3f}".format(*lead),
        )
    Console(piped_cells=180).print(table)
