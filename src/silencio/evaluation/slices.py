"""Slices: parts of the test recordings on which a good average may hide a bad model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from silencio.evaluation.bootstrap import Bootstrap, interval, interval_around
from silencio.evaluation.metrics import average_precisions, mean_of_present
from silencio.local_time import Zone, local_time
from silencio.taxonomy import ClassList


class SliceConfig(BaseModel):
    """Where slices are cut.

    Attributes:
        rare_recordings: A species with at most so many training recordings is rare.
        low_snr_db: A recording whose estimated signal-to-noise ratio is below is a noisy one.
        night_from_h: Local hour at which night begins.
        night_to_h: Local hour at which it ends.
        time_zone: IANA name (`America/Bogota`) of the recordings' zone, by which times with `Z` or an offset become
            local; without it the sun decides by longitude (`silencio.local_time`). Other times are local as they are.
        n_confusable_pairs: Most pairs of species that validation confuses.
        min_recordists: Recordist-disjoint metrics are for species with at least so many recordists or sites.
        counts_from: A slice with fewer recordings is shown, and decides nothing.
        n_worst: Species in the list of the worst.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    rare_recordings: int = Field(3, ge=1)
    low_snr_db: float = 12.0
    night_from_h: int = Field(18, ge=0, le=23)
    night_to_h: int = Field(6, ge=0, le=23)
    time_zone: Zone | None = None
    n_confusable_pairs: int = Field(10, ge=1)
    min_recordists: int = Field(3, ge=2)
    counts_from: int = Field(10, ge=1)
    n_worst: int = Field(20, ge=1)


@dataclass(frozen=True)
class SliceMetrics:
    """How the model does on one slice.

    Attributes:
        name: Name of the slice.
        n_recordings: Number of recordings in it.
        n_species: Number of species in it, as primary label.
        top1: Share whose highest score is the primary label.
        top1_interval: 95 %, by bootstrap over recordings.
        macro_map: Macro mAP over the species that occur in it.
        macro_map_interval: 95 %, by bootstrap over recordings.
        counted: Large enough to decide; with a champion, as far as the two can be compared.
        change: Top-1 against the champion's on the same recordings; None without a champion.
        change_interval: 95 %, paired.
        n_compared: Recordings of the slice on which `change` is; None without a champion.
        simultaneous_upper: Upper bound of `change` at 95 % that holds for all counted slices and for all test
            recordings together (`silencio.evaluation.champion_family`); None without a champion, for a slice that does
            not count, and in files of earlier versions.
    """

    name: str
    n_recordings: int
    n_species: int
    top1: float
    top1_interval: tuple[float, float]
    macro_map: float
    macro_map_interval: tuple[float, float]
    counted: bool
    change: float | None = None
    change_interval: tuple[float, float] | None = None
    n_compared: int | None = None
    simultaneous_upper: float | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> SliceMetrics:
        """From JSON."""
        facts: dict[str, Any] = {k: tuple(value) if isinstance(value, list) else value for k, value in values.items()}
        return cls(**facts)


def slice_masks(
    table: pd.DataFrame,
    training: pd.DataFrame,
    pairs: Sequence[tuple[str, str]],
    classes: ClassList,
    config: SliceConfig,
) -> dict[str, NDArray[np.bool_]]:
    """Which test recordings are in which slice; slices of which nothing is known are left out.

    Args:
        table: Test recordings with `primary_label`, `secondary_labels`, `snr_db`, and where known `author`, `site`,
            `recorded_at` (ISO 8601; local, or with `Z` or an offset) and `longitude`.
        training: Training recordings with `primary_label`, and where known `author` and `site`.
        pairs: Confusable pairs of codes, from validation.
        classes: Class list, for the taxon classes.
        config: Bounds of the slices.
    """
    label = table["primary_label"]
    taxon = label.map({species.code: species.class_name for species in classes})
    n_training = label.map(training["primary_label"].value_counts()).fillna(0)
    masks = {f"taxon class {name}": taxon == name for name in sorted(set(taxon))}
    masks["rare species"] = n_training <= config.rare_recordings
    masks["low signal-to-noise ratio"] = table["snr_db"] < config.low_snr_db
    masks["several species"] = table["secondary_labels"].map(len) > 0
    masks["confusable pairs"] = label.isin({code for pair in pairs for code in pair})
    night = _is_night(table, config)
    if night is not None:
        masks["night"] = night
    for column, name in (("author", "new recordist"), ("site", "new site")):
        if column in table and column in training:
            masks[name] = _is_new(table, training, column, config.min_recordists)
    return {name: np.asarray(mask, bool) for name, mask in masks.items() if mask.any()}


