"""calibrate: decisions on disk, and what the run's page says of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from silencio.config import resolve
from silencio.data.recordings import write_class_list, write_recordings
from silencio.data.validate import ValidatedRecordings
from silencio.evaluation.metrics import compute_metrics
from silencio.steps.calibrate import Inputs, Outputs, run
from silencio.taxonomy import ClassList
from silencio.training.calibrate import DecisionRule, calibrate_ensemble
from silencio.training.checkpoint import WindowProbabilities
from silencio.training.ensemble import FittedEnsemble

CONFIG = resolve("heads: {raw_cnn: {}}\nsupervisor: {kind: weighted_average}\n")


@pytest.fixture
def classes(source) -> ClassList:
    return source.classes


@pytest.fixture
def ensemble(validated: ValidatedRecordings, classes: ClassList) -> FittedEnsemble:
    """What some ensemble says of all usable recordings, two windows each."""
    table = validated.usable.sort_values("recording_id")
    truth = np.array([classes.index[code] for code in table["primary_label"]])
    predictions = np.random.default_rng(0).dirichlet(np.ones(len(classes)), 2 * len(table)).astype(np.float32)
    windows = WindowProbabilities(list(table["recording_id"]), np.repeat(np.arange(len(table)), 2), predictions)
    perfect = np.eye(len(classes))[truth]
    figures = compute_metrics(perfect, perfect, table["primary_label"], classes)
    return FittedEnsemble("weighted_average", ["raw_cnn"], [1.0], {"weights": [1.0]}, figures, windows)


def test_calibrate__writes_decisions_and_a_page(
    ensemble: FittedEnsemble, validated: ValidatedRecordings, classes: ClassList, tmp_path: Path
) -> None:
    ensemble.save(tmp_path / "ensemble")
    write_recordings(validated.usable, tmp_path / "usable")
    write_class_list(classes, tmp_path / "classes")
    inputs = Inputs(CONFIG, tmp_path / "ensemble", tmp_path / "usable", tmp_path / "classes")
    metrics = run(inputs, Outputs(tmp_path / "decision_rule", tmp_path / "report"))
    decisions = DecisionRule.load(tmp_path / "decision_rule")
    assert decisions == calibrate_ensemble(ensemble, validated.usable, CONFIG, classes)
    assert metrics == {
        "calibration_error_before": round(decisions.calibration_error["before"], 4),
        "calibration_error_after": round(decisions.calibration_error["after"], 4),
        "pooled_threshold": round(decisions.thresholds.pooled, 4),
        "species_with_own_threshold": decisions.thresholds.n_own,
    }
    page = (tmp_path / "report").read_text()
    assert f"{decisions.calibration.kind} predicts unseen validation recordings best" in page
    assert all(kind in page for kind in decisions.log_loss)
    assert f"of {len(classes)} have a threshold of their own" in page


def test_calibrate__needs_no_recording_but_validations(
    ensemble: FittedEnsemble, validated: ValidatedRecordings, classes: ClassList
) -> None:
    # A test recording's label is in the same table; it must not matter.
    few = WindowProbabilities(
        ensemble.windows.recording_ids[:12], ensemble.windows.recording[:24], ensemble.windows.probabilities[:24]
    )
    of_few = replace(ensemble, windows=few)
    relabelled = validated.usable.copy()
    others = ~relabelled["recording_id"].isin(few.recording_ids)
    assert others.any()
    relabelled.loc[others, "primary_label"] = "grekis"
    decisions = [calibrate_ensemble(of_few, table, CONFIG, classes) for table in (validated.usable, relabelled)]
    assert decisions[0] == decisions[1]


def test_calibrate__a_recording_that_is_not_there_is_no_silence(
    ensemble: FittedEnsemble, validated: ValidatedRecordings, classes: ClassList
) -> None:
    with pytest.raises(KeyError):
        calibrate_ensemble(ensemble, pd.DataFrame(validated.usable.iloc[1:]), CONFIG, classes)
