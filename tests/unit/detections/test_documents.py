"""Numbers as an answer for people."""

from __future__ import annotations

import json
import sys
from types import FrameType
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from silencio.detections import Expected, RecordingDocument, recording_document
from silencio.errors import BundleIntegrityError
from silencio.taxonomy import ClassList, Species

CLASSES = ClassList.of(
    Species(code=code, scientific_name=f"Genus {code}", common_name=f"The {code}", class_name="Aves")
    for code in ("1", "2", "a", "b")
)
PROBABILITIES = np.array([[0.1, 0.4, 0.3, 0.2], [0.25, 0.25, 0.3, 0.2]], np.float32)


def _document(top_k: Any, probabilities: Any = PROBABILITIES, **more: Any) -> RecordingDocument:
    rows = np.asarray(probabilities, np.float32)
    given = {**more, "thresholds": {**dict.fromkeys(CLASSES.codes, 0.5), **more.get("thresholds", {})}}
    starts_s = [5.0 * i for i in range(len(rows))]
    return recording_document(starts_s, rows, window_s=5.0, hop_s=5.0, classes=CLASSES, top_k=top_k, **given)


def _codes(document: RecordingDocument, window: int = 0) -> list[str]:
    return [one.code for one in document.windows[window].species]


def test_recording_document__windows_have_start_and_end() -> None:
    assert [(one.start_s, one.end_s) for one in _document(1).windows] == [(0.0, 5.0), (5.0, 10.0)]


def test_recording_document__the_likeliest_comes_first() -> None:
    assert _codes(_document("all")) == ["2", "a", "b", "1"]


def test_recording_document__equals_keep_the_order_of_the_class_list() -> None:
    assert _codes(_document("all"), 1) == ["a", "1", "2", "b"]


@pytest.mark.parametrize(("top_k", "n_species"), [(1, 1), (3, 3), (4, 4), (99, 4), ("all", 4)])
def test_recording_document__lists_as_many_as_asked(top_k: object, n_species: int) -> None:
    assert [len(one.species) for one in _document(top_k).windows] == [n_species, n_species]


def test_recording_document__names_come_from_the_class_list() -> None:
    first = _document(1).windows[0].species[0]
    assert (first.code, first.scientific_name, first.common_name, first.class_name) == ("2", "Genus 2", "The 2", "Aves")


def test_recording_document__lists_all_that_pass_even_behind_the_top_k() -> None:
    # The least probable species of the first window is the only one above its own threshold.
    document = _document(1, thresholds={"1": 0.05, "2": 0.9, "a": 0.9, "b": 0.9})
    assert _codes(document) == ["2", "1"]
    assert [(one.passes_threshold, one.dropped_by) for one in document.windows[0].species] == [
        (False, "threshold"),
        (True, None),
    ]


def test_recording_document__a_threshold_is_reached_by_its_own_probability() -> None:
    document = _document(1, thresholds={"2": float(np.float32(0.4))})
    assert document.windows[0].species[0].passes_threshold


def test_recording_document__no_class_passes_by_a_threshold_that_nobody_set() -> None:
    with pytest.raises(BundleIntegrityError, match="class 'b' has no threshold"):
        recording_document(
            [0.0],
            PROBABILITIES[:1],
            window_s=5.0,
            hop_s=5.0,
            classes=CLASSES,
            thresholds=dict.fromkeys(("1", "2", "a"), 0.5),
            top_k=1,
        )


def test_recording_document__a_prior_multiplies_and_keeps_the_raw_number() -> None:
    expected = Expected(np.array([1, 0.5, 0, 0], np.float32), [None, "location", "location", "season"])
    species = _document("all", [[0.6, 0.8, 0.9, 0.7]], expected=expected).windows[0].species
    found = {
        one.code: (round(one.raw_probability, 6), round(one.probability, 6), one.passes_threshold, one.dropped_by)
        for one in species
    }
    assert found == {
        "1": (0.6, 0.6, True, None),
        "2": (0.8, 0.4, False, "location"),
        "a": (0.9, 0.0, False, "location"),
        "b": (0.7, 0.0, False, "season"),
    }
    # By what is left; what is ruled out as the model ranks it.
    assert [one.code for one in species] == ["1", "2", "a", "b"]


