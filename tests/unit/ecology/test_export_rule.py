"""Nothing that nobody listened to leaves the house, unless reviews bear its species out."""

from __future__ import annotations

from typing import Any

import pytest

from silencio.ecology import Observations, Review
from silencio.ecology.export_rule import chosen
from tests.unit.ecology.made_log import observed, recording


def _observed(n_right: int, n_wrong: int, n_unreviewed: int = 1, **facts: Any) -> Observations:
    rows, reviews = [], {}
    for i, verdict in enumerate(["present"] * n_right + ["absent"] * n_wrong + [None] * n_unreviewed):
        rows.append(recording(["a"], request_id=f"q{i}", **facts))
        if verdict:
            reviews[f"q{i}-0", 0, "a"] = Review(verdict)
    return observed(*rows, reviews=reviews)


@pytest.mark.parametrize(
    ("n_right", "n_wrong", "is_exported"),
    [(0, 0, False), (9, 0, False), (17, 0, False), (18, 0, True), (40, 1, True), (40, 4, False), (900, 75, True)],
)
def test_rule__unreviewed_ones_need_a_reviewed_precision_that_is_surely_high(
    n_right: int, n_wrong: int, is_exported: bool
) -> None:
    choice = chosen(_observed(n_right, n_wrong).detections)
    assert len(choice.detections) == n_right + is_exported
    assert choice.n_unreviewed_left_out == 1 - is_exported
    assert choice.n_rejected == n_wrong


def test_rule__only_verified_takes_no_machines_word() -> None:
    choice = chosen(_observed(100, 0).detections, only_verified=True)
    assert {one.status for one in choice.detections} == {"confirmed"}


def test_rule__reviews_of_another_version_bear_nothing_out() -> None:
    reviewed = _observed(30, 0, 0)
    newer = observed(recording(["a"], bundle_version="2"))
    choice = chosen([*reviewed.detections, *newer.detections])
    assert {one.recording.bundle_version for one in choice.detections} == {"1"}


def test_rule__what_a_person_added_or_doubted() -> None:
    rows = recording(["a"], [], request_id="r")
    reviews = {("r-0", 1, "b"): Review("present"), ("r-0", 0, "a"): Review("unsure")}
    choice = chosen(observed(rows, reviews=reviews).detections)
    assert [one.code for one in choice.detections] == ["b"]
    assert choice.n_rejected == 1
