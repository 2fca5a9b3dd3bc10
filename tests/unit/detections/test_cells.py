"""Whatever a recording is called, no spreadsheet calculates it, and programs read the name that it has."""

from __future__ import annotations

import csv
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from silencio.detections import RecordingDocument
from silencio.detections.cells import csv_line, file_cell, is_formula, text_cell
from silencio.detections.formats import FORMATS
from silencio.detections.score_tables import DETECTIONS, FILES, ROWS, ScoreTables, append_files
from silencio.storage.parquet import read_parquet
from tests.unit.detections.test_formats import Answer

FORMULAS = [
    '=HYPERLINK("http://evil.example","x").wav',
    "=cmd|' /C calc'!A0",
    "+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "-HYPERLINK(A1)",
    "+A1*2",
    "-2/3",
    "+A1/B2",
    "-1.5e3/AB12 - 4",
    "-R1C1/2024",
    "-SUM(A1)/night.wav",
    "-2024/night|calc!A0.wav",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "\ufeff=1+1",
    "\uff1d1+1",
    "=1+1",
]
NAMES = [
    "-recording_01.wav",
    "+5 dB.wav",
    "--.wav",
    "-20240301_053000.wav",
    "2024-03-01.wav",
    "a=b.wav",
    "reserve@night.wav",
    "S4A01234_20240301+0200.wav",
    "",
    "'quoted'.wav",
    "ñandú - 3.ogg",
    "-2024/night.wav",
    "+site 3/20240301_053000.wav",
    "-2024/03/a1.wav",
    "-2024/03_5",
    "-ñ/1.wav",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_cells__what_a_spreadsheet_would_calculate_it_does_not(text: str) -> None:
    assert file_cell(text) == f"./{text}"
    assert text_cell(text) == f"'{text}"


@pytest.mark.parametrize("name", NAMES)
def test_cells__names_as_recorders_give_them_stay(name: str) -> None:
    assert file_cell(name) == text_cell(name) == name


@given(st.text(max_size=40))
def test_cells__no_text_is_calculated_and_each_is_the_same_file(text: str) -> None:
    assert not is_formula(file_cell(text)) and not is_formula(text_cell(text))
    assert not file_cell(text).startswith(("=", "@", "\t", "\r", "\n"))
    if text and "\0" not in text:
        assert PurePosixPath(file_cell(text)) == PurePosixPath(text)


@given(st.lists(st.text(st.characters(exclude_characters="\0"), max_size=20), min_size=2, max_size=5))
def test_csv_line__is_read_back(cells: list[str]) -> None:
    (row,) = csv.reader([csv_line(cells)]) if not any("\n" in c or "\r" in c for c in cells) else (cells,)
    assert row == cells


def test_csv_line__a_cell_is_not_parted_where_semicolons_or_tabs_part_cells() -> None:
    assert csv_line(["a;=1+1", 5.0, 'b"\tc']) == '"a;=1+1",5.0,"b""\tc"\n'


def test_score_tables__a_formula_as_a_name_stands_in_no_table_as_one(tmp_path: Path) -> None:
    with ScoreTables(tmp_path, ["frog", "=owl"]) as tables:
        tables.scored(FORMULAS[0], FORMULAS[1], [5.0], np.array([[0.25, 0.75]]), [], 5.0, ["=notes"])
        tables.not_scored(FORMULAS[2], "failed", "=1+1 cannot be read")
        tables.scored("-good.wav", "-good", [5.0], np.array([[-0.25, 0.75]]), [], 5.0)
    append_files(tmp_path, [(FORMULAS[3], "skipped", "no recording")])
    cells = {}
    for name in (FILES, ROWS):
        with (tmp_path / name).open(newline="") as table:
            cells[name] = list(csv.reader(table))
    assert not any(is_formula(cell) for table in cells.values() for row in table for cell in row)
    assert [row[0] for row in cells[FILES][1:]] == [
        f"./{FORMULAS[0]}",
        f"./{FORMULAS[2]}",
        "-good.wav",
        f"./{FORMULAS[3]}",
    ]
    # Names with a dash, and numbers, are what they were.
    assert cells[ROWS][2] == ["-good_5", "-0.25", "0.75"]


@pytest.mark.parametrize("name", ["=a.wav", "-2/3", "-2024/night.wav", "@night/a.wav", "a.wav"])
def test_score_tables__join_by_the_name_of_the_file(answer: Answer, name: str, tmp_path: Path) -> None:
    found: RecordingDocument = answer([[0.1, 0.0, 0.2, 0.75]], duration_s=5.0)
    with ScoreTables(tmp_path, ["frog"]) as tables:
        tables.scored(name, name, [5.0], np.array([[0.75]]), found.detections, 5.0)
    with (tmp_path / FILES).open(newline="") as table:
        files = [row["file"] for row in csv.DictReader(table)]
    with (tmp_path / ROWS).open(newline="") as table:
        rows = [row["row_id"] for row in csv.DictReader(table)]
    assert [row["file"] for row in read_parquet(tmp_path / DETECTIONS).to_pylist()] == files
    assert rows == [f"{files[0]}_5"]


@pytest.mark.parametrize("text_format", ["csv", "birdclef", "raven"])
def test_write__a_formula_as_a_name_stands_in_no_answer_as_one(answer: Answer, text_format: str) -> None:
    found: RecordingDocument = answer([[0.1, 0.0, 0.2, 0.75]], duration_s=5.0)
    text = FORMATS[text_format].write([("=1+1.wav", found)])
    rows = list(csv.reader(text.splitlines(), delimiter="\t" if text_format == "raven" else ","))
    assert len(rows) == 2
    assert not any(is_formula(cell) for row in rows for cell in row)
    assert any(cell.startswith("./=1+1") for cell in rows[1])