def test_recording_document__what_the_prior_took_away_is_listed_whatever_k() -> None:
    expected = Expected(np.array([0, 1, 1, 1], np.float32), ["location", None, None, None])
    document = _document(1, [[0.9, 0.3, 0.2, 0.1]], expected=expected)
    assert [(one.code, one.dropped_by) for one in document.windows[0].species] == [
        ("2", "threshold"),
        ("1", "location"),
    ]
    assert document.detections == []


def test_recording_document__ruled_out_below_its_threshold_is_the_thresholds_doing() -> None:
    expected = Expected(np.zeros(4, np.float32), ["season"] * 4)
    species = _document("all", [[0.9, 0.3, 0.2, 0.1]], expected=expected).windows[0].species
    assert {one.code: one.dropped_by for one in species} == {"1": "season", **dict.fromkeys("2ab", "threshold")}


def test_recording_document__a_threshold_of_zero_does_not_let_in_what_is_ruled_out() -> None:
    expected = Expected(np.array([0, 1, 1, 1], np.float32), ["location", None, None, None])
    species = _document("all", [[0.9, 0.0, 0.2, 0.1]], thresholds={"1": 0.0, "2": 0.0}, expected=expected)
    verdicts = {one.code: one.passes_threshold for one in species.windows[0].species}
    assert verdicts == {"1": False, "2": True, "a": False, "b": False}


def test_recording_document__a_prior_without_a_word_changes_no_bit() -> None:
    expected = Expected(np.ones(4, np.float32), [None] * 4)
    assert _document("all", expected=expected) == _document("all")


def test_recording_document__detections_by_start_then_code() -> None:
    document = _document(1, [[0.1, 0.1, 0.6, 0.1], [0.8, 0.1, 0.7, 0.9]], duration_s=8.5)
    assert [(one.code, one.start_s, one.end_s, round(one.probability, 6)) for one in document.detections] == [
        ("a", 0.0, 8.5, 0.7),
        ("1", 5.0, 8.5, 0.8),
        ("b", 5.0, 8.5, 0.9),
    ]
    assert document.detections[1].common_name == "The 1"
    assert document.duration_s == 8.5
    # The window itself is what the model heard, padding and all.
    assert document.windows[1].end_s == 10.0


def test_recording_document__json_keeps_every_bit() -> None:
    document = _document("all", [[0.7, 0.2, 0.05, 0.05]], duration_s=4.25)
    read = RecordingDocument.model_validate(json.loads(json.dumps(document.model_dump())))
    assert read == document
    assert np.float32(read.windows[0].species[0].probability) == np.float32(0.7)


def test_recording_document__unknown_fields_are_refused() -> None:
    with pytest.raises(ValidationError, match="extra"):
        RecordingDocument.model_validate({"windows": [], "detections": [], "duration_s": None, "more": 1})


def test_recording_document__ten_minutes_with_every_class_are_not_checked_entry_by_entry() -> None:
    classes = ClassList.of(
        Species(code=f"{i:03}", scientific_name=f"Genus s{i}", common_name=f"Name {i}", class_name="Aves")
        for i in range(206)
    )
    rows = np.random.default_rng(0).random((120, 206)).astype(np.float32) ** 6
    built_in_calls = 0

    def count(_: FrameType, event: str, __: object) -> None:
        nonlocal built_in_calls
        built_in_calls += event == "c_call"

    sys.setprofile(count)
    try:
        document = recording_document(
            [5.0 * i for i in range(120)],
            rows,
            window_s=5.0,
            hop_s=5.0,
            classes=classes,
            thresholds=dict.fromkeys(classes.codes, 0.5),
            top_k="all",
        )
    finally:
        sys.setprofile(None)
    # pydantic checks in one such call a model: entries that are checked one by one would take twenty times as long.
    assert built_in_calls < 120 * 206
    assert sum(len(one.species) for one in document.windows) == 120 * 206
