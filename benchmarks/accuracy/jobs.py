"""The jobs of a fold: each trains one thing and keeps its predictions of the fold's recordings.

A job that was finished is not computed again, and one that was killed starts anew: what it draws depends on the
configuration alone, so a resumed fold is equal to an uninterrupted one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.accuracy.folds import Reserve, fold_shard, read_reserve
from benchmarks.accuracy.references import encoder_regression
from silencio.config import STUDENT, RunConfig
from silencio.data.leaks import check_not_leaked
from silencio.data.shards import ShardSet
from silencio.data.unlabelled_pool import POOL
from silencio.evaluation.recording_scores import recording_scores
from silencio.evaluation.references import majority_scores, mean_log_mel_scores
from silencio.storage import write_atomically
from silencio.training.checkpoint import TrainedHead, WindowProbabilities
from silencio.training.distill import soft_labels, student_targets
from silencio.training.ensemble import FittedEnsemble, fit_ensemble
from silencio.training.fit import fit_head, predict
from silencio.training.lightning_module import HeadModule

REFERENCES, SELF_TRAINING = "references", "self_training"
MEAN_LOG_MEL, MAJORITY = "logistic regression on mean log-mel", "majority class"
WITHOUT, SELF_TRAINED = "without the hidden labels", "without the hidden labels, self-trained"
# A head's predictions of the windows that are tested, beside its weights.
TEST_SET = "judged.npz"


@dataclass(frozen=True)
class Run:
    """What all jobs share.

    Attributes:
        data: The recordings' folder.
        out: Folder that everything is kept in.
        config: Heads, student, self-training and encoders.
    """

    data: Path
    out: Path
    config: RunConfig

    def reserve(self) -> Reserve:
        return read_reserve(self.data, self.config.seed, self.config.split)

    def fold(self, fold: int) -> Path:
        return self.out / f"fold-{fold}"

    def kept(self, fold: int, job: str) -> Path:
        """Scores that the job leaves: by name, (n_judged, n_classes), recordings in the order of their ids."""
        return self.fold(fold) / f"{job}.npz"

    def keep(self, fold: int, job: str, scores: dict[str, NDArray[np.float64]], began_s: float) -> None:
        facts = {"seconds": round(time.monotonic() - began_s, 1)}
        write_atomically(self.fold(fold) / f"{job}.json", json.dumps(facts))
        partial = self.fold(fold) / f".{job}.npz"
        np.savez_compressed(partial, **scores)  # type: ignore[arg-type]  # the stub takes any name for an option
        partial.replace(self.kept(fold, job))

    def with_heads(self, names: Sequence[str]) -> RunConfig:
        return self.config.model_copy(update={"heads": {name: self.config.heads[name] for name in names}})


def head_job(run: Run, fold: int, name: str) -> None:
    """Train one head of the configuration."""
    began_s, reserve, directory = time.monotonic(), run.reserve(), run.fold(fold) / name
    shard = fold_shard(reserve, fold, run.config, run.out)
    fit_head(name, run.config, [shard], reserve.classes, directory)
    windows = _windows(run, reserve, directory, shard)
    windows.save(directory / TEST_SET)
    run.keep(fold, name, {name: recording_scores(windows.probabilities, windows.recording)}, began_s)


def reference_job(run: Run, fold: int) -> None:
    """What users would reach for instead, fitted on all recordings that are not tested."""
    began_s, reserve = time.monotonic(), run.reserve()
    every = ShardSet([fold_shard(reserve, fold, run.config, run.out)], run.config.features)
    is_test = np.asarray(every.table["split"] == "test")
    training, test_set = every.subset(~is_test), every.subset(is_test)
    scores = {
        MEAN_LOG_MEL: mean_log_mel_scores(training, test_set, reserve.classes),
        MAJORITY: majority_scores(training, len(test_set), reserve.classes),
    }
    for name in every.encoders:
        scores |= encoder_regression(name, training, test_set, reserve.classes)
    run.keep(fold, REFERENCES, scores, began_s)


def student_job(run: Run, fold: int, teachers: Sequence[str]) -> None:
    """Distil the ensemble of the fold's heads into the configuration's student."""
    began_s, reserve, directory = time.monotonic(), run.reserve(), run.fold(fold) / STUDENT
    shard = fold_shard(reserve, fold, run.config, run.out)
    heads, ensemble = fitted_ensemble(run, reserve, fold, teachers)
    training = ShardSet([shard], run.config.features, "train")
    predictions = soft_labels(heads, ensemble, training, run.config, reserve.classes)
    soft = student_targets(predictions, training.table, run.config, reserve.classes)
    fit_head(STUDENT, run.config.of_student(), [shard], reserve.classes, directory, soft=soft)
    run.keep(fold, STUDENT, {STUDENT: _scores(run, reserve, directory, shard)}, began_s)


def self_training_job(run: Run, fold: int, name: str) -> None:
    """One head without a share of the labels, and again with its predictions of the recordings that lost theirs."""
    began_s, reserve, how = time.monotonic(), run.reserve(), run.config.self_training
    assert how is not None  # else there is no such job
    shard, classes = fold_shard(reserve, fold, run.config, run.out, hidden_share=how.hidden_share), reserve.classes
    config = run.with_heads([name])
    without = learned = run.fold(fold) / f"{name}-without"
    fit_head(name, config, [shard], classes, without)
    for round_number in range(1, how.rounds + 1):
        head = TrainedHead.load(learned)
        ensemble = fit_ensemble([head], reserve.recordings, config, classes)
        predictions = soft_labels([head], ensemble, ShardSet([shard], config.features, POOL), config, classes)
        learned = run.fold(fold) / f"{name}-self-trained-{round_number}"
        fit_head(
            name, config, [shard], classes, learned, soft=predictions.as_pseudo_labels(how.power, how.min_probability)
        )
    scores = {WITHOUT: _scores(run, reserve, without, shard), SELF_TRAINED: _scores(run, reserve, learned, shard)}
    run.keep(fold, SELF_TRAINING, scores, began_s)


def fitted_ensemble(
    run: Run, reserve: Reserve, fold: int, names: Sequence[str], *, keep_all: bool = False
) -> tuple[list[TrainedHead], FittedEnsemble]:
    """The fold's trained heads of these names, and the supervisor that its validation split chooses."""
    heads, config = [TrainedHead.load(run.fold(fold) / name) for name in names], run.with_heads(names)
    if keep_all:
        stacking = config.stacking.model_copy(update={"keep_all_heads": True})
        config = config.model_copy(update={"stacking": stacking})
    return heads, fit_ensemble(heads, reserve.recordings, config, reserve.classes)


def ensemble_scores(run: Run, fold: int, ensemble: FittedEnsemble) -> NDArray[np.float64]:
    """What the supervisor makes of the windows that its heads predicted, by recording."""
    windows = [WindowProbabilities.load(run.fold(fold) / name / TEST_SET) for name in ensemble.heads]
    joined = ensemble.module().combine(np.stack([one.probabilities for one in windows]))
    return recording_scores(joined, windows[0].recording)


def _scores(run: Run, reserve: Reserve, directory: Path, shard: Path) -> NDArray[np.float64]:
    windows = _windows(run, reserve, directory, shard)
    return recording_scores(windows.probabilities, windows.recording)


def _windows(run: Run, reserve: Reserve, directory: Path, shard: Path) -> WindowProbabilities:
    head, test_set = TrainedHead.load(directory), ShardSet([shard], run.config.features, "test")
    check_not_leaked(head.trained_on, test_set.table, head.name)
    module = HeadModule(head.module(run.config.features, reserve.classes), head.config, total_steps=0)
    return predict(module, test_set)
