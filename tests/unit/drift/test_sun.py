"""Parts of the day, against sunrises that almanacs give."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from silencio.drift.sun import DAWN, DAY, DUSK, NIGHT, day_parts, local_days

DAWN_H, DUSK_H = (1.0, 2.5), (1.5, 2.0)


def part(moment: str, latitude: float, longitude: float) -> int:
    epoch = np.array([datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()])
    return int(day_parts(epoch, np.array([latitude]), np.array([longitude]), DAWN_H, DUSK_H)[0])


# Greenwich, 2026-06-21: sunrise 03:43, sunset 20:21 UTC. Quito, 2026-03-20: 11:18 and 23:24 UTC.
@pytest.mark.parametrize(
    ("moment", "latitude", "longitude", "expected"),
    [
        ("2026-06-21T02:35", 51.48, 0.0, NIGHT),
        ("2026-06-21T02:51", 51.48, 0.0, DAWN),
        ("2026-06-21T06:05", 51.48, 0.0, DAWN),
        ("2026-06-21T06:21", 51.48, 0.0, DAY),
        ("2026-06-21T18:43", 51.48, 0.0, DAY),
        ("2026-06-21T18:59", 51.48, 0.0, DUSK),
        ("2026-06-21T22:13", 51.48, 0.0, DUSK),
        ("2026-06-21T22:29", 51.48, 0.0, NIGHT),
        ("2026-03-20T10:10", -0.18, -78.47, NIGHT),
        ("2026-03-20T10:26", -0.18, -78.47, DAWN),
        ("2026-03-20T17:00", -0.18, -78.47, DAY),
        ("2026-03-20T23:00", -0.18, -78.47, DUSK),
        ("2026-06-21T00:10", 78.2, 15.6, DAY),
        ("2026-12-21T12:00", 78.2, 15.6, NIGHT),
    ],
)
def test_day_parts__follow_the_sun(moment: str, latitude: float, longitude: float, expected: int) -> None:
    assert part(moment, latitude, longitude) == expected


def test_day_parts__without_a_place_are_hours_of_utc() -> None:
    nan = float("nan")
    assert [part(f"2026-03-01T{hour:02d}:00", nan, nan) for hour in (3, 6, 12, 18, 23)] == [
        NIGHT,
        DAWN,
        DAY,
        DUSK,
        NIGHT,
    ]


def test_local_days__change_at_the_places_midnight() -> None:
    epoch = np.array([datetime(2026, 3, 2, hour, tzinfo=UTC).timestamp() for hour in (4, 6)])
    first, second = local_days(epoch, np.full(2, -79.0))
    assert second == first + 1
    assert local_days(epoch, np.full(2, np.nan))[0] == second
