"""Metrics over soundscapes: how well species are found, by level and overlap, and what is named where nothing is."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from silencio.evaluation.bootstrap import Bootstrap, interval
from silencio.evaluation.metrics import average_precisions, mean_of_present, padded_cmap, roc_aucs
from silencio.evaluation.plain import plain
from silencio.evaluation.soundscapes import SoundscapeScores

SNR_BINS_DB = (-math.inf, 0.0, 10.0, math.inf)


@dataclass(frozen=True)
class Found:
    """How often species that are in a row are found there. A pair is one species in one row.

    Attributes:
        name: Name of the pairs.
        n_pairs: Number of pairs.
        n_species: Different ones among them.
        in_top: Share of pairs whose species is among the row's n highest scores, n being its number of species; for a
            row of one species this is top-1.
        outranks: Mean share of the rows without the species that score lower for it: ROC-AUC of these pairs, each with
            equal weight. It does not depend on how many pairs there are, so bins can be compared.
        recall: Share of pairs at or above the species' threshold; None without thresholds.
    """

    name: str
    n_pairs: int
    n_species: int
    in_top: float
    outranks: float
    recall: float | None


@dataclass(frozen=True)
class FalseAlarms:
    """Species named in rows that no annotated animal touches.

    Attributes:
        name: `made` backgrounds hold no animal for certain; `real` ones may hold some that nobody labelled.
        n_rows: How many such rows.
        hours: Hours of sound in them.
        per_hour: Species named, row by row; None without thresholds or rows.
    """

    name: str
    n_rows: int
    hours: float
    per_hour: float | None


@dataclass(frozen=True)
class SoundscapeMetrics:
    """Metrics over the rows of all soundscapes.

    Attributes:
        macro_map: Mean average precision over the species that occur.
        macro_map_interval: 95 %, by bootstrap over soundscapes: rows of one soundscape are no independent evidence.
        padded_cmap: BirdCLEF 2023's padded class-wise mean average precision.
        macro_roc_auc: BirdCLEF 2024's and 2025's metric, over the species that occur.
        micro_f1: F1 of all (row, species) decisions at the thresholds; None without them.
        by_snr: How many are found by level of the call over the background; bins without pairs are left out.
        by_overlap: Rows with one species, and with several.
        false_alarms: Species named where nothing is, by kind of background.
        n_soundscapes: Number of soundscapes.
        n_rows: Number of rows.
        n_species: Number of species that occur.
        hours: Hours of sound.
    """

    macro_map: float
    macro_map_interval: tuple[float, float]
    padded_cmap: float
    macro_roc_auc: float
    micro_f1: float | None
    by_snr: tuple[Found, ...]
    by_overlap: tuple[Found, ...]
    false_alarms: tuple[FalseAlarms, ...]
    n_soundscapes: int
    n_rows: int
    n_species: int
    hours: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; what is not a number is null."""
        return dict(plain(asdict(self)))


