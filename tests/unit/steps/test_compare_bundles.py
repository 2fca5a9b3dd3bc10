"""compare_bundles: how good, how fast, how large, and what may be done with it, of both bundles of a run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from silencio.bundle.load import Bundle
from silencio.bundle.manifest import GRAPH
from silencio.config import resolve
from silencio.data.shards import ShardSet
from silencio.errors import DataError
from silencio.evaluation.costs import example_recordings, measure_costs
from silencio.evaluation.held_out import EvaluationData, Predictions, evaluate_test_set
from silencio.evaluation.results import ENSEMBLE
from silencio.evaluation.slices import SliceConfig
from silencio.steps.compare_bundles import Inputs, Outputs, run
from tests.conftest import TinyData
from tests.tiny_reserve import TINY


def _evaluation(data: TinyData, path: Path, n_wrong: int, of: str) -> Path:
    """Of a model that is sure, and wrong about the first recordings."""
    test_set = ShardSet(data.test, data.config.features, "test")
    truth = np.array([data.classes.index[code] for code in test_set.table["primary_label"]])
    predictions = np.full((len(test_set), 4), 0.05)
    predictions[np.arange(len(test_set)), (truth + (np.arange(len(test_set)) < n_wrong)) % 4] = 0.85
    made = Predictions({of: predictions}, predictions, predictions > 0.5, bundle=of)
    evaluate_test_set(made, EvaluationData(test_set, test_set, data.classes), [], SliceConfig(), n_resamples=100).save(
        path
    )
    return path


@pytest.fixture
def inputs(tiny_data: TinyData, tiny_bundle: Path, tmp_path: Path) -> Inputs:
    """The ensemble is right of all four recordings, the student of three; both are the same bundle."""
    return Inputs(
        config=resolve(TINY, overrides=["student.kind=raw_cnn"]),
        released="student",
        ensemble=tiny_bundle,
        ensemble_evaluation=_evaluation(tiny_data, tmp_path / "ensemble", 0, ENSEMBLE),
        student=tiny_bundle,
        student_evaluation=_evaluation(tiny_data, tmp_path / "student", 1, "student"),
    )


@pytest.fixture
def outputs(tmp_path: Path) -> Outputs:
    return Outputs(page=tmp_path / "page.html", table=tmp_path / "table.json")


def test_compare_bundles__one_table_has_both(inputs: Inputs, outputs: Outputs, tiny_bundle: Path) -> None:
    metrics = run(inputs, outputs)
    facts = json.loads(outputs.table.read_text())
    ensemble, student = facts["bundles"]
    assert (ensemble["name"], ensemble["top1"], ensemble["released"]) == ("ensemble", 1.0, False)
    assert (student["name"], student["top1"], student["released"]) == ("student", 0.75, True)
    assert facts["student_minus_ensemble"]["top1"] == -0.25
    low, high = facts["student_minus_ensemble"]["top1_interval"]
    assert low <= -0.25 <= high <= 0.0
    assert metrics["student_top1"] == 0.75
    # Figures stand side by side with the recordings that they are of.
    assert ensemble["test_set"] == student["test_set"] != ""
    assert facts["student_minus_ensemble"]["n_recordings"] == ensemble["n_recordings"] == 4
    assert f"on 4\u202ftest recordings, test set {student['test_set']}" in outputs.page.read_text()
    licence = Bundle(tiny_bundle).manifest.licences["verdict"]
    assert ensemble["licence"] == licence
    page = outputs.page.read_text()
    for text in ("times real time", licence, "75", "100", "refused"):
        assert text in page


def test_compare_bundles__times_are_taken_on_validation_recordings(
    inputs: Inputs, outputs: Outputs, tiny_data: TinyData, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def reading(path: str) -> bytes:
        read.append(path)
        return Path(path).read_bytes()

    monkeypatch.setattr("silencio.evaluation.costs.read_bytes", reading)
    run(inputs, outputs)
    part = tiny_data.recordings.set_index("path")["split"]
    assert read and set(part[read]) == {"validation"}


def test_compare_bundles__names_the_released_one_and_that_the_gates_have_the_last_word(
    inputs: Inputs,
    outputs: Outputs,
) -> None:
    run(inputs, outputs)
    # The tiny bundle was never evaluated.
    assert "The student would be registered, but the gates refused it" in outputs.page.read_text()


def test_compare_bundles__figures_on_different_recordings_are_not_compared(inputs: Inputs, outputs: Outputs) -> None:
    path = inputs.student_evaluation
    facts = json.loads(path.read_text())
    facts["answers"] = facts["answers"][1:]
    path.write_text(json.dumps(facts))
    with pytest.raises(DataError, match="different test recordings"):
        run(inputs, outputs)


def test_costs__count_files_and_score_every_recording(tiny_data: TinyData, tiny_bundle: Path) -> None:
    recordings = example_recordings(tiny_data.recordings)
    costs = measure_costs({"one": tiny_bundle, "other": tiny_bundle}, recordings)
    validation = ShardSet(tiny_data.development, tiny_data.config.features, "validation")
    audio_s = sum(len(waveform) for waveform in validation) / 16000
    for one in costs.values():
        assert one.graph_bytes == (tiny_bundle / GRAPH).stat().st_size
        assert one.bundle_bytes == sum(path.stat().st_size for path in tiny_bundle.rglob("*") if path.is_file())
        assert one.n_timed == len(recordings) == len(validation)
        assert one.audio_s == pytest.approx(audio_s)
        assert one.times_real_time > 0


def test_example_recordings__are_few_and_from_all_over(tiny_data: TinyData) -> None:
    everything = tiny_data.recordings.assign(split="validation")
    paths = list(everything["path"])
    taken = [path for path in paths if Path(path).read_bytes() in example_recordings(everything)]
    assert len(taken) == 6
    assert taken[0] == paths[0]
    assert taken[-1] == paths[len(paths) * 5 // 6]


def test_example_recordings__are_none_of_the_test_set(tiny_data: TinyData) -> None:
    table = tiny_data.recordings
    of_validation = [Path(path).read_bytes() for path in table.loc[table["split"] == "validation", "path"]]
    assert example_recordings(table) == of_validation
    assert example_recordings(table[table["split"] == "test"]) == []
