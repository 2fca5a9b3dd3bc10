"""What rows are called: a reader takes no bundle for another, and no figure for one of other recordings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from silencio.evaluation.metrics import Metrics
from silencio.evaluation.results import Evaluation
from silencio.evaluation.row_names import bundle_name, results_table, row_names
from tests.unit.evaluation.test_results import EVALUATION

OF_TWO = {"ensemble": {"effnet_lora": True, "raw_cnn": True}}
DISTILLED = {"student": {"student": True}, **OF_TWO}


def _metrics(top1: float, n_recordings: int = 10) -> Metrics:
    return Metrics(0.5, top1, n_recordings, 3, 0.8, 0.5, 0.9, 0.4, 0.7, 0.2)


def _evaluation(evaluated: str, heads: dict[str, dict[str, bool]], *rows: str) -> Evaluation:
    return Evaluation(rows={name: _metrics(0.5) for name in rows}, answers=[], bundle_row=evaluated, heads=heads)


def test_row_names__an_ensemble_says_of_what_it_is_made() -> None:
    names = row_names(_evaluation("ensemble", OF_TWO, "ensemble", "effnet_lora", "raw_cnn", "majority class"))
    assert names["ensemble"] == "this bundle (ensemble of effnet_lora and raw_cnn)"
    assert names["raw_cnn"] == "head raw_cnn"
    assert names["majority class"] == "majority class"


def test_row_names__a_student_and_its_teacher_are_two_bundles() -> None:
    names = row_names(_evaluation("student", DISTILLED, "student", "ensemble", "effnet_lora", "raw_cnn"))
    assert names["student"] == "this bundle (student)"
    assert names["ensemble"] == "its teacher (ensemble of effnet_lora and raw_cnn)"
    assert names["raw_cnn"] == "head raw_cnn of its teacher"


def test_row_names__a_head_that_was_left_out_is_no_part_of_the_bundle() -> None:
    heads = {"ensemble": {"texture": True, "raw_cnn": False}}
    names = row_names(_evaluation("ensemble", heads, "ensemble", "texture", "raw_cnn"))
    assert names["ensemble"] == "this bundle (texture alone)"
    # The same model but for what calibration did: not one that the bundle could be better than.
    assert names["texture"] == "head texture, before calibration"
    assert names["raw_cnn"] == "head raw_cnn, left out"


def test_row_names__of_a_file_from_before_heads_were_kept() -> None:
    assert row_names(EVALUATION)["ensemble"] == "this bundle (ensemble)"
    assert row_names(EVALUATION)["raw_cnn"] == "raw_cnn"


@pytest.mark.parametrize(
    ("n_heads", "name"), [(1, "a alone"), (2, "ensemble of a and b"), (3, "ensemble of a, b and c")]
)
def test_bundle_name__lists_its_heads(n_heads: int, name: str) -> None:
    heads = {"ensemble": dict.fromkeys("abc"[:n_heads], True)}
    assert bundle_name("ensemble", _evaluation("ensemble", heads, "ensemble")) == name


def test_results_table__one_row_for_each_with_top1_by_taxon_class() -> None:
    table = results_table(EVALUATION)
    assert list(table.columns) == ["model", "recordings", "macro mAP", "top-1", "Aves", "Amphibia"]
    assert list(table["model"]) == ["this bundle (ensemble)", "raw_cnn", "majority class"]
    assert list(table.iloc[0])[1:] == [10, 0.6, 0.4, 0.5, 0.25]


def test_results_table__what_was_not_judged_is_empty() -> None:
    table = results_table(EVALUATION).set_index("model")
    assert table["Amphibia"].isna().tolist() == [False, True, True]


def test_results_table__holds_the_other_bundle_of_the_run() -> None:
    table = results_table(EVALUATION, {"student": _metrics(0.3)})
    assert list(table["model"])[:2] == ["this bundle (ensemble)", "the other bundle (student)"]
    assert list(table["top-1"])[:2] == [0.4, 0.3]


@pytest.mark.parametrize("n_compared", [10, 8])
def test_results_table__the_champion_stands_beside_the_bundle_on_its_own_recordings(n_compared: int) -> None:
    own = {"champion": _metrics(0.25, n_compared), "ensemble": _metrics(0.75, n_compared)}
    table = results_table(replace(EVALUATION, champion="1452e0a87c11", champion_rows=own))
    shown = list(zip(table["model"], table["recordings"], table["top-1"], strict=True))
    champion = [("champion 1452e0a87c11", n_compared, 0.25)]
    assert shown[3:] == champion + [("this bundle on the champion's recordings", 8, 0.75)] * (n_compared < 10)
