"""The figures on the test set, kept as one file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from silencio.evaluation.calibration_error import CalibrationError
from silencio.evaluation.comparisons import Comparison
from silencio.evaluation.metrics import Metrics
from silencio.evaluation.results import Evaluation
from silencio.evaluation.slices import SliceMetrics

BIRDS = {"macro_map": 0.7, "top1": 0.5, "n_recordings": 6, "n_species": 2}
FROGS = {"macro_map": 0.2, "top1": 0.25, "n_recordings": 4, "n_species": 1}
OTHERS = (0.8, 0.5, 0.9, 0.4, 0.7, 0.2)
EVALUATION = Evaluation(
    rows={
        "ensemble": Metrics(0.6, 0.4, 10, 3, *OTHERS, {"Aves": BIRDS, "Amphibia": FROGS}),
        "raw_cnn": Metrics(0.5, 0.3, 10, 3, *OTHERS, {"Aves": BIRDS}),
        "majority class": Metrics(0.1, 0.2, 10, 3, *OTHERS),
    },
    answers=[
        {
            "recording_id": "0126247/ñandú.ogg",
            "path": "/data/0126247/ñandú.ogg",
            "primary_label": "0126247",
            "predicted": "grekis",
            "probability": 0.1 + 0.2,
        }
    ],
    comparisons=[Comparison("majority class", "top1", 0.2, (0.1, 0.3), 10)],
    slices=[SliceMetrics("rare species", 12, 3, 0.5, (0.2, 0.8), 0.6, (0.3, 0.9), True, -0.1, (-0.3, 0.1))],
)


def test_evaluation__survives_the_disk(tmp_path: Path) -> None:
    EVALUATION.save(tmp_path / "evaluation.json")
    assert Evaluation.load(tmp_path / "evaluation.json") == EVALUATION


def test_evaluation__keeps_the_order_of_what_was_judged(tmp_path: Path) -> None:
    EVALUATION.save(tmp_path / "evaluation.json")
    assert list(Evaluation.load(tmp_path / "evaluation.json").rows) == ["ensemble", "raw_cnn", "majority class"]


def test_evaluation__is_json_that_others_can_read(tmp_path: Path) -> None:
    EVALUATION.save(tmp_path / "evaluation.json")
    facts = json.loads((tmp_path / "evaluation.json").read_text(encoding="utf-8"))
    assert facts["rows"]["ensemble"]["by_class"]["Aves"]["top1"] == 0.5
    assert facts["answers"][0]["primary_label"] == "0126247"


def test_evaluation__a_file_from_before_it_said_which_row_is_the_bundles_is_an_ensembles(tmp_path: Path) -> None:
    EVALUATION.save(tmp_path / "evaluation.json")
    facts = json.loads((tmp_path / "evaluation.json").read_text(encoding="utf-8"))
    for name in ("bundle_row", "heads", "test_set", "champion_rows"):
        del facts[name]
    (tmp_path / "evaluation.json").write_text(json.dumps(facts), encoding="utf-8")
    assert Evaluation.load(tmp_path / "evaluation.json") == EVALUATION
    assert EVALUATION.metrics.top1 == 0.4


def test_evaluation__of_earlier_versions_is_read(tmp_path: Path) -> None:
    # They called the share of recordings `n` and the share of them that is right `share`, and knew no interval.
    point = {"mean_probability": 0.7, "share": 0.5, "n": 1.0}
    old = {"error_before": 0.3, "error_after": 0.2, "before": [point], "after": [point]}
    replace(EVALUATION, calibration=old).save(tmp_path / "evaluation.json")
    found = Evaluation.load(tmp_path / "evaluation.json")
    renamed = {"mean_probability": 0.7, "right_share": 0.5, "recordings_share": 1.0}
    assert found.calibration == {**old, "before": [renamed], "after": [renamed]}
    # A gate on what was not computed refuses.
    assert found.calibration_error is None


def test_evaluation__from_before_names_changed_is_the_same(tmp_path: Path) -> None:
    now = replace(
        EVALUATION,
        bundle_row="raw_cnn",
        test_set="3f2a9c1b0d4e",
        soundscapes={"metrics": {"macro_map": 0.5}, "timeline": [{"name": "SIM01", "detections": []}]},
        failure_modes={"nothing_to_name": [{"name": "digital silence", "separation_auc": 0.9}]},
        mislabelled={"metrics": {"recall": 0.8}, "suspects": []},
    )
    now.save(tmp_path / "evaluation.json")
    text = (tmp_path / "evaluation.json").read_text(encoding="utf-8")
    for new, old in (
        ("bundle_row", "judged"),
        ("test_set", "test_part"),
        ("metric", "figure"),
        ("metrics", "figures"),
        ("separation_auc", "told_apart"),
    ):
        assert f'"{new}":' in text
        text = text.replace(f'"{new}":', f'"{old}":')
    (tmp_path / "evaluation.json").write_text(text, encoding="utf-8")
    assert Evaluation.load(tmp_path / "evaluation.json") == now


def test_calibration_error__is_the_one_after_calibration() -> None:
    facts = {"error_before": 0.3, "error_before_interval": [0.2, 0.4], "error_after": 0.1}
    facts |= {"error_after_interval": [0.0, 0.2], "n_recordings": 10}
    assert replace(EVALUATION, calibration=facts).calibration_error == CalibrationError(0.1, (0.0, 0.2), 10)
