"""A prior from the list of species that a reserve keeps for its site."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from silencio.detections.prior.expected import N_WEEKS, Expected, expected_by_season, week_of_year
from silencio.errors import SchemaError
from silencio.local_time import local_date
from silencio.tables import parse_number, read_csv
from silencio.taxonomy import ClassList, clean_name, name_key

DEFAULT_RADIUS_KM = 25.0
_EARTH_RADIUS_KM = 6371.0088
_LIMITS = {"latitude": (-90.0, 90.0), "longitude": (-180.0, 180.0), "radius_km": (0.0, 20_100.0), "weight": (0.0, 1.0)}
_COLUMNS = ("code", "scientific_name", "first_week", "last_week", *_LIMITS)


@dataclass(frozen=True)
class _Place:
    latitude: float
    longitude: float
    radius_km: float

    def holds(self, latitude: float, longitude: float) -> bool:
        """Great-circle distance by the haversine formula."""
        north, other_north = math.radians(self.latitude), math.radians(latitude)
        east_rad = math.radians(longitude - self.longitude)
        half = (
            math.sin((other_north - north) / 2) ** 2
            + math.cos(north) * math.cos(other_north) * math.sin(east_rad / 2) ** 2
        )
        return 2 * _EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(half))) <= self.radius_km


class SiteList:
    """Species by place and week; an implementation of `Prior`.

    Within a site's radius a species that its list lacks is ruled out by location, and one outside its weeks by season;
    where sites overlap, what one of them expects is expected. Elsewhere nothing changes.

    Args:
        weights: Weights by place, float32 (48 weeks, n_classes).
        n_rows: Rows of the table.
        unknown: What the table lists and the class list lacks, in the table's words.
    """

    def __init__(self, weights: Mapping[_Place, NDArray[np.float32]], n_rows: int, unknown: tuple[str, ...]) -> None:
        self._weights = dict(weights)
        self.n_rows = n_rows
        self.unknown = unknown

    @classmethod
    def read(cls, path: Path, classes: ClassList) -> Self:
        """Read a CSV table (`silencio.tables`), one row a species and season.

        Columns: `code` or `scientific_name` (or both, then the code counts); `latitude` and `longitude` of the site's
        middle and optionally `radius_km` (25), where an empty cell means "as in the row above"; optionally
        `first_week` and `last_week` (1 to 48, four a month, both included; last before first goes over new year; both
        empty: all year) and `weight` (above 0, up to 1; 1). Several rows for a species add up. Other columns are left
        alone, and so are species that the bundle does not know.

        Raises:
            SchemaError: One sentence that names row and column, as an editor counts lines.
        """
        table = _Table.read(path)
        columns = _columns_of(classes)
        weights: dict[_Place, NDArray[np.float32]] = {}
        unknown: list[str] = []
        place: _Place | None = None
        for row in table.rows:
            place = _place(row, place)
            names = [row.text(name) for name in ("code", "scientific_name")]
            if not any(names):
                raise row.error("code" if "code" in table.header else "scientific_name", "must not be empty")
            of_site = weights.setdefault(place, np.zeros((N_WEEKS, len(classes)), np.float32))
            weeks, weight = _weeks(row), _weight(row)
            column = next((columns[name_key(name)] for name in names if name and name_key(name) in columns), None)
            if column is None:
                unknown.append(names[0] or names[1])
                continue
            of_site[weeks, column] = np.maximum(of_site[weeks, column], weight)
        if not any(array.any() for array in weights.values()):
            raise SchemaError(
                f"{path}: none of the {len(table.rows)} rows names a species of the bundle, every species would be "
                f"ruled out; codes look like {classes.codes[0]!r}"
            )
        return cls(weights, len(table.rows), tuple(unknown))

    def expected(self, latitude: float | None, longitude: float | None, recorded_at: date | None) -> Expected | None:
        """See `Prior`."""
        if latitude is None or longitude is None:
            return None
        here = [array for place, array in self._weights.items() if place.holds(latitude, longitude)]
        if not here:
            return None
        by_week = np.maximum.reduce(here)
        best = by_week.max(axis=0)
        if recorded_at is None:
            return expected_by_season(best, best)
        return expected_by_season(by_week[week_of_year(local_date(recorded_at, longitude)) - 1], best)


def _columns_of(classes: ClassList) -> dict[str, int]:
    """Names come before codes in no table: a code is never a binomial."""
    by_name = {name_key(one.scientific_name): i for i, one in enumerate(classes)}
    return by_name | {name_key(one.code): i for i, one in enumerate(classes)}


def _place(row: _Row, above: _Place | None) -> _Place:
    latitude, longitude, radius_km = (row.number(name) for name in ("latitude", "longitude", "radius_km"))
    if (latitude is None) != (longitude is None):
        raise row.error("latitude" if latitude is None else "longitude", "must not be empty where the other is given")
    if latitude is None or longitude is None:
        if above is None:
            raise row.error("latitude", "the first row must say where the site is")
        latitude, longitude = above.latitude, above.longitude
    if radius_km == 0:
        raise row.error("radius_km", "0 km hold no place")
    if radius_km is None:
        radius_km = above.radius_km if above else DEFAULT_RADIUS_KM
    return _Place(latitude, longitude, radius_km)


def _weeks(row: _Row) -> NDArray[np.intp]:
    """Rows of the weights that the season covers."""
    first, last = (row.whole_number(name, 1, N_WEEKS) for name in ("first_week", "last_week"))
    if first is None and last is None:
        return np.arange(N_WEEKS)
    if first is None or last is None:
        raise row.error("first_week" if first is None else "last_week", "must not be empty where the other is given")
    n_weeks = (last - first) % N_WEEKS + 1
    return (np.arange(n_weeks) + first - 1) % N_WEEKS


def _weight(row: _Row) -> float:
    weight = row.number("weight")
    if weight == 0:
        raise row.error("weight", "0 would rule out a species that is listed: leave the row out")
    return 1.0 if weight is None else weight


@dataclass(frozen=True)
class _Row:
    """One row of a table, and the line on which it stands."""

    path: Path
    line: int
    cells: dict[str, str]

    def error(self, column: str, what: str) -> SchemaError:
        return SchemaError(f"{self.path}: column {column!r}, row {self.line}: {what}")

    def text(self, column: str) -> str:
        return self.cells.get(column, "")

    def number(self, column: str) -> float | None:
        text = self.text(column)
        if not text:
            return None
        lowest, highest = _LIMITS[column]
        value = parse_number(text)
        if value is None or not lowest <= value <= highest:
            raise self.error(column, f"{text!r} is not a number from {lowest:g} to {highest:g}")
        return value

    def whole_number(self, column: str, lowest: int, highest: int) -> int | None:
        text = self.text(column)
        if not text:
            return None
        if not (text.isascii() and text.isdecimal() and lowest <= int(text) <= highest):
            raise self.error(column, f"{text!r} is not a whole number from {lowest} to {highest}")
        return int(text)


@dataclass(frozen=True)
class _Table:
    header: tuple[str, ...]
    rows: tuple[_Row, ...]

    @classmethod
    def read(cls, path: Path) -> Self:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise SchemaError(f"{path} cannot be read: {error.strerror or error}") from error
        if not content.strip():
            _check_header(path, ())
        table = read_csv(content, str(path))
        header = tuple(name.casefold() for name in table.header)
        _check_header(path, header)
        rows = [
            _Row(path, row.line, {name.casefold(): clean_name(cell) for name, cell in row.cells.items()})
            for row in table.rows
        ]
        if not rows:
            raise SchemaError(f"{path} lists no species: every species would be ruled out")
        return cls(header, tuple(rows))


def _check_header(path: Path, header: tuple[str, ...]) -> None:
    has = f"it has {', '.join(header) or 'none'}"
    if "code" not in header and "scientific_name" not in header:
        raise SchemaError(f"{path}: column 'code' or 'scientific_name' is missing, none names the species; {has}")
    for name in ("latitude", "longitude"):
        if name not in header:
            raise SchemaError(f"{path}: column {name!r} is missing; {has}")
    for name in header:
        if header.count(name) > 1 and name in _COLUMNS:
            raise SchemaError(f"{path}: column {name!r} is there twice")
        meant = difflib.get_close_matches(name, _COLUMNS, n=1, cutoff=0.8) if name not in _COLUMNS else []
        if meant and meant[0] not in header:
            raise SchemaError(f"{path}: column {name!r} is not known, {meant[0]!r} may be meant")
    if ("first_week" in header) != ("last_week" in header):
        raise SchemaError(f"{path}: 'first_week' and 'last_week' need each other; {has}")
