"""Species whose places are not told exactly: Chapman's categories, and coordinates that are generalised for them.

Source: Chapman AD (2020) Current Best Practices for Generalizing Sensitive Species Occurrence Data, GBIF Secretariat:
coordinates are rounded to a grid, never moved at random, and what was done is told.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from silencio.taxonomy import Species, name_key

# Degrees to which coordinates are rounded; of category 1 where the record is not withheld altogether.
DEGREES: dict[int, float] = {1: 1.0, 2: 0.1, 3: 0.01, 4: 0.001}


class SensitiveSpecies(BaseModel):
    """One species of a list.

    Attributes:
        scientific_name: Latin binomial; or the code.
        code: Species code of the class list.
        category: Chapman's: 1 withheld or 1 degree, 2 0.1, 3 0.01, 4 0.001 degrees.
        withheld: Whether its records are left out; of category 1 they are unless this is false.
        reason: Why, in a few words; it is told with the record.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scientific_name: str = ""
    code: str = ""
    category: int = Field(ge=1, le=4)
    withheld: bool | None = None
    reason: str = "sensitive species"

    @model_validator(mode="after")
    def _is_of_something(self) -> Self:
        if bool(self.scientific_name) == bool(self.code):
            raise ValueError("a sensitive species needs either scientific_name or code")
        if self.withheld and self.category != 1:
            raise ValueError(f"withheld is of category 1, not {self.category}")
        return self

    @property
    def is_withheld(self) -> bool:
        return self.category == 1 and self.withheld is not False


class SensitiveList(BaseModel):
    """A list of sensitive species.

    Attributes:
        species: Species; of two lines about one species the stricter holds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    species: tuple[SensitiveSpecies, ...]

    def by_code(self, names: Mapping[str, Species]) -> dict[str, SensitiveSpecies]:
        """The strictest line of each species of a class list.

        Args:
            names: Species by code.
        """
        codes: dict[str, list[str]] = {name_key(one.scientific_name): [] for one in names.values()}
        for code, one in names.items():
            codes[name_key(one.scientific_name)].append(code)
        found: dict[str, SensitiveSpecies] = {}
        for line in self.species:
            for code in [line.code] if line.code else codes.get(name_key(line.scientific_name), []):
                before = found.get(code)
                if before is None or _strictness(line) < _strictness(before):
                    found[code] = line
        return found

    def unknown(self, names: Mapping[str, Species]) -> list[str]:
        """Names and codes that no species of a class list has: unknown to the model, or mistyped.

        Args:
            names: Species by code.
        """
        known = {name_key(one.scientific_name) for one in names.values()}
        return [
            one.code or one.scientific_name
            for one in self.species
            if (one.code and one.code not in names)
            or (one.scientific_name and name_key(one.scientific_name) not in known)
        ]


@dataclass(frozen=True)
class Point:
    """Coordinates as they are told.

    Attributes:
        latitude: Degrees north, with as many decimals as the precision has.
        longitude: Degrees east.
        precision: Degrees to which they are rounded.
        uncertainty_m: Radius in whole metres around them in which the recording was made.
    """

    latitude: str
    longitude: str
    precision: float
    uncertainty_m: int


def generalised(latitude: float, longitude: float, precision: float, uncertainty_m: float) -> Point:
    """Coordinates rounded to a grid.

    Args:
        latitude: Degrees north.
        longitude: Degrees east.
        precision: Cells of the grid in degrees: 1, 0.1, 0.01 or 0.001.
        uncertainty_m: Radius around the coordinates as they are given.
    """
    n_decimals = round(-math.log10(precision))
    # Adding 0 makes -0.0 a zero.
    north, east = (round(value, n_decimals) + 0.0 for value in (latitude, longitude))
    return Point(
        f"{north:.{n_decimals}f}",
        f"{east:.{n_decimals}f}",
        precision,
        math.ceil(uncertainty_m + half_diagonal_m(north, precision)),
    )


def half_diagonal_m(latitude: float, precision: float) -> float:
    """From the middle of a grid's cell to its farthest corner, in metres on WGS 84.

    Args:
        latitude: Degrees north of the middle.
        precision: Degrees of the cell's sides.
    """
    half = precision / 2
    # Degrees of longitude are longest at the edge that is nearest the equator, those of latitude at the other edge.
    near, far = (math.radians(value) for value in (max(0.0, abs(latitude) - half), min(90.0, abs(latitude) + half)))
    east = 111_412.84 * math.cos(near) - 93.5 * math.cos(3 * near) + 0.118 * math.cos(5 * near)
    north = 111_132.95 - 559.85 * math.cos(2 * far) + 1.175 * math.cos(4 * far)
    return half * math.hypot(east, north)


def merged(lists: Iterable[SensitiveList]) -> SensitiveList:
    """Several lists as one."""
    return SensitiveList(species=tuple(line for one in lists for line in one.species))


def _strictness(line: SensitiveSpecies) -> tuple[bool, int]:
    return not line.is_withheld, line.category
