"""Windows become detections, and people have the last word."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from silencio.ecology import Review
from silencio.ecology.detections import Verdict
from tests.unit.ecology.made_log import observed, recording

LOOKED_AT = datetime(2026, 6, 2, tzinfo=UTC)


def _rows() -> list[dict[str, object]]:
    """Two windows with `a`, one without, one with `a` and `b`."""
    return recording(["a"], ["a"], [], ["a", "b"], request_id="r")


def _reviews(*found: tuple[int, str, Verdict]) -> dict[tuple[str, int, str], Review]:
    return {("r-0", window, code): Review(verdict, LOOKED_AT) for window, code, verdict in found}


def test_detections__are_runs_without_a_break() -> None:
    observations = observed(_rows())
    assert [(one.code, one.start_s, one.end_s, one.status) for one in observations.detections] == [
        ("a", 0, 10, "unreviewed"),
        ("a", 15, 20, "unreviewed"),
        ("b", 15, 20, "unreviewed"),
    ]


def test_detections__a_last_window_that_was_moved_back_belongs_to_its_run() -> None:
    rows = recording(["a"], ["a"], duration_s=7.5)
    rows[1] |= {"start_s": 2.5, "end_s": 7.5}
    (one,) = observed(rows).detections
    assert (one.start_s, one.end_s) == (0, 7.5)


def test_detections__have_the_highest_probability_of_their_windows() -> None:
    rows = _rows()
    rows[1]["top_probabilities"] = [0.75]
    rows[0]["top_probabilities"] = [0.5]
    rows[3] |= {"top_codes": ["b"], "top_probabilities": [0.5]}  # a is not among the five that the row lists
    assert [one.probability for one in observed(rows).detections] == [0.75, None, 0.5]


@pytest.mark.parametrize(
    ("found", "status", "is_accepted"),
    [
        ([(0, "a", "present")], "confirmed", True),
        ([(0, "a", "absent")], "rejected", False),
        ([(1, "a", "unsure")], "unsure", False),
        # One confirmed window is enough: the others are the same song.
        ([(0, "a", "absent"), (1, "a", "present")], "confirmed", True),
        ([(0, "a", "absent"), (1, "a", "unsure")], "unsure", False),
    ],
)
def test_detections__what_people_found_decides(
    found: list[tuple[int, str, Verdict]], status: str, is_accepted: bool
) -> None:
    one = observed(_rows(), reviews=_reviews(*found)).detections[0]
    assert (one.status, one.is_accepted, one.reviewed_at) == (status, is_accepted, LOOKED_AT)
    # Looking at it changes neither its start nor its end, and so not its name elsewhere.
    assert (one.start_s, one.end_s) == (0, 10)


def test_detections__a_relabelled_one_counts_as_what_it_was_corrected_to() -> None:
    observations = observed(_rows(), reviews=_reviews((3, "b", "absent"), (3, "c", "present")))
    assert {one.code: one.status for one in observations.detections if one.start_s == 15} == {
        "a": "unreviewed",
        "b": "rejected",
        "c": "corrected",
    }
    assert {one.code for one in observations.accepted} == {"a", "c"}


def test_detections__are_confirmed_from_the_first_such_window_to_the_last() -> None:
    one = observed(_rows(), reviews=_reviews((1, "a", "present"))).detections[0]
    assert one.confirmed_s == (5, 10)


def test_detections__a_rejected_species_that_nobody_detected_is_none() -> None:
    observations = observed(_rows(), reviews=_reviews((2, "c", "absent")))
    assert {one.code for one in observations.detections} == {"a", "b"}


def test_detections__reviews_of_other_recordings_and_windows_change_nothing() -> None:
    reviews = _reviews((9, "a", "absent")) | {("other-0", 0, "a"): Review("absent")}
    assert all(one.status == "unreviewed" for one in observed(_rows(), reviews=reviews).detections)


def test_detections__the_second_recordings_windows_are_counted_from_its_own_first() -> None:
    rows = [*_rows(), *recording(["b"], ["a"], request_id="s")]
    reviews = {("s-0", 1, "a"): Review("absent")}
    rejected = [one for one in observed(rows, reviews=reviews).detections if one.status == "rejected"]
    assert [(one.recording.request_id, one.code, one.start_s) for one in rejected] == [("s", "a", 5)]
