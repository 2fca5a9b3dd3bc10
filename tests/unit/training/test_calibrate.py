"""Decisions: calibration and thresholds from the ensemble's predictions of validation, and of nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.special

from silencio.config import RunConfig, resolve
from silencio.evaluation.calibration import KINDS
from silencio.evaluation.metrics import compute_metrics
from silencio.taxonomy import ClassList, Species
from silencio.training.calibrate import DecisionRule, calibrate_ensemble
from silencio.training.checkpoint import WindowProbabilities
from silencio.training.ensemble import FittedEnsemble

CODES = ["0126247", "1139490", "bobfly1", "grekis"]
CLASSES = ClassList.of(Species(code=c, scientific_name=c, common_name=c, class_name="Aves") for c in CODES)
N, N_WINDOWS = 60, 3
IDS = [f"XC{number:02}.ogg" for number in range(N)]
LABELS = [CODES[number % 4] for number in range(N)]


@pytest.fixture(scope="module")
def config() -> RunConfig:
    return resolve("heads: {raw_cnn: {}}\nsupervisor: {kind: weighted_average}\n")


@pytest.fixture(scope="module")
def ensemble() -> FittedEnsemble:
    """An ensemble that is far too sure: right in about two of three."""
    rng = np.random.default_rng(0)
    logits = 1.2 * np.eye(4)[np.arange(N) % 4] + rng.standard_normal((N, 4))
    windows = np.repeat(logits, N_WINDOWS, axis=0) + 0.3 * rng.standard_normal((N * N_WINDOWS, 4))
    shown = scipy.special.softmax(4.0 * windows, axis=1).astype(np.float32)
    target = np.eye(4)[np.arange(N) % 4]
    return FittedEnsemble(
        kind="weighted_average",
        heads=["raw_cnn"],
        weights=[1.0],
        parameters={"weights": [1.0]},
        validation=compute_metrics(target, target, LABELS, CLASSES),
        windows=WindowProbabilities(IDS, np.repeat(np.arange(N), N_WINDOWS), shown),
    )


@pytest.fixture(scope="module")
def recordings() -> pd.DataFrame:
    return pd.DataFrame({"recording_id": IDS, "primary_label": LABELS, "secondary_labels": [[]] * N})


@pytest.fixture(scope="module")
def decision_rule(ensemble: FittedEnsemble, recordings: pd.DataFrame, config: RunConfig) -> DecisionRule:
    return calibrate_ensemble(ensemble, recordings, config, CLASSES)


def test_decisions__calibrate_and_threshold_every_species(decision_rule: DecisionRule) -> None:
    assert set(decision_rule.log_loss) == set(KINDS)
    assert decision_rule.calibration.kind == min(decision_rule.log_loss, key=decision_rule.log_loss.__getitem__)
    # Far too sure: at most half as steep.
    assert max(decision_rule.calibration.scale) < 0.5
    assert len(decision_rule.thresholds.values) == decision_rule.thresholds.n_own == 4
    assert decision_rule.calibration_error["after"] < 0.5 * decision_rule.calibration_error["before"]


def test_decisions__validation_figures_are_of_probabilities_from_unseen_curves(decision_rule: DecisionRule) -> None:
    assert decision_rule.validation["n_recordings"] == N
    # A curve does not change who comes first by much; that it changes nothing at all would be chance.
    assert 0.5 < decision_rule.validation["top1"] < 0.9


def test_decisions__only_the_judged_recordings_count_and_in_any_order(
    decision_rule: DecisionRule, ensemble: FittedEnsemble, recordings: pd.DataFrame, config: RunConfig
) -> None:
    others = pd.DataFrame({"recording_id": ["a", "b"], "primary_label": ["grekis"] * 2, "secondary_labels": [[]] * 2})
    shuffled = pd.concat([others, recordings]).sample(frac=1.0, random_state=0)
    assert calibrate_ensemble(ensemble, shuffled, config, CLASSES) == decision_rule


def test_decisions__a_species_in_the_background_is_no_mistake(
    decision_rule: DecisionRule, ensemble: FittedEnsemble, recordings: pd.DataFrame, config: RunConfig
) -> None:
    # Everything that the ensemble was sure of without cause was really there.
    used = ensemble.windows.probabilities.reshape(N, N_WINDOWS, 4).max(axis=1) > 0.5
    background = [
        [code for code, there in zip(CODES, row, strict=True) if there and code != label]
        for row, label in zip(used, LABELS, strict=True)
    ]
    with_them = calibrate_ensemble(ensemble, recordings.assign(secondary_labels=background), config, CLASSES)
    assert min(with_them.calibration.scale) > max(decision_rule.calibration.scale)
    assert with_them.validation["micro_f1"] > decision_rule.validation["micro_f1"]


def test_decisions__few_recordings_take_the_pooled_threshold(
    ensemble: FittedEnsemble, recordings: pd.DataFrame
) -> None:
    config = resolve(
        "heads: {raw_cnn: {}}\nsupervisor: {kind: weighted_average}\n",
        overrides=["thresholds.min_positives=16", "calibration.kind=temperature"],
    )
    few = calibrate_ensemble(ensemble, recordings, config, CLASSES)
    assert few.thresholds.n_own == 0
    assert set(few.thresholds.values) == {few.thresholds.pooled}
    assert few.calibration.kind == "temperature"


def test_confusable__are_pairs_that_validation_confuses(decision_rule: DecisionRule) -> None:
    assert 0 < len(decision_rule.confusable) <= 10
    assert all(pair[0] < pair[1] for pair in decision_rule.confusable)


def test_decisions__survive_their_file(decision_rule: DecisionRule, tmp_path: Path) -> None:
    decision_rule.save(tmp_path / "decisions.json")
    assert DecisionRule.load(tmp_path / "decisions.json") == decision_rule
