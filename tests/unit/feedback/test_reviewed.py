"""Reviewed detections: one a species and recording."""

from __future__ import annotations

import pytest

from silencio.feedback import Detection, Held, ReviewedDetection, reviewed_detections


def held(*verdicts: str) -> dict[tuple[str, str], Held]:
    return {(f"r1-0:{n}", "houspa"): Held(verdict, False, 1) for n, verdict in enumerate(verdicts)}  # type: ignore[arg-type]


def detections(*probabilities: float) -> list[Detection]:
    return [Detection(f"r1-0:{n}", "houspa", p) for n, p in enumerate(probabilities)]


def test_reviewed__is_what_was_confirmed_or_rejected_alone() -> None:
    (found,) = reviewed_detections(
        detections(0.9, 0.8, 0.7, 0.2, 0.1), held("present", "absent", "present", "unsure", "bad_audio")
    )
    # Of the same three, not of all five.
    assert found == ReviewedDetection("r1-0", "houspa", pytest.approx(0.8), True)


def test_reviewed__counts_a_species_in_a_recording_once_however_many_windows_name_it() -> None:
    (wrong,) = reviewed_detections(detections(*[0.9] * 24), held(*["absent"] * 24))
    assert not wrong.is_right
    (half,) = reviewed_detections(detections(0.9, 0.8), held("present", "absent"))
    assert half.is_right
    (fewer,) = reviewed_detections(detections(0.9, 0.8, 0.7), held("present", "absent", "absent"))
    assert not fewer.is_right


def test_reviewed__of_two_recordings_and_two_species_are_each_its_own() -> None:
    given = [Detection(window, code, 0.9) for window in ("r1-0:0", "r2-0:0") for code in ("houspa", "grekis")]
    verdicts = {(one.window_id, one.code): Held("present", False, 1) for one in given}
    found = reviewed_detections(given, verdicts)
    assert [(one.prediction_id, one.code) for one in found] == [
        ("r1-0", "houspa"),
        ("r1-0", "grekis"),
        ("r2-0", "houspa"),
        ("r2-0", "grekis"),
    ]


def test_reviewed__a_verdict_on_another_species_is_none_on_this_one() -> None:
    assert reviewed_detections([Detection("r1-0:0", "grekis", 0.9)], held("present")) == []