def evaluate_soundscapes(
    scores: SoundscapeScores, thresholds: NDArray[np.floating] | None = None, n_resamples: int = 1000, seed: int = 0
) -> SoundscapeMetrics:
    """Compute all metrics.

    Args:
        scores: Scores from `score_soundscapes`.
        thresholds: Probability from which on a species counts as named, (n_classes,), or (n_rows, n_classes).
        n_resamples: Number of bootstrap resamples.
        seed: Seed of the bootstrap.
    """
    from sklearn.metrics import f1_score  # takes a second, and every step that reads a policy comes by here

    target, rows = scores.targets.astype(np.float32), scores.rows
    named = None if thresholds is None else scores.scores >= thresholds
    pairs = _pairs(scores, named)
    bins = pairwise(SNR_BINS_DB)
    by_snr = [_found(_bin_name(low, high), pairs[(pairs.snr_db >= low) & (pairs.snr_db < high)]) for low, high in bins]
    by_overlap = [
        _found("one species", pairs[pairs.n_species == 1]),
        _found("several species", pairs[pairs.n_species > 1]),
    ]
    of_soundscape = rows["soundscape"].factorize()[0]
    drawn = Bootstrap(len(scores.soundscapes), n_resamples, seed).counts[:, of_soundscape]
    occurs = scores.targets.any(axis=0)
    macro_map = mean_of_present(average_precisions(scores.scores, target))
    resampled = Bootstrap(len(rows), counts=drawn).macro_map(scores.scores, target) if occurs.any() else np.empty(0)
    # A soundscape drawn twice repeats its few calls, which lifts average precision by itself (by .03 to .05 here, so
    # that the metric fell out of its own interval): the spread is taken, around the metric.
    low, high = np.clip(interval(resampled - mean_of_present(resampled) + macro_map), 0.0, 1.0)
    return SoundscapeMetrics(
        macro_map=macro_map,
        macro_map_interval=(float(low), float(high)),
        padded_cmap=padded_cmap(scores.scores, target),
        macro_roc_auc=mean_of_present(roc_aucs(scores.scores, target)),
        micro_f1=None if named is None else float(f1_score(scores.targets, named, average="micro", zero_division=0.0)),
        by_snr=tuple(metrics for metrics in by_snr if metrics.n_pairs),
        by_overlap=tuple(metrics for metrics in by_overlap if metrics.n_pairs),
        false_alarms=tuple(_false_alarms(name, rows, named) for name in sorted(set(rows["background"]))),
        n_soundscapes=len(scores.soundscapes),
        n_rows=len(rows),
        n_species=int(occurs.sum()),
        hours=_hours(rows),
    )


def _pairs(scores: SoundscapeScores, named: NDArray[np.bool_] | None) -> pd.DataFrame:
    """One row for each species in each row of a soundscape."""
    row, column = np.nonzero(scores.targets)
    own = scores.scores[row, column]
    n_species = scores.targets.sum(axis=1)[row]
    # Equal scores are chance: all of them stand before the right one.
    rank = (scores.scores[row] >= own[:, None]).sum(axis=1)
    outranks = np.full(len(row), np.nan)
    for position in np.unique(column):
        absent = np.sort(scores.scores[~scores.targets[:, position], position])
        mine = column == position
        if len(absent):
            lower = np.searchsorted(absent, own[mine], "left") + np.searchsorted(absent, own[mine], "right")
            outranks[mine] = lower / (2 * len(absent))
    return pd.DataFrame(
        {
            "column": column,
            "n_species": n_species,
            "snr_db": scores.snr_db[row, column],
            "in_top": rank <= n_species,
            "outranks": outranks,
            "named": np.nan if named is None else named[row, column].astype(float),
        }
    )


def _found(name: str, pairs: pd.DataFrame) -> Found:
    recall = float(pairs["named"].mean())
    return Found(
        name=name,
        n_pairs=len(pairs),
        n_species=int(pairs["column"].nunique()),
        in_top=float(pairs["in_top"].mean()),
        outranks=float(pairs["outranks"].mean()),
        recall=None if math.isnan(recall) else recall,
    )


def _bin_name(low_db: float, high_db: float) -> str:
    if math.isinf(low_db):
        return f"below {high_db:g} dB"
    return f"{low_db:g} dB and more" if math.isinf(high_db) else f"{low_db:g} to {high_db:g} dB"


def _false_alarms(background: str, rows: pd.DataFrame, named: NDArray[np.bool_] | None) -> FalseAlarms:
    empty = ((rows["background"] == background) & ~rows["has_animal"]).to_numpy()
    hours = _hours(rows[empty])
    per_hour = None if named is None or not hours else float(named[empty].sum()) / hours
    return FalseAlarms(background, int(empty.sum()), hours, per_hour)


def _hours(rows: pd.DataFrame) -> float:
    return float((rows["end_s"] - rows["begin_s"]).sum()) / 3600.0
