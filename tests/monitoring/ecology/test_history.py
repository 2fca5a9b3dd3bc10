"""Detection histories on disk, as R reads them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.monitoring.ecology.made_place import CODES, Place, judgement, made_place, run, with_bundle


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return made_place(tmp_path_factory.mktemp("history"))


def _matrix(path: Path) -> dict[str, list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0][0] == "site"
    return {row[0]: row[1:] for row in rows[1:]}


def test_history__nights_of_a_recorder(place: Place, tmp_path: Path) -> None:
    options = ("--occasion", "night", "--only-recorders", "--out", tmp_path)
    assert run(["detection-history", *place.options(*options)]) == 0
    found, minutes = _matrix(tmp_path / f"y-{CODES[1]}.csv"), _matrix(tmp_path / "effort_minutes.csv")
    # Every other evening; the recorder stood still on the sixth, and nobody recorded after the twelfth.
    assert found["mirador"][:13] == ["0", "1", "0", "1", "0", "NA", "0", "1", "0", "1", "0", "1", "NA"]
    assert minutes["mirador"][:7] == ["1", "1", "1", "1", "1", "0", "1"]
    # A site without a recorder is a row of missing values, and none of zeros.
    assert set(found["rio"]) == {"NA"}
    assert len(found["mirador"]) == 31


def test_history__visitors_dawn_belongs_to_the_evening_before(place: Place, tmp_path: Path) -> None:
    assert run(["detection-history", *place.options("--occasion", "night", "--out", tmp_path)]) == 0
    # The first walk is on the morning of the first of May, which is April's last night.
    assert _matrix(tmp_path / "effort_minutes.csv")["rio"][:3] == ["0", "0", "1.5"]


def test_history__verified_leaves_open_what_nobody_listened_to(place: Place, tmp_path: Path) -> None:
    rows = [judgement("night1", 0, CODES[1], "present"), judgement("night3", 0, CODES[1], "absent")]
    judgements = place.write("judgements.jsonl", rows)
    options = ("--occasion", "night", "--only-recorders", "--species", CODES[1], "--judgements", judgements)
    assert run(["detection-history", *place.options(*options, "--evidence", "verified", "--out", tmp_path)]) == 0
    assert _matrix(tmp_path / f"y-{CODES[1]}.csv")["mirador"][:6] == ["0", "1", "0", "0", "0", "NA"]
    assert _matrix(tmp_path / f"y-{CODES[1]}.csv")["mirador"][7] == "NA"
    assert "what a person confirmed" in (tmp_path / "README.txt").read_text(encoding="utf-8")


def test_history__a_species_that_was_never_found_is_all_zeros(place: Place, tmp_path: Path) -> None:
    with_bundle(place)
    options = ("--bundle", place.bundle, "--species", CODES[2], "--only-recorders", "--days", "7", "--out", tmp_path)
    assert run(["detection-history", *place.options(*options)]) == 0
    assert _matrix(tmp_path / f"y-{CODES[2]}.csv")["mirador"] == ["0", "0", "NA", "NA", "NA"]
    with (tmp_path / "history.csv").open(encoding="utf-8", newline="") as file:
        first = next(csv.DictReader(file))
    assert (first["site"], first["found"], first["minutes"]) == ("mirador", "0", "6")
