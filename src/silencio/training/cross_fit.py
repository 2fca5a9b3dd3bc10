"""Cross-fitting: every recording is learned from, and every recording is evaluated by models that had not seen it.

Each head is trained once on everything, which is what ships, and once without each fold. What evaluates a recording of
fold k was made without that fold throughout: the heads, the supervisor, the calibration and the thresholds, the last
three fitted on the other folds' out-of-fold predictions. So the recipe is evaluated, on all recordings.

Sources: Wolpert, Stacked generalization (1992); Chernozhukov et al., Double/debiased machine learning (2018).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from silencio.data.leaks import check_not_leaked
from silencio.data.shards import ShardSet
from silencio.errors import ModelError
from silencio.evaluation.recording_scores import recording_scores
from silencio.training.calibrate import DecisionRule
from silencio.training.checkpoint import TrainedHead, WindowProbabilities
from silencio.training.ensemble import FittedEnsemble


@dataclass(frozen=True)
class OutOfFoldScores:
    """Predictions of all recordings, sorted by name, each by what was made without its fold.

    Attributes:
        recording_ids: All recordings.
        fold: Fold of each, (n_recordings,).
        scores: Calibrated recording scores, (n_recordings, n_classes).
        uncalibrated: The same before calibration.
        named: Whether the species passes the threshold of its fold's rule, bool of the same shape.
    """

    recording_ids: list[str]
    fold: NDArray[np.int64]
    scores: NDArray[np.float64]
    uncalibrated: NDArray[np.float64]
    named: NDArray[np.bool_]


def out_of_fold_scores(ensemble: FittedEnsemble, decision_rule: DecisionRule) -> OutOfFoldScores:
    """Predict every recording by what was made without its fold.

    Args:
        ensemble: The fitted ensemble with its folds.
        decision_rule: The rule with its folds.

    Raises:
        ModelError: They are of different folds.
    """
    ids: list[str] = []
    parts: list[tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]] = []
    for number, (left_out, rule) in enumerate(_folds(ensemble, decision_rule)):
        probabilities = rule.calibration(left_out.probabilities)
        ids += left_out.recording_ids
        parts.append(
            (
                np.full(len(left_out.recording_ids), number),
                recording_scores(probabilities, left_out.recording),
                recording_scores(left_out.probabilities, left_out.recording),
                rule.thresholds.named(probabilities, left_out.recording),
            )
        )
    order = np.argsort(ids)
    fold, scores, uncalibrated, named = (np.concatenate(column)[order] for column in zip(*parts, strict=True))
    return OutOfFoldScores([ids[place] for place in order], fold, scores, uncalibrated, named)


def out_of_fold(ensemble: FittedEnsemble, decision_rule: DecisionRule) -> WindowProbabilities:
    """Calibrated predictions of every window of every recording, by what was made without its fold.

    Raises:
        ModelError: Ensemble and rule are of different folds.
    """
    return WindowProbabilities.concatenated(
        [
            WindowProbabilities(
                left_out.recording_ids,
                left_out.recording,
                np.asarray(rule.calibration(left_out.probabilities), np.float32),
            )
            for left_out, rule in _folds(ensemble, decision_rule)
        ]
    )


def check_folds_unseen(heads: Sequence[TrainedHead], recordings: ShardSet) -> None:
    """Hold every head that predicts a fold against that fold.

    Args:
        heads: The trained heads, with their folds.
        recordings: All recordings, with what they can be recognised by.

    Raises:
        SplitError: One was trained on a recording of the fold that it predicts; the message names it.
        ModelError: A recording is predicted by no fold, or by two.
    """
    names = sorted(recordings.table["recording_id"])
    for head in heads:
        for number, one in enumerate(head.folds, start=1):
            own = recordings.table[recordings.table["recording_id"].isin(one.validation.recording_ids)]
            check_not_leaked(one.trained_on, own, f"{head.name} without fold {number}")
        held_out = head.held_out.recording_ids
        if held_out != names:
            odd = sorted(set(held_out) ^ set(names))[:1] or [name for name in held_out if held_out.count(name) > 1][:1]
            raise ModelError(
                f"{head.name} has predictions of {len(held_out)} recordings without their fold, there are "
                f"{len(names)}, such as {odd}: train it again"
            )


def _folds(ensemble: FittedEnsemble, decision_rule: DecisionRule) -> list[tuple[WindowProbabilities, DecisionRule]]:
    left_out = [one.left_out for one in ensemble.folds if one.left_out is not None]
    if not left_out or len(left_out) != len(decision_rule.folds):
        raise ModelError(
            f"the ensemble has {len(left_out)} folds, its decision rule {len(decision_rule.folds)}: fit both again"
        )
    return list(zip(left_out, decision_rule.folds, strict=True))
