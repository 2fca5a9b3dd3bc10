"""Places as people write them."""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from silencio.ecology import Places, Site


def test_places__sites_of_a_trail_are_counted_together() -> None:
    places = Places(sites={"a": Site(name="Alto", trail="North"), "b": Site(name="Bajo"), "c": Site()})
    assert [places.trail_of(site) for site in "abcd"] == ["North", "Bajo", "c", "d"]


def test_places__a_season_may_run_over_the_years_end() -> None:
    places = Places(seasons={"dry": (12, 1, 2, 3), "rainy": (4, 5, 6, 7, 8, 9, 10, 11)})
    assert [places.season_of(date(2026, month, 1)) for month in (12, 3, 4, 11)] == ["dry", "dry", "rainy", "rainy"]
    assert Places().season_of(date(2026, 12, 31)) == "DJF"


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"zone": "Bogota"}, "'Bogota' is no time zone"),
        ({"zone": "../etc/passwd"}, "is no time zone"),
        ({"seasons": {"dry": [1, 2]}}, "each month from 1 to 12 once"),
        ({"seasons": {"dry": list(range(1, 13)), "wet": [1]}}, "each month from 1 to 12 once"),
        ({"sites": {"a": {"latitude": 4.5}}}, "needed together"),
        ({"sites": {"a": {"latitude": 94.5, "longitude": 0}}}, "less than or equal to 90"),
        ({"site": {}}, "Extra inputs"),
    ],
)
def test_places__what_cannot_be_is_refused(values: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        Places.model_validate(values)
