"""Coordinates are rounded, never moved at random, and how far they may be off is told."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from silencio.ecology.sensitive import SensitiveList, SensitiveSpecies, generalised, half_diagonal_m, merged
from silencio.taxonomy import Species

NAMES = {
    "jaguar": Species(code="jaguar", scientific_name="Panthera onca", common_name="Jaguar", class_name="Mammalia"),
    "macaw": Species(code="macaw", scientific_name="Ara militaris", common_name="Military Macaw", class_name="Aves"),
}


def _metres(a: tuple[float, float], b: tuple[float, float]) -> float:
    """On a sphere of the equator's radius: at most 0.6 % more than on the ellipsoid."""
    north, east = (math.radians(one) for one in (a[0] - b[0], a[1] - b[1]))
    root = (
        math.sin(north / 2) ** 2 + math.cos(math.radians(a[0])) * math.cos(math.radians(b[0])) * math.sin(east / 2) ** 2
    )
    return 2 * 6_378_137 * math.asin(math.sqrt(root))


def test_generalised__at_the_equator_the_known_number() -> None:
    # Half the diagonal of a cell of 0.1 degree: about 7.9 km.
    assert half_diagonal_m(0.0, 0.1) == pytest.approx(7_850, abs=50)
    point = generalised(0.03, -74.14, 0.1, 30)
    assert (point.latitude, point.longitude, point.precision) == ("0.0", "-74.1", 0.1)
    assert point.uncertainty_m == math.ceil(half_diagonal_m(0.0, 0.1) + 30)


@given(st.floats(-90, 90), st.floats(-180, 180), st.sampled_from([1.0, 0.1, 0.01, 0.001]))
def test_generalised__the_true_place_lies_within_what_is_told(north: float, east: float, precision: float) -> None:
    point = generalised(north, east, precision, 0)
    told = float(point.latitude), float(point.longitude)
    assert _metres((north, east), told) <= point.uncertainty_m * 1.007
    # And no exact place comes through: it is a multiple of the precision.
    assert told[0] / precision == pytest.approx(round(told[0] / precision), abs=1e-6)
    assert generalised(north, east, precision, 0) == point


def test_generalised__no_negative_zero() -> None:
    assert generalised(-0.02, -0.02, 0.1, 30).latitude == "0.0"


def test_list__names_are_compared_as_people_write_them_and_the_stricter_line_holds() -> None:
    lists = merged(
        [
            SensitiveList(species=(SensitiveSpecies(scientific_name="panthera  ONCA", category=3),)),
            SensitiveList(species=(SensitiveSpecies(code="jaguar", category=2),)),
        ]
    )
    assert {code: one.category for code, one in lists.by_code(NAMES).items()} == {"jaguar": 2}


def test_list__names_that_no_class_list_has_are_told() -> None:
    lines = (
        SensitiveSpecies(scientific_name="Panthera onza", category=1),
        SensitiveSpecies(code="ocelot", category=1),
        SensitiveSpecies(scientific_name="Ara militaris", category=2),
    )
    assert SensitiveList(species=lines).unknown(NAMES) == ["Panthera onza", "ocelot"]


def test_list__category_1_is_withheld_unless_it_is_released() -> None:
    assert SensitiveSpecies(code="a", category=1).is_withheld
    assert not SensitiveSpecies(code="a", category=1, withheld=False).is_withheld
    assert not SensitiveSpecies(code="a", category=2).is_withheld
    withheld = SensitiveSpecies(code="jaguar", category=1)
    released = SensitiveSpecies(code="jaguar", category=1, withheld=False)
    assert SensitiveList(species=(released, withheld)).by_code(NAMES)["jaguar"] == withheld


@pytest.mark.parametrize(
    "values",
    [
        {"category": 1},
        {"code": "a", "category": 5},
        {"code": "a", "scientific_name": "b", "category": 1},
        {"code": "a", "category": 2, "withheld": True},
    ],
)
def test_list__a_line_that_means_nothing_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SensitiveSpecies.model_validate(values)
