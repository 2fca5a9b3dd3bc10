"""Metrics of failure modes: recordings made worse, two at once, and sound in which there is nothing to name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from silencio.audio import cut_window
from silencio.data.calls import LabelledWaveform, active_part
from silencio.evaluation.degrade import Waveform, overlay
from silencio.evaluation.metrics import average_precisions, mean_of_present
from silencio.evaluation.recording_scores import best_window_scores, recording_scores
from silencio.evaluation.window_model import EvaluatedModel
from silencio.features import FeatureSpec

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

Change = Callable[[LabelledWaveform], Waveform]
"""What is done to a recording before the model gets it."""


@dataclass(frozen=True)
class Condition:
    """The same recordings, each made worse in one way.

    Attributes:
        name: Name of what was done.
        n_recordings: Number of recordings that were tried.
        top1: Share whose highest score is their species.
        macro_map: Macro mAP over the species that occur.
        top1_change: Change of top-1 against the same recordings as they are.
        macro_map_change: Change of macro mAP against the same recordings as they are.
        named: Share whose species passes its threshold in a window; None without thresholds.
    """

    name: str
    n_recordings: int
    top1: float
    macro_map: float
    top1_change: float
    macro_map_change: float
    named: float | None


@dataclass(frozen=True)
class Overlaid:
    """Windows of two species at equal level, one over the other.

    Attributes:
        n_pairs: Number of pairs that were tried.
        both_in_top2: Share in which the two highest scores are the two species.
        both_in_top5: Share in which both are among the five highest.
        one_is_first: Share in which the highest score is one of them.
        both_named: Share in which both pass their thresholds; None without thresholds.
        alone_top1: Top-1 of the same windows, each alone, for comparison.
    """

    n_pairs: int
    both_in_top2: float
    both_in_top5: float
    one_is_first: float
    both_named: float | None
    alone_top1: float


@dataclass(frozen=True)
class NothingToName:
    """Sound in which no species of the class list occurs.

    Attributes:
        name: Name of the sound.
        n_waveforms: Number of waveforms that were tried.
        n_windows: Number of their windows.
        hours: Hours of sound.
        n_not_finite: Probabilities that are no numbers; must be 0.
        false_alarms_per_hour: Species at or above their thresholds, window by window; None without thresholds.
        windows_named: Share of windows in which at least one species is; None without thresholds.
        top_probability: Quantiles of each window's highest probability, by name (`q05` … `q95`).
        separation_auc: Chance that a window of a recording of a species has a higher highest probability than one of
            these: ROC-AUC of the highest probability (Hendrycks and Gimpel 2017), 0.5 is not at all.
    """

    name: str
    n_waveforms: int
    n_windows: int
    hours: float
    n_not_finite: int
    false_alarms_per_hour: float | None
    windows_named: float | None
    top_probability: dict[str, float]
    separation_auc: float


def condition(
    evaluated: EvaluatedModel,
    name: str,
    sample: Sequence[LabelledWaveform],
    change: Change = lambda one: one.waveform,
    clean: Condition | None = None,
) -> tuple[Condition, NDArray[np.float64]]:
    """The sample under one change.

    Returns:
        Its metrics, and each window's highest probability, (n_windows,).
    """
    unseen = [evaluated.without(one.recording_id) for one in sample]
    windows = [
        model.windows(change(one), f"recording {one.recording_id} ({name})")
        for model, one in zip(unseen, sample, strict=True)
    ]
    recording = np.repeat(np.arange(len(sample)), [len(answer) for answer in windows])
    probabilities = np.concatenate(windows)
    scores = recording_scores(probabilities, recording)
    truth = np.array([evaluated.classes.index[one.code] for one in sample])
    target = np.zeros(scores.shape)
    target[np.arange(len(truth)), truth] = 1.0
    top1 = float((scores.argmax(axis=1) == truth).mean())
    macro_map = mean_of_present(average_precisions(scores, target))
    named = None
    limits = [model.thresholds[at] for model, at in zip(unseen, truth, strict=True) if model.thresholds is not None]
    if limits:
        best = best_window_scores(probabilities, recording)[np.arange(len(truth)), truth]
        named = float((best >= np.array(limits)).mean())
    top1_change, map_change = (top1 - clean.top1, macro_map - clean.macro_map) if clean else (0.0, 0.0)
    metrics = Condition(name, len(sample), top1, macro_map, top1_change, map_change, named)
    return metrics, probabilities.max(axis=1).astype(np.float64)


def overlaid_pairs(evaluated: EvaluatedModel, sample: Sequence[LabelledWaveform]) -> Overlaid | None:
    """Each recording's loudest window over that of the next one of another species; None where there is no other.

    With folds the next one is of the same fold: one model had seen neither.
    """
    spec, index = evaluated.spec, evaluated.classes.index
    loudest = [one._replace(waveform=_loudest_window(one.waveform, spec)) for one in sample]
    alone, ranks, passed = [], [], []
    for number, one in enumerate(loudest):
        following = [*loudest[number + 1 :], *loudest[:number]]
        others = (two for two in following if evaluated.in_one_fold(one.recording_id, two.recording_id))
        other = next((two for two in others if two.code != one.code), None)
        if other is None:
            continue
        model = evaluated.without(one.recording_id)
        columns = [index[one.code], index[other.code]]
        alone.append(model.windows(one.waveform, f"recording {one.recording_id}")[0].argmax() == columns[0])
        both = overlay(one.waveform, other.waveform)
        mixed = model.windows(both, f"{one.recording_id} over {other.recording_id}")[0]
        # Equal scores are chance: all of them stand before the right one.
        ranks.append([(mixed >= mixed[column]).sum() for column in columns])
        if model.thresholds is not None:
            passed.append((mixed[columns] >= model.thresholds[columns]).all())
    if not ranks:
        return None
    worst, best = np.max(ranks, axis=1), np.min(ranks, axis=1)
    return Overlaid(
        n_pairs=len(ranks),
        both_in_top2=float((worst <= 2).mean()),
        both_in_top5=float((worst <= 5).mean()),
        one_is_first=float((best <= 1).mean()),
        both_named=float(np.mean(passed)) if passed else None,
        alone_top1=float(np.mean(alone)),
    )


def nothing_to_name(
    evaluated: EvaluatedModel, name: str, waveforms: Sequence[Waveform], tops_of_recordings: NDArray[np.float64]
) -> NothingToName:
    """What is named where nothing is to be named.

    Args:
        evaluated: Model that is evaluated.
        name: Name of the sound.
        waveforms: int16 (n_samples,) each.
        tops_of_recordings: Highest probability of each window of recordings of species, from `condition`.
    """
    from sklearn.metrics import roc_auc_score  # a second, in every process that only reads a configuration

    answers = [evaluated.windows(waveform, name, finite=False) for waveform in waveforms]
    probabilities = np.concatenate(answers)
    n_not_finite = int((~np.isfinite(probabilities)).sum())
    probabilities = np.nan_to_num(probabilities, nan=0.0, posinf=1.0, neginf=0.0)
    hours = sum(len(waveform) for waveform in waveforms) / evaluated.spec.sample_rate_hz / 3600.0
    per_hour = windows_named = None
    if evaluated.thresholds is not None:
        named = probabilities >= evaluated.thresholds
        per_hour, windows_named = float(named.sum()) / hours, float(named.any(axis=1).mean())
    tops = probabilities.max(axis=1).astype(np.float64)
    is_recording = np.repeat([True, False], [len(tops_of_recordings), len(tops)])
    return NothingToName(
        name=name,
        n_waveforms=len(waveforms),
        n_windows=len(tops),
        hours=hours,
        n_not_finite=n_not_finite,
        false_alarms_per_hour=per_hour,
        windows_named=windows_named,
        top_probability={f"q{round(100 * q):02d}": float(np.quantile(tops, q)) for q in _QUANTILES},
        separation_auc=float(roc_auc_score(is_recording, np.concatenate([tops_of_recordings, tops]))),
    )


def _loudest_window(waveform: Waveform, spec: FeatureSpec) -> Waveform:
    loud = waveform[active_part(waveform, spec.sample_rate_hz, spec.window_s)]
    return cut_window(loud if len(loud) else waveform, 0, spec)
