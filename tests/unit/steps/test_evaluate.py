"""evaluate: the test recordings, on which nothing was trained, scored by the candidate's own graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

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
from silencio.steps.evaluate import Inputs, Outputs, run
from tests.conftest import TinyData, TinyEnsemble


@pytest.fixture(scope="module")
def inputs(
    tiny_data: TinyData, tiny_ensemble: TinyEnsemble, tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> Inputs:
    folder = tmp_path_factory.mktemp("inputs")
    for head in tiny_ensemble.heads:
        head.save(folder / head.name)
    tiny_ensemble.ensemble.save(folder / "ensemble")
    tiny_ensemble.decision_rule.save(folder / "decision_rule")
    write_class_list(tiny_data.classes, folder / "classes")
    pd.DataFrame({"path": pd.Series([], dtype=str)}).to_parquet(folder / "soundscapes")
    return Inputs(
        config=tiny_data.config,
        classes=folder / "classes",
        heads=[folder / head.name for head in tiny_ensemble.heads],
        ensemble=folder / "ensemble",
        decision_rule=folder / "decision_rule",
        candidate=tiny_bundle,
        soundscapes=folder / "soundscapes",
        development=tiny_data.development,
        test=tiny_data.test,
        champion=folder / "no champion",
    )


@pytest.fixture(scope="module")
def evaluated(
    inputs: Inputs, tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, float], Evaluation]:
    """Against itself as the champion."""
    path = tmp_path_factory.mktemp("evaluated") / "evaluation.json"
    metrics = run(replace(inputs, champion=tiny_bundle), Outputs(path))
    return metrics, Evaluation.load(path)


# What is evaluated


def test_evaluate__is_of_ensemble_heads_and_references(evaluated: tuple, tiny_data: TinyData) -> None:
    metrics, evaluation = evaluated
    references = ["logistic regression on mean log-mel", "majority class"]
    assert list(evaluation.rows) == [ENSEMBLE, "raw_cnn", "effnet_lora", *references]
    tested = tiny_data.recordings.loc[tiny_data.recordings["split"] == "test", "recording_id"]
    assert [one["recording_id"] for one in evaluation.answers] == sorted(tested)
    ensemble = evaluation.rows[ENSEMBLE]
    assert metrics["test_macro_map"] == round(ensemble.macro_map, 4)
    assert metrics["test_top1"] == round(ensemble.top1, 4)
    assert {f"top1_{name}" for name in ensemble.by_class} <= set(metrics)
    assert evaluation.heads == {ENSEMBLE: {"raw_cnn": True, "effnet_lora": True}}


def test_evaluate__a_student_has_one_row_and_its_teachers_stand_beside_it(
    inputs: Inputs, evaluated: tuple, tiny_ensemble: TinyEnsemble, tmp_path: Path
) -> None:
    teacher = evaluated[1]
    teacher.save(tmp_path / "teacher")
    head = replace(tiny_ensemble.heads[0], name="student")
    head.save(tmp_path / "student")
    alone = {"kind": "weighted_average", "heads": ["student"], "weights": [1.0], "parameters": {"weights": [1.0]}}
    replace(tiny_ensemble.ensemble, **alone).save(tmp_path / "ensemble")
    of_student = replace(
        inputs,
        config=inputs.config.model_copy(update={"heads": {"student": head.config}}),
        heads=[tmp_path / "student"],
        ensemble=tmp_path / "ensemble",
        teacher=tmp_path / "teacher",
    )
    metrics = run(of_student, Outputs(tmp_path / "evaluation"))
    evaluation = Evaluation.load(tmp_path / "evaluation")
    assert evaluation.bundle_row == "student"
    assert list(evaluation.rows) == ["student", *teacher.rows]
    assert metrics["test_top1"] == round(evaluation.rows["student"].top1, 4)
    assert evaluation.rows[ENSEMBLE] == teacher.metrics
    assert evaluation.heads == {"student": {"student": True}, **teacher.heads}
    # The student's bundle is the teacher's here: by its own graph it is told apart by nothing, as two models would be.
    (comparison,) = [one for one in evaluation.comparisons if one.other == ENSEMBLE]
    assert (comparison.metric, comparison.difference) == ("top1", 0.0)
    assert "student" not in {one.other for one in evaluation.comparisons}


def test_evaluate__the_scores_are_the_bundles(evaluated: tuple, tiny_bundle: Path, tiny_data: TinyData) -> None:
    scorer = Scorer(Bundle(tiny_bundle))
    for answer in evaluated[1].answers:
        mean = scorer(Path(answer["path"])).probabilities.mean(axis=0)
        assert answer["probability"] == pytest.approx(mean.max(), abs=1e-5)
        assert answer["predicted"] == tiny_data.classes.codes[int(mean.argmax())]


def test_evaluate__a_champion_that_is_the_candidate_differs_by_nothing(evaluated: tuple) -> None:
    evaluation = evaluated[1]
    against = [one for one in evaluation.comparisons if one.other == "champion"]
    assert [(one.difference, one.interval) for one in against] == [(0.0, (0.0, 0.0))] * 2
    # It was not trained on its own test set, and so may be asked about all of it.
    assert {one.n_recordings for one in against} == {len(evaluation.answers)}


def test_evaluate__is_not_of_focal_recordings_alone(evaluated: tuple) -> None:
    assert evaluated[1].soundscapes["metrics"]
    assert evaluated[1].failure_modes


# Leaks

AddShard = Callable[..., Path]


@pytest.fixture
def leaking_shard(tiny_data: TinyData, tmp_path: Path) -> AddShard:
    """A shard into which a test recording found its way: packed anew, under another name and label."""

    def add(part: str) -> Path:
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
        return tmp_path / "shard"

    return add


def test_leak__a_test_recording_moved_into_training_is_caught(
    inputs: Inputs, leaking_shard: AddShard, tiny_data: TinyData, tmp_path: Path
) -> None:
    moved = replace(inputs, development=[*inputs.development, leaking_shard("train")])
    name = tiny_data.recordings.loc[tiny_data.recordings["split"] == "test", "recording_id"].iloc[0]
    with pytest.raises(SplitError, match=f"test recording {name} leaked: this run was trained on the same sound"):
        run(moved, Outputs(tmp_path / "evaluation.json"))
    assert not (tmp_path / "evaluation.json").exists()


def test_leak__that_only_the_trained_head_knows_of_is_caught(
    inputs: Inputs, leaking_shard: AddShard, tiny_data: TinyData, tiny_ensemble: TinyEnsemble, tmp_path: Path
) -> None:
    # The head was trained elsewhere, on other shards than those that are shown here.
    trained_on = ShardSet([*tiny_data.development, leaking_shard("train")], tiny_data.config.features, "train")
    head = replace(tiny_ensemble.heads[1], trained_on=recording_fingerprints(trained_on.table))
    head.save(tmp_path / "head")
    heads = [inputs.heads[0], tmp_path / "head"]
    with pytest.raises(SplitError, match=f"leaked: {head.name} was trained on the same sound"):
        run(replace(inputs, heads=heads), Outputs(tmp_path / "evaluation.json"))


def test_leak__a_test_recording_among_validation_is_caught(
    inputs: Inputs, leaking_shard: AddShard, tmp_path: Path
) -> None:
    # Weights, calibration and thresholds would be fitted on it.
    moved = replace(inputs, development=[*inputs.development, leaking_shard("validation")])
    with pytest.raises(SplitError, match="same sound"):
        run(moved, Outputs(tmp_path / "evaluation.json"))


def test_heads__remember_what_they_were_trained_on(tiny_data: TinyData, tiny_ensemble: TinyEnsemble) -> None:
    training = ShardSet(tiny_data.development, tiny_data.config.features, "train").table
    for head in tiny_ensemble.heads:
        assert head.trained_on == recording_fingerprints(training)
    sounds = set(training["waveform_sha256"])
    assert len(sounds) == len(training) == np.sum(tiny_data.recordings["split"] == "train")
