"""A reserve's own list of species, by place and week."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest

from silencio.detections import SiteList
from silencio.detections.prior import Expected
from silencio.errors import SchemaError
from silencio.taxonomy import ClassList

Read = Callable[[str], SiteList]
HERE = (6.76, -74.21)
LIST = """scientific_name,first_week,last_week,weight,latitude,longitude,radius_km,remark
Pitangus sulphuratus,,,,6.76,-74.21,20,everywhere
Apus apus,41,8,,,,,winters here
Turdus merula,,,0.25,,,,once a year
Ramphastos tucanus,,,,,,,not in the model
"""


@pytest.fixture
def read(tmp_path: Path, classes: ClassList) -> Read:
    def make(text: str) -> SiteList:
        path = tmp_path / "sites.csv"
        path.write_text(text, encoding="utf-8")
        return SiteList.read(path, classes)

    return make


def _shown(expected: Expected | None, classes: ClassList) -> dict[str, tuple[float, str | None]]:
    assert expected is not None
    return dict(zip(classes.codes, zip(expected.weights.tolist(), expected.reasons, strict=True), strict=True))


def test_site_list__in_season(read: Read, classes: ClassList) -> None:
    shown = _shown(read(LIST).expected(*HERE, date(2025, 1, 10)), classes)
    assert shown == {
        "22973": (0.0, "location"),
        "comswi": (1.0, None),
        "eurbla": (0.25, "location"),
        "grekis": (1.0, None),
    }


def test_site_list__out_of_season(read: Read, classes: ClassList) -> None:
    shown = _shown(read(LIST).expected(*HERE, date(2025, 6, 10)), classes)
    assert shown["comswi"] == (0.0, "season")
    assert shown["grekis"] == (1.0, None)
    assert shown["22973"] == (0.0, "location")


@pytest.mark.parametrize(
    ("day", "is_there"),
    [
        (date(2025, 10, 31), False),
        (date(2025, 11, 1), True),
        (date(2025, 12, 31), True),
        (date(2026, 2, 28), True),
        (date(2026, 3, 1), False),
    ],
)
def test_site_list__a_season_over_new_year(read: Read, classes: ClassList, day: date, is_there: bool) -> None:
    assert _shown(read(LIST).expected(*HERE, day), classes)["comswi"][0] == float(is_there)


def test_site_list__without_a_date_seasons_count_for_nothing(read: Read, classes: ClassList) -> None:
    shown = _shown(read(LIST).expected(*HERE, None), classes)
    assert shown["comswi"] == (1.0, None)
    assert shown["22973"] == (0.0, "location")


@pytest.mark.parametrize("place", [(None, None), (None, -74.21), (6.76, None), (-6.76, -74.21), (6.76, 74.21)])
def test_site_list__off_without_coordinates_and_elsewhere(read: Read, place: tuple[float, float]) -> None:
    assert read(LIST).expected(*place, date(2025, 1, 10)) is None


@pytest.mark.parametrize(("longitude", "is_inside"), [(-74.21 + 0.180, True), (-74.21 + 0.183, False)])
def test_site_list__the_radius_is_in_kilometres(read: Read, longitude: float, is_inside: bool) -> None:
    # At 6.76 degrees north, 20 km are 0.1811 degrees of longitude.
    assert (read(LIST).expected(6.76, longitude, None) is not None) == is_inside


def test_site_list__over_the_date_line(read: Read) -> None:
    sites = read("code,latitude,longitude\ngrekis,-17,179.95\n")
    assert sites.expected(-17, -179.95, None) is not None


def test_site_list__each_site_has_its_own_species_and_overlaps_add_up(read: Read, classes: ClassList) -> None:
    sites = read(
        "code,latitude,longitude,radius_km,weight\ngrekis,0,0,100,0.5\n22973,,,,\ngrekis,0,1,100,1\neurbla,,,,\n"
    )
    assert {code: weight for code, (weight, _) in _shown(sites.expected(0, -0.5, None), classes).items()} == {
        "22973": 1.0,
        "comswi": 0.0,
        "eurbla": 0.0,
        "grekis": 0.5,
    }
    assert {code: weight for code, (weight, _) in _shown(sites.expected(0, 0.5, None), classes).items()} == {
        "22973": 1.0,
        "comswi": 0.0,
        "eurbla": 1.0,
        "grekis": 1.0,
    }


def test_site_list__two_seasons_of_a_species(read: Read, classes: ClassList) -> None:
    header = "code,first_week,last_week,latitude,longitude\n"
    sites = read(header + "comswi,13,16,0,0\ncomswi,33,36,,\n")
    found = [week for week in range(12) if _shown(sites.expected(0, 0, date(2025, week + 1, 5)), classes)["comswi"][0]]
    assert found == [3, 8]


def test_site_list__a_first_week_after_the_last_by_one_is_all_year(read: Read, classes: ClassList) -> None:
    sites = read("code,first_week,last_week,latitude,longitude\ncomswi,9,8,0,0\n")
    assert all(_shown(sites.expected(0, 0, date(2025, m, 28)), classes)["comswi"][0] for m in range(1, 13))


def test_site_list__says_what_the_bundle_does_not_know(read: Read) -> None:
    sites = read(LIST)
    assert (sites.unknown, sites.n_rows) == (("Ramphastos tucanus",), 4)


def test_site_list__as_spreadsheets_write_it(tmp_path: Path, classes: ClassList) -> None:
    path = tmp_path / "sites.csv"
    text = "Code;Scientific_Name;Latitude;Longitude;Radius_km\r\n;TURDUS MERULA;6,76;-74,21;20\r\n\r\nGREKIS;;;;\r\n"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    shown = _shown(SiteList.read(path, classes).expected(*HERE, None), classes)
    assert [code for code, (weight, _) in shown.items() if weight] == ["eurbla", "grekis"]


@pytest.mark.parametrize("name", ["Turdus\u00a0merula", "turdus  merula", " TURDUS MERULA ", "Turdus\u202f merula"])
def test_site_list__a_copied_name_is_that_species(read: Read, classes: ClassList, name: str) -> None:
    sites = read(f"scientific_name,latitude,longitude\n{name},6.76,-74.21\n")
    assert sites.unknown == ()
    assert _shown(sites.expected(*HERE, None), classes)["eurbla"] == (1.0, None)


@pytest.mark.parametrize("inside", ["\u2028", "\x85", "\x0b", "\x0c"])
def test_site_list__a_remark_with_a_separator_inside_is_one_cell(read: Read, inside: str) -> None:
    sites = read(f"code,latitude,longitude,remark\ngrekis,6.76,-74.21,seen{inside}twice\ncomswi,,,\n")
    assert (sites.unknown, sites.n_rows) == ((), 2)


def test_site_list__in_utf16_as_excel_saves_unicode_text(tmp_path: Path, classes: ClassList) -> None:
    path = tmp_path / "sites.txt"
    path.write_bytes("code\tlatitude\tlongitude\ngrekis\t6,76\t-74,21\n".encode("utf-16"))
    assert _shown(SiteList.read(path, classes).expected(*HERE, None), classes)["grekis"] == (1.0, None)


def test_site_list__the_season_is_that_of_the_local_day(read: Read, classes: ClassList) -> None:
    # Until the end of April; at 2 h UTC on 1 May it is still April in Colombia.
    sites = read("code,first_week,last_week,latitude,longitude\ngrekis,1,16,6.76,-74.21\n")
    evening, next_day = datetime.fromisoformat("2025-05-01T02:00Z"), datetime.fromisoformat("2025-05-01T06:00Z")
    assert _shown(sites.expected(*HERE, evening), classes)["grekis"] == (1.0, None)
    assert _shown(sites.expected(*HERE, next_day), classes)["grekis"] == (0.0, "season")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "column 'code' or 'scientific_name' is missing, none names the species; it has none"),
        ("name,latitude,longitude\nx,0,0\n", "column 'code' or 'scientific_name' is missing"),
        ("code,latitude\ngrekis,0\n", "column 'longitude' is missing; it has code, latitude"),
        ("code,latitude,longitude\n", "lists no species: every species would be ruled out"),
        ("code,latitude,longitude\ngrekis,,\n", "column 'latitude', row 2: the first row must say where the site is"),
        ("code,latitude,longitude\n,0,0\n", "column 'code', row 2: must not be empty"),
        ("code,latitude,longitude\ngrekis,0,0\ngrekis,,5\n", "column 'latitude', row 3: must not be empty where"),
        ("code,latitude,longitude\ngrekis,91,0\n", "column 'latitude', row 2: '91' is not a number from -90 to 90"),
        ("code,latitude,longitude\ngrekis,0,nan\n", "column 'longitude', row 2: 'nan' is not a number"),
        ("code,latitude,longitude,radius_km\ngrekis,0,0,0\n", "column 'radius_km', row 2: 0 km hold no place"),
        ("code,latitude,longitude,weight\ngrekis,0,0,1.5\n", "column 'weight', row 2: '1.5' is not a number from 0 to"),
        ("code,latitude,longitude,weight\ngrekis,0,0,0\n", "column 'weight', row 2: 0 would rule out"),
        ("code,latitude,longitude,weight,weight\ngrekis,0,0,1,1\n", "column 'weight' is there twice"),
        ("code,latitude,longitude,wieght\ngrekis,0,0,1\n", "column 'wieght' is not known, 'weight' may be meant"),
        ("code,latitude,longitude,first_week\ngrekis,0,0,1\n", "'first_week' and 'last_week' need each other"),
        ("code,latitude,longitude\ngrekis,0,0,7\n", "row 2 has 4 cells, the header has 3 columns"),
        ("code,latitude,longitude\nnobody,0,0\n", "none of the 1 rows names a species of the bundle"),
    ],
)
def test_site_list__a_wrong_table_is_one_sentence(read: Read, text: str, message: str) -> None:
    with pytest.raises(SchemaError) as caught:
        read(text)
    assert message in str(caught.value)
    assert "sites.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("first", "last", "column"), [("0", "5", "first"), ("1", "49", "last"), ("May", "5", "first")])
def test_site_list__a_week_that_is_none(read: Read, first: str, last: str, column: str) -> None:
    header = "code,latitude,longitude,first_week,last_week\n"
    with pytest.raises(SchemaError, match=f"column '{column}_week', row 2: .* is not a whole number from 1 to 48"):
        read(f"{header}grekis,0,0,{first},{last}\n")
    with pytest.raises(SchemaError, match="column 'last_week', row 2: must not be empty where the other is given"):
        read(f"{header}grekis,0,0,5,\n")


def test_site_list__a_file_that_cannot_be_read(tmp_path: Path, classes: ClassList) -> None:
    with pytest.raises(SchemaError, match="cannot be read: No such file"):
        SiteList.read(tmp_path / "nowhere.csv", classes)
    (tmp_path / "latin.csv").write_bytes(b"code,latitude,longitude\nma\xf1ana,0,0\n")
    with pytest.raises(SchemaError, match="is not text in UTF-8"):
        SiteList.read(tmp_path / "latin.csv", classes)
