"""Weeks as eBird and BirdNET count them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from silencio.detections.prior import week_of_year


@pytest.mark.parametrize(
    ("day", "week"),
    [
        (date(2025, 1, 1), 1),
        (date(2025, 1, 7), 1),
        (date(2025, 1, 8), 2),
        (date(2025, 1, 21), 3),
        (date(2025, 1, 22), 4),
        (date(2025, 1, 31), 4),
        (date(2025, 2, 1), 5),
        (date(2025, 12, 31), 48),
        (datetime(2025, 6, 15, 5, 40, tzinfo=UTC), 23),
    ],
)
def test_week_of_year__four_a_month(day: date, week: int) -> None:
    assert week_of_year(day) == week
