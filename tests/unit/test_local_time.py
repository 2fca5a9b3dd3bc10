"""Local time of instants: recorders often run on UTC."""

from __future__ import annotations

import math
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from silencio.local_time import local_date, local_time

BOGOTA, COLOMBIA = ZoneInfo("America/Bogota"), -74.07


def _local(text: str, longitude: float | None = None, zone: ZoneInfo | None = None) -> str | None:
    when = local_time(datetime.fromisoformat(text), longitude, zone)
    return None if when is None else when.isoformat(timespec="minutes")


def test_local_time__without_a_zone_is_local_wherever_it_was() -> None:
    assert _local("2024-05-01T22:40", COLOMBIA, BOGOTA) == "2024-05-01T22:40"


def test_local_time__of_an_instant_is_by_the_sun_where_coordinates_are_known() -> None:
    # Local mean solar time at 74.07 degrees west is 4 h 56 min behind UTC; the clock there is 5 h.
    assert _local("2024-05-01T22:40Z", COLOMBIA) == "2024-05-01T17:43"
    assert _local("2024-05-01T22:40Z", 150.0) == "2024-05-02T08:40"
    # The same instant, whatever zone it is written in.
    assert _local("2024-05-02T08:40+10:00", COLOMBIA) == "2024-05-01T17:43"


def test_local_time__of_an_instant_is_by_the_declared_zone_before_the_sun() -> None:
    assert _local("2024-05-01T22:40Z", COLOMBIA, BOGOTA) == "2024-05-01T17:40"
    assert _local("2024-07-01T22:40Z", None, ZoneInfo("Europe/Berlin")) == "2024-07-02T00:40"


@pytest.mark.parametrize("longitude", [None, math.nan])
def test_local_time__without_a_place_an_offset_is_the_places_clock_and_utc_is_nobodys(longitude: float | None) -> None:
    assert _local("2024-05-01T23:30-05:00", longitude) == "2024-05-01T23:30"
    assert _local("2024-05-01T23:30Z", longitude) is None
    assert _local("2024-05-01T23:30+00:00", longitude) is None


def test_local_time__beyond_the_calendar_is_not_known() -> None:
    assert _local("0001-01-01T00:00Z", -180.0) is None
    assert local_date(datetime.fromisoformat("0001-01-01T00:00Z"), -180.0) == date(1, 1, 1)


def test_local_date__of_an_evening_in_utc_is_the_day_before() -> None:
    assert local_date(datetime.fromisoformat("2024-05-08T02:00Z"), COLOMBIA) == date(2024, 5, 7)
    assert local_date(datetime.fromisoformat("2024-05-08T02:00"), COLOMBIA) == date(2024, 5, 8)
    assert local_date(date(2024, 5, 8), COLOMBIA) == date(2024, 5, 8)
