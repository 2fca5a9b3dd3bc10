"""evaluate: metrics on the test recordings, which serve evaluation only: no step that fits is handed them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from silencio.bundle.graph import Graph
from silencio.bundle.load import Bundle
from silencio.bundle.manifest import MANIFEST
from silencio.config import STUDENT, RunConfig
from silencio.data.frames import read_frame
from silencio.data.leaks import check_not_leaked, recording_fingerprints
from silencio.data.recordings import read_class_list
from silencio.data.shards import ShardSet
from silencio.evaluation.champion import ChampionScores, score_champion
from silencio.evaluation.comparisons import MAJORITY, MEAN_LOG_MEL
from silencio.evaluation.held_out import EvaluationData, Predictions, evaluate_test_set
from silencio.evaluation.recording_scores import recording_scores
from silencio.evaluation.references import majority_scores, mean_log_mel_scores
from silencio.evaluation.results import ENSEMBLE, Evaluation
from silencio.evaluation.soundscape_evaluation import evaluate_in_soundscapes, held_out_backgrounds, try_failure_modes
from silencio.evaluation.teacher import with_teacher
from silencio.export.fold_models import fold_models
from silencio.features import FrontEnd
from silencio.taxonomy import ClassList
from silencio.training.calibrate import DecisionRule
from silencio.training.checkpoint import TrainedHead, WindowProbabilities
from silencio.training.cross_fit import check_folds_unseen, out_of_fold_scores
from silencio.training.ensemble import FittedEnsemble
from silencio.training.fit import predict
from silencio.training.heads import load_heads
from silencio.training.lightning_module import HeadModule


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        config: Its part of the configuration.
        classes: The ordered class list.
        heads: Folders of the trained heads.
        ensemble: The fitted ensemble.
        decision_rule: Calibration and thresholds.
        candidate: The bundle that is evaluated.
        soundscapes: Unlabelled recordings of the same places: backgrounds for test calls.
        development: Shards of training and validation, for the references that must be fitted.
        test: Shards of the test recordings; none where heads have folds.
        champion: The folder that `fetch_champion` made, with a bundle or without one.
        teacher: Evaluation of the ensemble that the head learned from, where it is a student; None: the heads make an
            ensemble.
    """

    config: RunConfig
    classes: Path
    heads: Sequence[Path]
    ensemble: Path
    decision_rule: Path
    candidate: Path
    soundscapes: Path
    development: Sequence[Path]
    test: Sequence[Path]
    champion: Path
    teacher: Path | None = None


@dataclass(frozen=True)
class Outputs:
    """What the step writes.

    Attributes:
        evaluation: Every metric, as JSON.
    """

    evaluation: Path


@dataclass(frozen=True)
class Candidate:
    """The bundle that is evaluated, and what it was made of.

    Attributes:
        name: Its row in the evaluation: `ensemble` or `student`.
        graph: Its own graph.
        heads: All that were trained for it.
        ensemble: What combines those that are inside.
        decision_rule: Calibration and thresholds.
    """

    name: str
    graph: Graph
    heads: Sequence[TrainedHead]
    ensemble: FittedEnsemble
    decision_rule: DecisionRule


def run(inputs: Inputs, outputs: Outputs) -> dict[str, float]:
    """Evaluate candidate, heads, references and champion on the test recordings, or with folds on all of them.

    Returns:
        For the run's page: the bundle's metrics.

    Raises:
        SplitError: Something was trained on a test recording, or on the fold that it predicts.
        DataError: The teacher was evaluated on other recordings.
    """
    config, classes = inputs.config, read_class_list(inputs.classes)
    heads = load_heads(inputs.heads, config)
    data = _data_of_folds(inputs, heads, classes) if heads[0].folds else _held_out_data(inputs, heads, classes)
    test = data.test
    candidate = Candidate(
        name=STUDENT if inputs.teacher else ENSEMBLE,
        graph=Bundle(inputs.candidate).graph(),
        heads=heads,
        ensemble=FittedEnsemble.load(inputs.ensemble),
        decision_rule=DecisionRule.load(inputs.decision_rule),
    )
    champion = champion_scores(inputs.champion, test.table, classes)
    evaluation = evaluate_candidate(candidate, data, champion, config)
    if inputs.teacher:
        evaluation = with_teacher(evaluation, Evaluation.load(inputs.teacher), config.evaluation.n_resamples)
    evaluation = with_soundscapes(evaluation, candidate, data, read_frame(inputs.soundscapes), config)
    evaluation.save(outputs.evaluation)
    own = evaluation.metrics
    by_class = {f"top1_{name}": round(metrics["top1"], 4) for name, metrics in own.by_class.items()}
    return {"test_macro_map": round(own.macro_map, 4), "test_top1": round(own.top1, 4), **by_class}


def _held_out_data(inputs: Inputs, heads: Sequence[TrainedHead], classes: ClassList) -> EvaluationData:
    """The test recordings, which nothing may have seen."""
    spec = inputs.config.features
    test = ShardSet(inputs.test, spec, "test")
    # Validation as well: weights, calibration and thresholds are fitted on it.
    development = ShardSet(inputs.development, spec)
    check_not_leaked(recording_fingerprints(development.table), test.table, "this run")
    for head in heads:
        check_not_leaked(head.trained_on, test.table, head.name)
    return EvaluationData(ShardSet(inputs.development, spec, "train"), test, classes)


def _data_of_folds(inputs: Inputs, heads: Sequence[TrainedHead], classes: ClassList) -> EvaluationData:
    """All recordings, of which each model may have seen all but those of its fold."""
    every = ShardSet(inputs.development, inputs.config.features, "train")
    check_folds_unseen(heads, every)
    fold_of = {name: number for number, one in enumerate(heads[0].folds) for name in one.validation.recording_ids}
    fold = every.table["recording_id"].map(fold_of).to_numpy(np.int64)
    return EvaluationData(every, every, classes, fold)


