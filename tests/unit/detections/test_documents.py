"""Numbers as an answer for people."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pydantic import ValidationError

from silencio.detections import RecordingDocument, recording_document
from silencio.taxonomy import ClassList, Species

CLASSES = ClassList.of(
    Species(code=code, scientific_name=f"Genus {code}", common_name=f"The {code}", class_name="Aves")
    for code in ("1", "2", "a", "b")
)
PROBABILITIES = np.array([[0.1, 0.4, 0.3, 0.2], [0.25, 0.25, 0.3, 0.2]], np.float32)


def _document(top_k: object) -> RecordingDocument:
    return recording_document([0.0, 5.0], PROBABILITIES, 5.0, CLASSES, top_k)  # type: ignore[arg-type]  # a parameter


def test_recording_document__windows_have_start_and_end() -> None:
    assert [(one.start_s, one.end_s) for one in _document(1).windows] == [(0.0, 5.0), (5.0, 10.0)]


def test_recording_document__the_likeliest_comes_first() -> None:
    assert [one.code for one in _document("all").windows[0].species] == ["2", "a", "b", "1"]


def test_recording_document__equals_keep_the_order_of_the_class_list() -> None:
    assert [one.code for one in _document("all").windows[1].species] == ["a", "1", "2", "b"]


@pytest.mark.parametrize(("top_k", "n_species"), [(1, 1), (3, 3), (4, 4), (99, 4), ("all", 4)])
def test_recording_document__lists_as_many_as_asked(top_k: object, n_species: int) -> None:
    assert [len(one.species) for one in _document(top_k).windows] == [n_species, n_species]


def test_recording_document__names_come_from_the_class_list() -> None:
    first = _document(1).windows[0].species[0]
    assert (first.code, first.scientific_name, first.common_name, first.class_name) == ("2", "Genus 2", "The 2", "Aves")


def test_recording_document__json_keeps_every_bit() -> None:
    document = _document("all")
    read = RecordingDocument.model_validate(json.loads(json.dumps(document.model_dump())))
    assert read == document
    assert np.float32(read.windows[0].species[0].probability) == PROBABILITIES[0, 1]


def test_recording_document__unknown_fields_are_refused() -> None:
    with pytest.raises(ValidationError, match="extra"):
        RecordingDocument.model_validate({"windows": [], "more": 1})