def evaluate_slices(
    masks: dict[str, NDArray[np.bool_]],
    scores: NDArray[np.floating],
    target: NDArray[np.floating],
    truth: NDArray[np.integer],
    bootstrap: Bootstrap,
    config: SliceConfig,
    champion_hit: NDArray[np.floating] | None = None,
) -> list[SliceMetrics]:
    """Metrics and intervals of every slice.

    Args:
        masks: Masks from `slice_masks`.
        scores: (n_recordings, n_classes).
        target: 0 or 1, of the same shape.
        truth: Position of each primary label.
        bootstrap: The resamples of all test recordings.
        config: When a slice counts.
        champion_hit: Whether the champion is right, (n_recordings,); not a number where it cannot be scored.
    """
    hit = (scores.argmax(axis=1) == truth).astype(np.float64)
    metrics = []
    for name, mask in masks.items():
        inside = bootstrap.of(mask)
        change, change_interval, n_compared = None, None, None
        if champion_hit is not None and np.isfinite(champion_hit[mask]).any():
            both = mask & np.isfinite(champion_hit)
            difference, n_compared = hit[both] - champion_hit[both], int(both.sum())
            change, change_interval = float(difference.mean()), interval(bootstrap.of(both).mean(difference))
        macro_map = mean_of_present(average_precisions(scores[mask], target[mask]))
        metrics.append(
            SliceMetrics(
                name=name,
                n_recordings=int(mask.sum()),
                n_species=len(set(truth[mask])),
                top1=float(hit[mask].mean()),
                top1_interval=interval(inside.mean(hit[mask])),
                macro_map=macro_map,
                macro_map_interval=interval_around(macro_map, inside.macro_map(scores[mask], target[mask])),
                counted=(n_compared or int(mask.sum())) >= config.counts_from,
                change=change,
                change_interval=change_interval,
                n_compared=n_compared,
            )
        )
    return metrics


def confusable_pairs(
    scores: NDArray[np.floating], primary: Sequence[str], classes: ClassList, n_pairs: int
) -> list[tuple[str, str]]:
    """The pairs of species that are taken for each other most often, either way; ask it of validation only."""
    counts: Counter[tuple[str, str]] = Counter()
    for code, best in zip(primary, scores.argmax(axis=1), strict=True):
        predicted = classes.codes[int(best)]
        if predicted != code:
            counts[(min(code, predicted), max(code, predicted))] += 1
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return [pair for pair, _ in ordered[:n_pairs]]


def species_table(
    scores: NDArray[np.floating], target: NDArray[np.floating], truth: NDArray[np.integer], classes: ClassList
) -> pd.DataFrame:
    """Each species that occurs, the worst first: average precision, top-1 and what it is taken for most often."""
    precision, best = average_precisions(scores, target), scores.argmax(axis=1)
    rows = []
    for position, species in enumerate(classes):
        own = truth == position
        if not own.any():
            continue
        wrong = Counter(int(other) for other in best[own] if other != position).most_common(1)
        rows.append(
            {
                "species": species.code,
                "common name": species.common_name,
                "taxon class": species.class_name,
                "recordings": int(own.sum()),
                "average precision": float(precision[position]),
                "top-1": float((best[own] == position).mean()),
                "taken for": classes.codes[wrong[0][0]] if wrong else "",
            }
        )
    return pd.DataFrame(rows).sort_values(["average precision", "top-1", "species"], ignore_index=True)


def _is_night(table: pd.DataFrame, config: SliceConfig) -> pd.Series[bool] | None:
    if "recorded_at" not in table:
        return None
    zone = ZoneInfo(config.time_zone) if config.time_zone else None
    longitudes = table["longitude"] if "longitude" in table else [None] * len(table)
    hours = pd.Series(
        [_hour(text, degrees, zone) for text, degrees in zip(table["recorded_at"], longitudes, strict=True)],
        index=table.index,
    )
    if not (hours >= 0).any():
        return None
    wraps = config.night_from_h > config.night_to_h
    late, early = hours >= config.night_from_h, (hours >= 0) & (hours < config.night_to_h)
    return (late | early) if wraps else (late & early)


def _hour(text: str, longitude: float | None, zone: ZoneInfo | None) -> int:
    """Local hour, or -1 where no local time of day is known."""
    try:
        when = local_time(datetime.fromisoformat(text), longitude, zone) if "T" in text or " " in text else None
    except (TypeError, ValueError):
        return -1
    return -1 if when is None else when.hour


def _is_new(table: pd.DataFrame, training: pd.DataFrame, column: str, min_groups: int) -> pd.Series[bool]:
    """Recordings of a species with several recordists (or sites) by one of whom training has none of it."""
    known = training[training[column].fillna("") != ""]
    trained_on = set(zip(known["primary_label"], known[column], strict=True))
    both = pd.concat([table, training])[["primary_label", column]]
    several = both[both[column].fillna("") != ""].groupby("primary_label")[column].nunique()
    wide = set(several[several >= min_groups].index)
    return pd.Series(
        [
            bool(group) and label in wide and (label, group) not in trained_on
            for label, group in zip(table["primary_label"], table[column].fillna(""), strict=True)
        ],
        index=table.index,
    )