def champion_scores(champion: Path, table: pd.DataFrame, classes: ClassList) -> ChampionScores | None:
    """The champion's predictions for the test recordings; None where the folder holds no bundle."""
    return score_champion(champion, table, classes) if (champion / MANIFEST).is_file() else None


def with_soundscapes(
    evaluation: Evaluation, candidate: Candidate, data: EvaluationData, soundscapes: pd.DataFrame, config: RunConfig
) -> Evaluation:
    """The evaluation with what becomes of the candidate in soundscapes and under every failure mode.

    Focal recordings alone flatter a model.
    """
    front_end = FrontEnd(data.test.spec)

    def model(waveform: NDArray[np.int16]) -> NDArray[np.float32]:
        return candidate.graph.run(front_end.features(waveform).inputs)

    folds = None
    if data.fold is not None:
        fold_of = dict(zip(data.test.table["recording_id"], data.fold.tolist(), strict=True))
        made_of = candidate.heads, candidate.ensemble, candidate.decision_rule
        folds = fold_models(*made_of, fold_of, config, data.classes)
    backgrounds = held_out_backgrounds(soundscapes, data.test.spec)
    given = (data.test, backgrounds, data.classes, np.array(candidate.decision_rule.thresholds.values))
    return replace(
        evaluation,
        mislabelled=candidate.decision_rule.mislabelled,
        soundscapes=evaluate_in_soundscapes(model, *given, config.evaluation.soundscapes, folds),
        failure_modes=try_failure_modes(model, *given, config.evaluation.failure_modes, folds),
    )


def evaluate_candidate(
    candidate: Candidate, data: EvaluationData, champion: ChampionScores | None, config: RunConfig
) -> Evaluation:
    """Evaluate the candidate's own graph, its heads and the references on the test recordings.

    A student is its bundle's only head: it has the bundle's row, and none beside it.

    Args:
        candidate: What is evaluated.
        data: The recordings.
        champion: The champion's predictions for the test recordings; None where there is none.
        config: Slices, and how often the bootstrap draws.
    """
    predictions = _predicted_by_fold(candidate, data) if data.fold is not None else _predicted(candidate, data, config)
    predictions = replace(predictions, champion=champion)
    evaluation = evaluate_test_set(
        predictions, data, candidate.decision_rule.confusable, config.evaluation.slices, config.evaluation.n_resamples
    )
    inside = {head.name: head.name in candidate.ensemble.heads for head in candidate.heads}
    return replace(evaluation, heads={candidate.name: inside})


def _predicted(candidate: Candidate, data: EvaluationData, config: RunConfig) -> Predictions:
    """Of test recordings, by the candidate's own graph, its heads and the references."""
    ensemble, decision_rule = candidate.ensemble, candidate.decision_rule
    probabilities, recording = _window_probabilities(candidate, data.test)
    of_heads = _head_probabilities(candidate.heads, data, config)
    scores = {
        candidate.name: recording_scores(probabilities, recording),
        **{
            name: recording_scores(one.probabilities, one.recording)
            for name, one in of_heads.items()
            if name != candidate.name
        },
        **_references(data),
    }
    combined = ensemble.module().combine(np.stack([of_heads[name].probabilities for name in ensemble.heads]))
    return Predictions(
        scores=scores,
        uncalibrated=recording_scores(combined, recording),
        named=decision_rule.thresholds.named(probabilities, recording),
        bundle=candidate.name,
    )


def _predicted_by_fold(candidate: Candidate, data: EvaluationData) -> Predictions:
    """Of all recordings, each by what was made without its fold."""
    unseen = out_of_fold_scores(candidate.ensemble, candidate.decision_rule)
    of_heads = {head.name: head.held_out for head in candidate.heads}
    heads = {name: recording_scores(one.probabilities, one.recording) for name, one in of_heads.items()}
    return Predictions(
        scores={candidate.name: unseen.scores, **heads, **_references(data)},
        uncalibrated=unseen.uncalibrated,
        named=unseen.named,
        bundle=candidate.name,
        confusable_without=[rule.confusable for rule in candidate.decision_rule.folds],
    )


def _references(data: EvaluationData) -> dict[str, NDArray[np.float64]]:
    """What a model has to beat, fitted on what was trained on before the recordings were evaluated."""
    shape = len(data.test), len(data.classes)
    scores = {MEAN_LOG_MEL: np.zeros(shape), MAJORITY: np.zeros(shape)}
    for own, training in data.by_fold():
        scores[MEAN_LOG_MEL][own] = mean_log_mel_scores(training, data.test.subset(own), data.classes)
        scores[MAJORITY][own] = majority_scores(training, int(own.sum()), data.classes)
    return scores


def _window_probabilities(candidate: Candidate, shards: ShardSet) -> tuple[NDArray[np.float32], NDArray[np.integer]]:
    """Of every window, (n_windows, n_classes), and the position of each window's recording, (n_windows,)."""
    front_end = FrontEnd(shards.spec)
    parts = [candidate.graph.run(front_end.features(waveform).inputs) for waveform in shards]
    return np.concatenate(parts), np.repeat(np.arange(len(parts)), [len(part) for part in parts])


def _head_probabilities(
    heads: Sequence[TrainedHead], data: EvaluationData, config: RunConfig
) -> dict[str, WindowProbabilities]:
    """By head, of every window of the test recordings."""
    probabilities = {}
    for head in heads:
        module = HeadModule(head.module(config.features, data.classes), head.config, total_steps=0)
        probabilities[head.name] = predict(module, data.test)
    return probabilities
