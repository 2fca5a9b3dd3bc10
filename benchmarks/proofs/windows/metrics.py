"""From predictions of windows to metrics of recordings, paired by recording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.accuracy.folds import N_FOLDS
from benchmarks.proofs.windows.heads import Predictions
from benchmarks.proofs.windows.sound import RULES, Rule, Sound, cut_of, window_shares
from silencio.data.shards import ShardSet, targets
from silencio.detections.merging import merge_windows
from silencio.evaluation.bootstrap import Bootstrap, interval
from silencio.evaluation.comparisons import compare
from silencio.evaluation.metrics import average_precisions, mean_of_present
from silencio.evaluation.thresholds import fit_thresholds

N_RESAMPLES = 2_000
_PAIRS: tuple[tuple[Rule, Rule], ...] = (
    ("weighted", "padded"),
    ("left_out", "padded"),
    ("moved_back", "padded"),
    ("moved_back", "weighted"),
    ("moved_back", "left_out"),
)
_DIGITS = 4
# What is shorter names a species by less sound than a call of most of them has.
_SHORT_S = 1.0


def rest_metrics(sound: Sound) -> dict[str, Any]:
    """How many recordings have a rest, and how long it is."""
    shards = sound.shards("padded")
    window, rate_hz = shards.spec.window_samples, shards.spec.sample_rate_hz
    n_samples = np.array([len(waveform) for waveform in shards])
    rest_s = np.where(n_samples > window, n_samples % window, 0) / rate_hz
    return {
        "n_recordings": len(n_samples),
        "n_species": len(sound.reserve.classes),
        "hours": _rounded(float(n_samples.sum()) / rate_hz / 3600),
        "n_with_rest": int((rest_s > 0).sum()),
        "n_rests_below_1_s": int(((rest_s > 0) & (rest_s < _SHORT_S)).sum()),
        "n_rests_below_a_quarter": int(((rest_s > 0) & (rest_s < window / rate_hz / 4)).sum()),
    }


def head_metrics(sound: Sound, predictions: Mapping[Rule, Sequence[Predictions]]) -> dict[str, Any]:
    """Every rule's metrics, and differences of two rules, paired by recording."""
    outcomes = {rule: _Outcome.of(sound, rule, predictions[rule]) for rule in RULES}
    return {
        "rules": {rule: one.row() for rule, one in outcomes.items()},
        "changes": {f"{ours} - {theirs}": outcomes[ours].against(outcomes[theirs]) for ours, theirs in _PAIRS},
    }


@dataclass(frozen=True)
class _Outcome:
    """A head under a rule, recordings of all folds one after the other.

    Attributes:
        table: Table of the recordings.
        scores: (n_recordings, n_classes).
        target: 0 or 1, of the same shape.
        truth: Position of each primary label.
        false_alarms: Detections of species that are no label of the recording, (n_recordings,).
        short_alarms: Those of them of less than a second.
        is_named: Whether the primary label is named.
        hours: (n_recordings,).
    """

    table: pd.DataFrame
    scores: NDArray[np.float64]
    target: NDArray[np.float32]
    truth: NDArray[np.int64]
    false_alarms: NDArray[np.float64]
    short_alarms: NDArray[np.float64]
    is_named: NDArray[np.float64]
    hours: NDArray[np.float64]

    @classmethod
    def of(cls, sound: Sound, rule: Rule, predictions: Sequence[Predictions]) -> _Outcome:
        folds = [_Fold(sound.fold(cut_of(rule), fold, "test"), rule, predictions[fold]) for fold in range(N_FOLDS)]
        index = sound.reserve.classes.index
        target = [targets(one.test_set.table, index) for one in folds]
        alarms = [
            folds[fold].alarms(_thresholds(sound, folds, target, without=fold), target[fold]) for fold in range(N_FOLDS)
        ]
        table = pd.concat([one.test_set.table for one in folds], ignore_index=True)
        return cls(
            table=table,
            scores=np.concatenate([one.scores for one in folds]),
            target=np.concatenate(target),
            truth=np.array([index[code] for code in table["primary_label"]]),
            false_alarms=np.concatenate([one[:, 0] for one in alarms]),
            short_alarms=np.concatenate([one[:, 1] for one in alarms]),
            is_named=np.concatenate([one[:, 2] for one in alarms]),
            hours=np.concatenate([one.hours for one in folds]),
        )

    @cached_property
    def hit(self) -> NDArray[np.float64]:
        return (self.scores.argmax(axis=1) == self.truth).astype(float)

    def row(self) -> dict[str, Any]:
        return {
            "top1": _rounded(self.hit.mean()),
            "n_right": int(self.hit.sum()),
            "macro_map": _rounded(mean_of_present(average_precisions(self.scores, self.target))),
            "named_share": _rounded(self.is_named.mean()),
            "false_alarms_per_hour": _rounded(self.false_alarms.sum() / self.hours.sum()),
            "short_false_alarms_per_hour": _rounded(self.short_alarms.sum() / self.hours.sum()),
        }

    def against(self, other: _Outcome) -> dict[str, Any]:
        """Ours minus theirs: the difference and its 95 % interval."""
        if list(self.table["recording_id"]) != list(other.table["recording_id"]):
            raise ValueError("two rules were evaluated on different recordings")
        bootstrap = Bootstrap(len(self.table), N_RESAMPLES)
        pairs = compare("the other rule", self.scores, other.scores, self.target, self.truth, bootstrap)
        changes = {one.metric: [_rounded(one.difference), *map(_rounded, one.interval)] for one in pairs}
        hours = bootstrap.counts @ self.hours
        for name, ours, theirs in (
            ("false_alarms_per_hour", self.false_alarms, other.false_alarms),
            ("short_false_alarms_per_hour", self.short_alarms, other.short_alarms),
        ):
            drawn = (bootstrap.counts @ (ours - theirs)) / hours
            changes[name] = [_rounded((ours - theirs).sum() / self.hours.sum()), *map(_rounded, interval(drawn))]
        named = self.is_named - other.is_named
        changes["named_share"] = [_rounded(named.mean()), *map(_rounded, interval(bootstrap.mean(named)))]
        gained, lost = int((self.hit > other.hit).sum()), int((self.hit < other.hit).sum())
        return {**changes, "n_gained": gained, "n_lost": lost}


