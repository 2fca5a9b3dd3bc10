"""evaluate: the test set, heard by no trained thing, and judged by the candidate's own graph."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile

from silencio.bundle import Bundle, Scorer
from silencio.data.leaks import recording_fingerprints
from silencio.data.recordings import write_class_list
from silencio.data.shards import ShardSet, write_shard
from silencio.errors import SplitError
from silencio.evaluation.results import ENSEMBLE, Evaluation
from silencio.steps.evaluate import evaluate_step
from tests.conftest import TinyData, TinyEnsemble


@pytest.fixture(scope="module")
def arguments(
    tiny_data: TinyData, tiny_ensemble: TinyEnsemble, tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("inputs")
    for head in tiny_ensemble.heads:
        head.save(folder / head.name)
    tiny_ensemble.ensemble.save(folder / "fusion")
    tiny_ensemble.decision_rule.save(folder / "decisions")
    write_class_list(tiny_data.classes, folder / "classes")
    pd.DataFrame({"path": pd.Series([], dtype=str)}).to_parquet(folder / "soundscapes")
    inputs = {name: str(folder / name) for name in ("fusion", "decisions", "classes", "soundscapes")}
    return {
        "config": tiny_data.config,
        "heads": [str(folder / head.name) for head in tiny_ensemble.heads],
        "inputs": {**inputs, "bundle": str(tiny_bundle)},
        "development": [str(shard) for shard in tiny_data.development],
        "test": [str(shard) for shard in tiny_data.test],
        "champion": "",
    }


@pytest.fixture(scope="module")
def evaluated(
    arguments: dict[str, Any], tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, float], Evaluation]:
    """Against itself as the champion."""
    path = tmp_path_factory.mktemp("evaluated") / "evaluation.json"
    said = evaluate_step(**{**arguments, "champion": str(tiny_bundle)}, evaluation_path=str(path))
    return said, Evaluation.load(path)


# What is judged


def test_evaluate_step__judges_ensemble_heads_and_references(evaluated: tuple, tiny_data: TinyData) -> None:
    said, evaluation = evaluated
    references = ["logistic regression on mean log-mel", "majority class"]
    assert list(evaluation.rows) == [ENSEMBLE, "raw_cnn", "effnet_lora", *references]
    tested = tiny_data.recordings.loc[tiny_data.recordings["split"] == "test", "recording_id"]
    assert [one["recording_id"] for one in evaluation.answers] == sorted(tested)
    ensemble = evaluation.rows[ENSEMBLE]
    assert said["test_macro_map"] == round(ensemble.macro_map, 4)
    assert said["test_top1"] == round(ensemble.top1, 4)
    assert {f"top1_{name}" for name in ensemble.by_class} <= set(said)
    assert evaluation.heads == {ENSEMBLE: {"raw_cnn": True, "effnet_lora": True}}


def test_evaluate_step__a_student_has_one_row_and_its_teachers_stand_beside_it(
    arguments: dict[str, Any], evaluated: tuple, tiny_ensemble: TinyEnsemble, tmp_path: Path
) -> None:
    teacher = evaluated[1]
    teacher.save(tmp_path / "teacher")
    head = dataclasses.replace(tiny_ensemble.heads[0], name="student")
    head.save(tmp_path / "student")
    alone = {"kind": "weighted_average", "heads": ["student"], "weights": [1.0], "parameters": {"weights": [1.0]}}
    dataclasses.replace(tiny_ensemble.ensemble, **alone).save(tmp_path / "fusion")
    changed = {
        "config": arguments["config"].model_copy(update={"heads": {"student": head.config}}),
        "heads": [str(tmp_path / "student")],
        "inputs": {**arguments["inputs"], "fusion": str(tmp_path / "fusion")},
        "teacher": str(tmp_path / "teacher"),
    }
    said = evaluate_step(**{**arguments, **changed}, evaluation_path=str(tmp_path / "evaluation"))
    evaluation = Evaluation.load(tmp_path / "evaluation")
    assert evaluation.bundle_row == "student"
    assert list(evaluation.rows) == ["student", *teacher.rows]
    assert said["test_top1"] == round(evaluation.rows["student"].top1, 4)
    assert evaluation.rows[ENSEMBLE] == teacher.metrics
    assert evaluation.heads == {"student": {"student": True}, **teacher.heads}
    # The student's bundle is the teacher's here: by its own graph it is told apart by nothing, as two models would be.
    (taught,) = [one for one in evaluation.comparisons if one.other == ENSEMBLE]
    assert (taught.metric, taught.difference) == ("top1", 0.0)
    assert "student" not in {one.other for one in evaluation.comparisons}


def test_evaluate_step__the_scores_are_the_bundles(evaluated: tuple, tiny_bundle: Path, tiny_data: TinyData) -> None:
    scorer = Scorer(Bundle(tiny_bundle))
    for answer in evaluated[1].answers:
        mean = scorer(Path(answer["path"])).probabilities.mean(axis=0)
        assert answer["probability"] == pytest.approx(mean.max(), abs=1e-5)
        assert answer["predicted"] == tiny_data.classes.codes[int(mean.argmax())]


def test_evaluate_step__a_champion_that_is_the_candidate_differs_by_nothing(evaluated: tuple) -> None:
    evaluation = evaluated[1]
    against = [one for one in evaluation.comparisons if one.other == "champion"]
    assert [(one.difference, one.interval) for one in against] == [(0.0, (0.0, 0.0))] * 2
    # It was not trained on its own test set, and so may be asked about all of it.
    assert {one.n_recordings for one in against} == {len(evaluation.answers)}


def test_evaluate_step__focal_recordings_are_not_judged_alone(evaluated: tuple) -> None:
    assert evaluated[1].soundscapes["metrics"]
    assert evaluated[1].failure_modes


# Leaks

AddShard = Callable[..., str]


@pytest.fixture
def leaking_shard(tiny_data: TinyData, tmp_path: Path) -> AddShard:
    """A shard into which a test recording found its way: packed anew, under another name and label."""

    def add(part: str) -> str:
        row = tiny_data.recordings[tiny_data.recordings["split"] == "test"].iloc[0]
        samples, rate_hz = soundfile.read(row["path"], dtype="float32")
        path = tmp_path / "harmless.wav"
        soundfile.write(path, samples, rate_hz, subtype="FLOAT")
        other = next(code for code in tiny_data.classes.codes if code != row["primary_label"])
        harmless = {
            "recording_id": "harmless.wav",
            "group_id": "harmless.wav",
            "path": str(path),
            "primary_label": other,
            "secondary_labels": [],
            "split": part,
        }
        write_shard(pd.DataFrame([harmless]), tiny_data.config.features, tmp_path / "shard")
        return str(tmp_path / "shard")

    return add


def test_leak__a_test_recording_moved_into_training_is_caught(
    arguments: dict[str, Any], leaking_shard: AddShard, tiny_data: TinyData, tmp_path: Path
) -> None:
    moved = {**arguments, "development": [*arguments["development"], leaking_shard("train")]}
    name = tiny_data.recordings.loc[tiny_data.recordings["split"] == "test", "recording_id"].iloc[0]
    with pytest.raises(SplitError, match=f"test recording {name} leaked: this run was trained on the same sound"):
        evaluate_step(**moved, evaluation_path=str(tmp_path / "evaluation.json"))
    assert not (tmp_path / "evaluation.json").exists()


def test_leak__that_only_the_trained_head_knows_of_is_caught(
    arguments: dict[str, Any], leaking_shard: AddShard, tiny_data: TinyData, tiny_ensemble: TinyEnsemble, tmp_path: Path
) -> None:
    # The head was trained elsewhere, on other shards than those that are shown here.
    heard = ShardSet([*tiny_data.development, Path(leaking_shard("train"))], tiny_data.config.features, "train")
    head = dataclasses.replace(tiny_ensemble.heads[1], trained_on=recording_fingerprints(heard.table))
    head.save(tmp_path / "head")
    heads = [arguments["heads"][0], str(tmp_path / "head")]
    with pytest.raises(SplitError, match=f"leaked: {head.name} was trained on the same sound"):
        evaluate_step(**{**arguments, "heads": heads}, evaluation_path=str(tmp_path / "evaluation.json"))


def test_leak__a_test_recording_among_validation_is_caught(
    arguments: dict[str, Any], leaking_shard: AddShard, tmp_path: Path
) -> None:
    # Weights, calibration and thresholds would be fitted on it.
    moved = {**arguments, "development": [*arguments["development"], leaking_shard("validation")]}
    with pytest.raises(SplitError, match="same sound"):
        evaluate_step(**moved, evaluation_path=str(tmp_path / "evaluation.json"))


def test_heads__remember_what_they_were_trained_on(tiny_data: TinyData, tiny_ensemble: TinyEnsemble) -> None:
    training = ShardSet(tiny_data.development, tiny_data.config.features, "train").table
    for head in tiny_ensemble.heads:
        assert head.trained_on == recording_fingerprints(training)
    sounds = set(training["waveform_sha256"])
    assert len(sounds) == len(training) == np.sum(tiny_data.recordings["split"] == "train")
