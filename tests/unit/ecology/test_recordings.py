"""Each recording counts once, on its own day, at its own clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from silencio.ecology import NO_SITE, Places, Site
from tests.unit.ecology.made_log import AT, failed, observed, recording


def test_recordings__copies_of_a_release_do_not_count() -> None:
    answered = recording(["a"], request_id="r")
    copy = recording(["b"], request_id="r", shadow=True, bundle_version="2")
    observations = observed(answered, copy)
    assert [one.code for one in observations.detections] == ["a"]
    assert observations.left_out.n_shadow_rows == 1
    assert len(observations.requests) == 1


def test_recordings__a_copy_of_an_older_file_without_the_column_does_not_count_twice() -> None:
    answered = recording(["a"], request_id="r")
    copy = recording(["b"], request_id="r", bundle_version="2")
    observations = observed(answered, copy)
    assert [(one.code, one.recording.bundle_version) for one in observations.detections] == [("a", "1")]


def test_recordings__a_copied_file_counts_once() -> None:
    rows = recording(["a"], ["a"])
    observations = observed(rows, rows)
    assert len(observations.recordings) == 1
    assert [(one.start_s, one.end_s) for one in observations.detections] == [(0, 10)]


@pytest.mark.parametrize(
    ("first", "second", "n"),
    [
        # A phone sends again after a broken connection.
        ({"session_id": "s", "recorded_at": None}, {"session_id": "s", "recorded_at": None}, 1),
        # The same sound of the same moment, though the app was started anew in between.
        ({"session_id": "s"}, {"session_id": "t"}, 1),
        # Two visitors cannot record the same bytes; without a moment nobody knows that they are one.
        ({"session_id": "s", "recorded_at": None}, {"session_id": "t", "recorded_at": None}, 2),
        # Two recorders with dead microphones, at one time.
        ({"site_id": "rio"}, {"site_id": "mirador"}, 2),
        # Silence, recorded twice.
        ({"recorded_at": AT}, {"recorded_at": AT + timedelta(minutes=1)}, 2),
        # A device that computes features has no sound to compare, but its client's name of the request.
        (
            {"waveform_sha256": None, "client_request_id": "c"},
            {"waveform_sha256": None, "client_request_id": "c"},
            1,
        ),
        ({"waveform_sha256": None}, {"waveform_sha256": None}, 2),
    ],
)
def test_recordings__one_that_was_sent_twice_counts_once(
    first: dict[str, object], second: dict[str, object], n: int
) -> None:
    sound = {"waveform_sha256": "sound"}
    observations = observed(recording(["a"], **(sound | first)), recording(["a"], **(sound | second)))
    assert len(observations.recordings) == n == len(observations.detections)
    assert observations.left_out.n_repeated_recordings == 2 - n
    # Both were requests, which the server answered.
    assert len(observations.requests) == 2


def test_recordings__of_two_recordings_in_a_request_both_count() -> None:
    rows = [*recording(["a"], request_id="r"), *recording(["b"], ["b"], request_id="r", recording=1)]
    observations = observed(rows)
    assert [(one.code, one.recording.prediction_id) for one in observations.detections] == [("a", "r-0"), ("b", "r-1")]
    assert len(observations.requests) == 1


def test_recordings__days_are_those_of_the_sites_clock() -> None:
    late = datetime(2026, 6, 1, 4, 59, tzinfo=UTC)  # 23:59 of 31 May in Bogotá
    observations = observed(recording(["a"], at=late), recording(["b"], at=late + timedelta(minutes=1)))
    assert [one.begun_at.date() for one in observations.recordings] == [date(2026, 5, 31)]
    assert observations.left_out.n_other_days == 1
    places = Places(zone="America/Bogota", sites={"mirador": Site(zone="Asia/Tokyo")})
    assert not observed(recording(["a"], at=late), places=places).recordings


def test_recordings__a_month_has_what_arrived_weeks_later() -> None:
    at = datetime(2026, 5, 30, 12, tzinfo=UTC)
    observations = observed(recording(["a"], at=at, received_at=at + timedelta(days=40)))
    assert len(observations.recordings) == 1 == len(observations.requests)


@pytest.mark.parametrize("days", [-90, 2])
def test_recordings__a_clock_that_jumped_is_told_and_not_believed(days: int) -> None:
    wrong = recording(["a"], recorded_at=AT + timedelta(days=days))
    observations = observed(wrong, recording(["b"]))
    assert [one.code for one in observations.detections] == ["b"]
    assert observations.left_out.n_wrong_clocks == 1


def test_recordings__without_a_time_that_of_the_request_stands_in() -> None:
    observations = observed(recording(["a"], recorded_at=None))
    (one,) = observations.recordings
    assert (one.begun_at, one.is_dated) == (AT + timedelta(minutes=2), False)
    assert observations.left_out.n_undated == 1


def test_recordings__length_is_that_of_the_sound_not_of_the_windows() -> None:
    (one,) = observed(recording(["a"], ["a"], duration_s=7.5)).recordings
    assert one.duration_s == 7.5
    (one,) = observed(recording(["a"], ["a"], n_samples=None)).recordings
    assert one.duration_s == 10


def test_recordings__failed_requests_are_requests_alone() -> None:
    observations = observed(failed(site_id=None))
    (request,) = observations.requests
    assert (request.is_answered, request.site_id) == (False, NO_SITE)
    assert not observations.recordings


def test_recordings__of_an_empty_log_there_are_none() -> None:
    observations = observed([])
    assert not observations.recordings
    assert not observations.requests


def test_recordings__end_after_the_clock_was_put_back() -> None:
    places = Places(zone="Europe/Berlin")
    at = datetime(2026, 10, 25, 0, 59, 30, tzinfo=UTC)  # half a minute before 3:00 becomes 2:00
    (one,) = observed(
        recording(["a"], at=at, duration_s=60), places=places, since=date(2026, 10, 1), until=date(2026, 11, 1)
    ).recordings
    assert one.ended_at == (at + timedelta(seconds=60)).astimezone(ZoneInfo("Europe/Berlin"))
    assert one.ended_at.astimezone(UTC) == at + timedelta(seconds=60)
