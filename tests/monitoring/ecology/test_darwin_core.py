"""The archive: the terms by its own description, the same bytes each time, nothing without a licence."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from silencio.ecology.occurrences import TERMS
from tests.monitoring.ecology.made_place import CODES, DATASET, Place, judgement, made_place, run, with_bundle

_TEXT = "{http://rs.tdwg.org/dwc/text/}"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    place = with_bundle(made_place(tmp_path_factory.mktemp("darwin")))
    rows = [judgement(f"walk{i}", window, CODES[4], "present") for i in range(10) for window in (0, 1)]
    rows += [judgement("night1", 0, CODES[1], "present"), judgement("walk3b", 1, CODES[3], "absent")]
    place.write("judgements.jsonl", rows)
    place.write("sensitive.yaml", {"species": [{"scientific_name": "Panthera onca", "category": 2}]})
    return place


def _export(place: Place, out: Path, *more: object) -> int:
    shared = ("--bundle", place.bundle, "--dataset", place.root / "dataset.yaml", "--out", out)
    judgements = ("--judgements", place.root / "judgements.jsonl")
    return run(["darwin-core", *place.options(*shared, *judgements, *more)])


def _read(path: Path) -> list[dict[str, str]]:
    """Rows by term, as the archive itself describes its columns."""
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["occurrence.txt", "meta.xml", "eml.xml"]
        core = ET.fromstring(archive.read("meta.xml")).find(f"{_TEXT}core")
        assert core is not None
        assert core.get("rowType") == "http://rs.tdwg.org/dwc/terms/Occurrence"
        columns = {int(one.get("index", "")): one.get("term", "") for one in core.iter(f"{_TEXT}field")}
        text = archive.read(core.findtext(f"{_TEXT}files/{_TEXT}location", "")).decode(core.get("encoding", ""))
    separator = core.get("fieldsTerminatedBy", "").encode().decode("unicode_escape")
    lines = list(csv.reader(io.StringIO(text), delimiter=separator, quoting=csv.QUOTE_NONE))
    assert all(len(line) == len(columns) for line in lines)
    rows = lines[int(core.get("ignoreHeaderLines", "0")) :]
    return [{columns[i]: value for i, value in enumerate(row)} for row in rows]


def test_archive__is_described_by_itself(place: Place, tmp_path: Path) -> None:
    assert _export(place, tmp_path / "a.zip") == 0
    rows = _read(tmp_path / "a.zip")
    assert set(rows[0]) == set(TERMS.values())
    assert len({row[TERMS["occurrenceID"]] for row in rows}) == len(rows)
    assert {row[TERMS["license"]] for row in rows} == {"http://creativecommons.org/licenses/by/4.0/legalcode"}
    # Ten of ten reviewed are not yet surely nine of ten: nothing that nobody listened to is in it.
    assert {row[TERMS["identificationVerificationStatus"]] for row in rows} == {"verified using recorded media"}
    assert len(rows) == 11


def test_archive__unreviewed_ones_come_with_a_lower_bar(place: Place, tmp_path: Path) -> None:
    assert _export(place, tmp_path / "a.zip", "--min-precision", "0.8") == 0
    rows = _read(tmp_path / "a.zip")
    unverified = [row for row in rows if row[TERMS["identificationVerificationStatus"]] == "unverified"]
    # The two walks of which nobody heard that species: of no other species reviews tell enough.
    assert {row[TERMS["scientificName"]] for row in unverified} == {"Pitangus sulphuratus"}
    assert len(unverified) == 2
    assert _export(place, tmp_path / "b.zip", "--min-precision", "0.8", "--only-verified") == 0
    assert len(_read(tmp_path / "b.zip")) == len(rows) - 2


def test_archive__has_the_same_bytes_each_time(place: Place, tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip"):
        assert _export(place, tmp_path / name) == 0
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_archive__sensitive_species_are_rounded_further(place: Place, tmp_path: Path) -> None:
    assert _export(place, tmp_path / "a.zip", "--sensitive", place.root / "sensitive.yaml") == 0
    rows = {row[TERMS["scientificName"]]: row for row in _read(tmp_path / "a.zip")}
    jaguar = rows["Panthera onca"]
    assert (jaguar[TERMS["decimalLatitude"]], jaguar[TERMS["coordinatePrecision"]]) == ("4.6", "0.1")
    assert rows["Pitangus sulphuratus"][TERMS["coordinatePrecision"]] == "0.01"
    assert "4.6123" not in zipfile.ZipFile(tmp_path / "a.zip").read("eml.xml").decode()


def test_archive__a_list_of_category_1_as_csv_withholds(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = tmp_path / "sensitive.csv"
    listed.write_text("scientific_name,code,category\nPanthera onca,,1\nAra militaris,,2\n", encoding="utf-8")
    assert _export(place, tmp_path / "a.zip", "--sensitive", listed) == 0
    assert "Panthera onca" not in {row[TERMS["scientificName"]] for row in _read(tmp_path / "a.zip")}
    told = capsys.readouterr().err
    assert "1 detections of sensitive species are withheld" in told
    assert "Ara militaris; check their spelling" in told


def test_eml__names_people_and_licence_and_escapes_text(place: Place, tmp_path: Path) -> None:
    assert _export(place, tmp_path / "a.zip", "--license", "CC0-1.0") == 0
    eml = ET.fromstring(zipfile.ZipFile(tmp_path / "a.zip").read("eml.xml"))
    about = eml.find("dataset")
    assert about is not None
    # As the schema's sequence has them.
    assert [one.tag for one in about] == [
        *("alternateIdentifier", "title", "creator", "metadataProvider", "pubDate", "language", "abstract"),
        *("keywordSet", "additionalInfo", "intellectualRights", "coverage", "contact", "methods"),
    ]
    assert about.findtext("abstract/para") == DATASET["abstract"]
    link = about.find("intellectualRights/para/ulink")
    assert link is not None
    assert link.get("url") == "http://creativecommons.org/publicdomain/zero/1.0/legalcode"
    assert about.findtext("pubDate") == "2026-05-31"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"license": None}, "names no license, without which nothing is published"),
        ({"license": "MIT"}, "GBIF takes no other"),
        ({"rights_holder": ""}, "names no rights_holder"),
        ({"precision": 0.05}, "must be 1, 0.1, 0.01, 0.001"),
        ({"creator": {"organization": ""}}, "creator.organization"),
        ({"titel": "x"}, "titel: Extra inputs"),
    ],
)
def test_dataset__what_cannot_be_published_is_refused(
    place: Place, tmp_path: Path, changes: dict[str, Any], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = place.write("broken.yaml", DATASET | changes)
    assert _export(place, tmp_path / "a.zip", "--dataset", path) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert sentence in told
    assert not (tmp_path / "a.zip").exists()


def test_archive__of_nothing_is_refused(place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shared = ("--bundle", place.bundle, "--dataset", place.root / "dataset.yaml", "--out", tmp_path / "a.zip")
    assert run(["darwin-core", *place.options(*shared)]) == 1
    assert "nothing of 2026-05 may be exported" in capsys.readouterr().err


def test_archive__another_reader_reads_the_same(place: Place, tmp_path: Path) -> None:
    """By python-dwca-reader, which `make extras` installs."""
    reader = pytest.importorskip("dwca.read", reason="needs python-dwca-reader: scripts/install_extras.sh")
    assert _export(place, tmp_path / "a.zip") == 0
    with reader.DwCAReader(str(tmp_path / "a.zip")) as archive:
        assert archive.descriptor.core.type == "http://rs.tdwg.org/dwc/terms/Occurrence"
        assert archive.metadata.findtext("dataset/title") == DATASET["title"]
        assert [row.data for row in archive.rows] == _read(tmp_path / "a.zip")
        assert [row.id for row in archive.rows] == [row.data[TERMS["occurrenceID"]] for row in archive.rows]