class _Fold:
    """Predictions of one fold's recordings."""

    def __init__(self, test_set: ShardSet, rule: Rule, predictions: Predictions) -> None:
        self.test_set = test_set
        self.windows = np.array(predictions["windows"], np.float32)
        self.recording = np.repeat(np.arange(len(test_set)), predictions["n_windows"])
        shares = np.concatenate([window_shares(test_set, index) for index in range(len(test_set))])
        weights = shares if rule == "weighted" else np.ones(len(shares))
        if "recordings" in predictions:
            self.scores = np.array(predictions["recordings"])
        else:
            self.scores = _weighted_scores(self.windows, self.recording, weights)
        rate_hz = test_set.spec.sample_rate_hz
        self.hours = np.array([len(waveform) for waveform in test_set]) / rate_hz / 3600.0

    def alarms(self, thresholds: NDArray[np.float64], target: NDArray[np.float32]) -> NDArray[np.float64]:
        """By recording: wrong detections, those of less than a second, and whether a right species is named."""
        spec, rows = self.test_set.spec, []
        for index in range(len(self.test_set)):
            own = self.windows[self.recording == index]
            starts_s = [start / spec.sample_rate_hz for start in self.test_set.window_starts(index)]
            found = merge_windows(starts_s, spec.window_s, own, own >= thresholds, self.hours[index] * 3600.0)
            wrong = [one for one in found if not target[index, one.column]]
            short = [one for one in wrong if one.end_s - one.start_s < _SHORT_S]
            rows.append([len(wrong), len(short), len(found) > len(wrong)])
        return np.array(rows, np.float64)


def _thresholds(
    sound: Sound, folds: Sequence[_Fold], target: Sequence[NDArray[np.float32]], without: int
) -> NDArray[np.float64]:
    others = [number for number in range(N_FOLDS) if number != without]
    first = np.cumsum([0, *(len(folds[number].test_set) for number in others)])
    fitted = fit_thresholds(
        np.concatenate([folds[number].windows for number in others]),
        np.concatenate([folds[number].recording + begin for number, begin in zip(others, first, strict=False)]),
        np.concatenate([target[number] for number in others]),
        sound.config("padded").thresholds,
    )
    return np.array(fitted.values)


def _weighted_scores(
    windows: NDArray[np.float32], recording: NDArray[np.integer], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    sums = np.zeros((int(recording.max()) + 1, windows.shape[1]))
    np.add.at(sums, recording, windows * weights[:, None])
    return np.asarray(sums / np.bincount(recording, weights)[:, None])


def _rounded(value: float) -> float:
    return round(float(value), _DIGITS)
