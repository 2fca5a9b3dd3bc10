"""Activity is held against effort, at the clock of the place."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from silencio.ecology import Places, by_day, by_hour
from tests.unit.ecology.made_log import AT, observed, recording


def test_hours__detections_are_divided_by_the_sound_of_that_hour() -> None:
    # 7:00 in Bogotá: two recordings with one detection each; 8:00: one with two.
    observations = observed(
        recording(["a"], duration_s=60),
        recording(["a"], at=AT + timedelta(minutes=10), duration_s=60),
        recording(["a"], [], ["b"], at=AT + timedelta(hours=1), duration_s=30),
    )
    hours = by_hour(observations.recordings, observations.accepted)
    assert (hours[7].n_detections, hours[7].per_hour) == (2, pytest.approx(60))
    assert (hours[8].n_detections, hours[8].per_hour) == (2, pytest.approx(240))
    # Nothing was recorded at 9:00: that is not the same as nothing there.
    assert hours[9].per_hour is None
    assert list(hours) == list(range(24))


def test_hours__a_recording_over_the_full_hour_belongs_to_both() -> None:
    rows = recording([], ["a"], at=AT - timedelta(seconds=5), duration_s=20)
    observations = observed(rows)
    hours = by_hour(observations.recordings, observations.accepted)
    assert hours[6].recorded_h * 3600 == pytest.approx(5)
    assert hours[7].recorded_h * 3600 == pytest.approx(15)
    assert (hours[6].n_detections, hours[7].n_detections) == (0, 1)


def test_hours__the_hour_that_comes_twice_has_both_efforts() -> None:
    places = Places(zone="Europe/Berlin")
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    observations = observed(
        *(recording(["a"], at=first + timedelta(hours=i), duration_s=60) for i in range(2)),
        places=places,
        since=date(2026, 10, 1),
        until=date(2026, 11, 1),
    )
    hours = by_hour(observations.recordings, observations.accepted)
    assert (hours[2].n_detections, hours[2].recorded_h * 60) == (2, pytest.approx(2))


def test_days__midnight_is_the_places() -> None:
    rows = recording(["a"], at=datetime(2026, 5, 9, 4, 59, 30, tzinfo=UTC), duration_s=60)
    observations = observed(rows)
    days = by_day(observations.recordings, observations.accepted, [date(2026, 5, 7 + i) for i in range(4)])
    assert [round(one.recorded_h * 3600) for one in days.values()] == [0, 30, 30, 0]
    assert [one.n_detections for one in days.values()] == [0, 1, 0, 0]
    assert days[date(2026, 5, 9)].per_hour == 0
    assert days[date(2026, 5, 10)].per_hour is None
