"""evaluate: the verdict's figures on the test set, which serves evaluation only: no step that fits is handed it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
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
from silencio.evaluation.held_out import evaluate_test_set
from silencio.evaluation.recording_scores import recording_scores
from silencio.evaluation.references import majority_scores, mean_log_mel_scores
from silencio.evaluation.results import ENSEMBLE, Evaluation
from silencio.evaluation.soundscape_evaluation import evaluate_in_soundscapes, held_out_backgrounds, try_failure_modes
from silencio.evaluation.teacher import with_teacher
from silencio.features import FrontEnd
from silencio.taxonomy import ClassList
from silencio.training.calibrate import DecisionRule
from silencio.training.checkpoint import TrainedHead, WindowProbabilities
from silencio.training.ensemble import FittedEnsemble
from silencio.training.fit import predict
from silencio.training.heads import load_heads
from silencio.training.lightning_module import HeadModule


def evaluate_step(
    config: RunConfig,
    heads: Sequence[str],
    inputs: Mapping[str, str],
    development: Sequence[str],
    test: Sequence[str],
    champion: str,
    evaluation_path: str,
    teacher: str = "",
) -> dict[str, float]:
    """Judge on the test set.

    Args:
        config: What this step reads of the configuration.
        heads: Folders of the trained heads.
        inputs: Paths of `bundle` (the candidate), `fusion`, `decisions`, `classes`, `soundscapes`.
        development: Shards of training and validation, for the references that must be fitted.
        test: Shards of the test set.
        champion: The folder that `fetch_champion` made, or another with a bundle; empty: nothing to compare.
        evaluation_path: Gets all figures, as JSON.
        teacher: Figures of the ensemble that taught the heads, where they are a student; empty: they make an ensemble.

    Returns:
        The bundle's figures, for the run's page.

    Raises:
        SplitError: A test recording was heard in training.
        DataError: The teacher was judged on other recordings.
    """
    classes = read_class_list(Path(inputs["classes"]))
    shards = [Path(shard) for shard in development]
    training = ShardSet(shards, config.features, "train")
    judged = ShardSet(map(Path, test), config.features, "test")
    trained = load_heads(heads, config)
    # Validation as well: weights, calibration and thresholds are fitted on it.
    check_not_leaked(recording_fingerprints(ShardSet(shards, config.features).table), judged.table, "this run")
    for head in trained:
        check_not_leaked(head.trained_on, judged.table, head.name)
    graph, decisions = Bundle(Path(inputs["bundle"])).graph(), DecisionRule.load(Path(inputs["decisions"]))
    evaluation = evaluate_candidate(
        graph,
        trained,
        FittedEnsemble.load(Path(inputs["fusion"])),
        decisions,
        training,
        judged,
        champion_scores(champion, judged.table, classes),
        config,
        classes,
        STUDENT if teacher else ENSEMBLE,
    )
    if teacher:
        evaluation = with_teacher(evaluation, Evaluation.load(Path(teacher)), config.evaluation.n_resamples)
    soundscapes = read_frame(inputs["soundscapes"])
    evaluation = in_the_field(evaluation, graph, decisions, judged, soundscapes, config, classes)
    evaluation.save(Path(evaluation_path))
    own = evaluation.metrics
    flat = {f"top1_{name}": round(figures["top1"], 4) for name, figures in own.by_class.items()}
    return {"test_macro_map": round(own.macro_map, 4), "test_top1": round(own.top1, 4), **flat}


def champion_scores(champion: str, table: pd.DataFrame, classes: ClassList) -> ChampionScores | None:
    """What the champion says of the test recordings; None where there is none."""
    if not champion or not (Path(champion) / MANIFEST).is_file():
        return None
    return score_champion(Path(champion), table, classes)


def in_the_field(
    evaluation: Evaluation,
    graph: Graph,
    decisions: DecisionRule,
    judged: ShardSet,
    soundscapes: pd.DataFrame,
    config: RunConfig,
    classes: ClassList,
) -> Evaluation:
    """With what becomes of the candidate in soundscapes and under every failure mode: focal recordings flatter."""
    front_end = FrontEnd(judged.spec)

    def model(waveform: NDArray[np.int16]) -> NDArray[np.float32]:
        return graph.run(front_end.features(waveform).inputs)

    backgrounds = held_out_backgrounds(soundscapes, judged.spec)
    asked = (judged, backgrounds, classes, np.array(decisions.thresholds.values))
    return replace(
        evaluation,
        mislabelled=decisions.mislabelled,
        soundscapes=evaluate_in_soundscapes(model, *asked, config.evaluation.soundscapes),
        failure_modes=try_failure_modes(model, *asked, config.evaluation.failure_modes),
    )


def evaluate_candidate(
    graph: Graph,
    heads: Sequence[TrainedHead],
    fusion: FittedEnsemble,
    decisions: DecisionRule,
    training: ShardSet,
    judged: ShardSet,
    champion: ChampionScores | None,
    config: RunConfig,
    classes: ClassList,
    bundle: str = ENSEMBLE,
) -> Evaluation:
    """Judge the candidate's own graph, its heads and the references on the test recordings.

    A student is its bundle's only head: it has the bundle's row, and none beside it.
    """
    probabilities, recording = graph_probabilities(graph, judged)
    said = _windows_of_heads(heads, judged, classes, config)
    of_heads = {
        name: recording_scores(one.probabilities, one.recording) for name, one in said.items() if name != bundle
    }
    scores = {
        bundle: recording_scores(probabilities, recording),
        **of_heads,
        MEAN_LOG_MEL: mean_log_mel_scores(training, judged, classes),
        MAJORITY: majority_scores(training, len(judged), classes),
    }
    joined = fusion.module().combine(np.stack([said[name].probabilities for name in fusion.heads]))
    uncalibrated = recording_scores(joined, recording)
    evaluation = evaluate_test_set(
        scores,
        uncalibrated,
        decisions.thresholds.named(probabilities, recording),
        judged,
        training.table,
        decisions.confusable,
        champion,
        classes,
        config.evaluation.slices,
        config.evaluation.n_resamples,
        bundle,
    )
    return replace(evaluation, heads={bundle: {head.name: head.name in fusion.heads for head in heads}})


def graph_probabilities(graph: Graph, shards: ShardSet) -> tuple[NDArray[np.float32], NDArray[np.integer]]:
    """What the graph says of every window, (n_windows, n_classes), and the position of each window's recording."""
    front_end = FrontEnd(shards.spec)
    parts = [graph.run(front_end.features(waveform).inputs) for waveform in shards]
    return np.concatenate(parts), np.repeat(np.arange(len(parts)), [len(part) for part in parts])


def _windows_of_heads(
    heads: Sequence[TrainedHead], judged: ShardSet, classes: ClassList, config: RunConfig
) -> dict[str, WindowProbabilities]:
    said = {}
    for head in heads:
        module = HeadModule(head.module(config.features, classes), head.config, total_steps=0)
        said[head.name] = predict(module, judged)
    return said
