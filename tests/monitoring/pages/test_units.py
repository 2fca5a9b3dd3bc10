from __future__ import annotations

import math

import pytest

from monitoring.pages.units import shown


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0123, "s", "12.3 ms"),
        (90.0, "s", "1.5 min"),
        (0.0, "s", "0 s"),
        (36.0, "h", "1.5 d"),
        (0.052, "percentunit", "5.2 %"),
        (12.0, "percent", "12 %"),
        (3 * 2**20, "bytes", "3 MiB"),
        (3e6, "decbytes", "3 MB"),
        (2048.0, "binBps", "2 KiB/s"),
        (0.25, "reqps", "0.25 req/s"),
        (-3.0, "dB", "\N{MINUS SIGN}3 dB"),
        (12345.6, "short", "12,346"),
        (7.0, "a unit of tomorrow", "7"),
        (math.nan, "s", "\N{EN DASH}"),
    ],
)
def test_shown__as_people_read_it(value: float, unit: str, text: str) -> None:
    assert shown(value, unit).replace("\u202f", " ") == text


def test_shown__digits_where_the_panel_names_them() -> None:
    assert shown(2.0, "short", 2) == "2.00"
