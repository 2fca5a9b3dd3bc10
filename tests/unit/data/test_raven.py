"""Raven selection tables, read and written."""

from __future__ import annotations

from pathlib import Path

import pytest

from silencio.data.annotations import Annotation
from silencio.data.raven import read_raven_table, write_raven_table
from silencio.errors import SchemaError

HEADER = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tSpecies\n"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "S01.Table.1.selections.txt"


def test_read__times_frequencies_and_species_by_begin(table: Path) -> None:
    table.write_text(
        HEADER
        + "1\tSpectrogram 1\t1\t12.5\t14.0\t2000.0\t4500.5\tgrekis\n"
        + "2\tSpectrogram 1\t1\t3.25\t4.0\t150\t900\t1139490\n"
    )
    assert read_raven_table(table) == [
        Annotation("1139490", 3.25, 4.0, 150.0, 900.0),
        Annotation("grekis", 12.5, 14.0, 2000.0, 4500.5),
    ]


def test_read__a_selection_in_two_views_counts_once(table: Path) -> None:
    table.write_text(
        HEADER
        + "1\tWaveform 1\t1\t1.0\t2.0\t\t\tgrekis\n"
        + "1\tSpectrogram 1\t1\t1.0\t2.0\t2000\t4000\tgrekis\n"
        + "2\tSpectrogram 1\t1\t1.0\t2.0\t2000\t4000\tgrekis\n"
        + "2\tWaveform 1\t1\t1.0\t2.0\t\t\tgrekis\n"
    )
    # Two selections of the same species at the same time are two animals.
    assert read_raven_table(table) == 2 * [Annotation("grekis", 1.0, 2.0, 2000.0, 4000.0)]


def test_read__numbers_that_begin_anew_in_a_joined_table_are_other_selections(table: Path) -> None:
    table.write_text(
        HEADER
        + "1\tSpectrogram 1\t1\t1.0\t2.0\t2000\t4000\tgrekis\n"
        + "1\tSpectrogram 1\t1\t31.0\t32.0\t2000\t4000\tgrekis\n"
    )
    assert [one.begin_s for one in read_raven_table(table)] == [1.0, 31.0]


def test_read__the_label_column_can_be_chosen_and_labels_be_translated(table: Path) -> None:
    table.write_text(
        "Begin Time (s)\tEnd Time (s)\tSpecies\tCall Type\n0\t1\tGreat Kiskadee\tsong\n1\t2\tUnknown\talarm\n"
    )
    codes = {"Great Kiskadee": "grekis"}
    assert [one.code for one in read_raven_table(table, codes=codes)] == ["grekis", "Unknown"]
    assert [one.code for one in read_raven_table(table, ["Type", "Call Type"])] == ["song", "alarm"]


def test_read__a_table_without_rows_says_that_nothing_was_heard(table: Path) -> None:
    table.write_text(HEADER + "\n")
    assert read_raven_table(table) == []


def test_read__as_editors_and_windows_leave_it(table: Path) -> None:
    text = (
        HEADER.replace("\n", "\tRemark\r\n")
        + '1\tSpectrogram 1\t1\t1\t2\t9\t99\tgrekis\tso-called "song\r\n'
        + "2\tSpectrogram 1\t1\t3\t4\t9\t99\tgrekis\r\n"
    )
    table.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert len(read_raven_table(table)) == 2


ROW = "1\tSpectrogram 1\t1\t{begin}\t{end}\t{low}\t{high}\t{species}\n"
GOOD = {"begin": "1.0", "end": "2.0", "low": "10", "high": "20", "species": "grekis"}


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"begin": "1,0 s"}, r"column 'Begin Time \(s\)', row 3: '1,0 s' is not a number"),
        ({"high": "8,000"}, r"column 'High Freq \(Hz\)', row 3: '8,000' may be 8 or 8000: write it with a point"),
        ({"end": "nan"}, r"column 'End Time \(s\)', row 3: 'nan' is not a number"),
        ({"begin": ""}, r"column 'Begin Time \(s\)', row 3: must not be empty"),
        ({"begin": "-1"}, r"column 'Begin Time \(s\)', row 3: -1 is before the recording's start"),
        ({"end": "1.0"}, r"column 'End Time \(s\)', row 3: 1 is not after the begin, 1"),
        ({"high": "5"}, r"column 'High Freq \(Hz\)', row 3: 5 is below the low frequency, 10"),
        ({"low": "low"}, r"column 'Low Freq \(Hz\)', row 3: 'low' is not a number"),
        ({"species": " "}, r"column 'Species', row 3: must not be empty"),
        ({"species": "grekis\t1"}, r"row 3 has 9 cells, the header has 8 columns"),
    ],
)
def test_read__a_broken_cell_is_named(table: Path, broken: dict[str, str], message: str) -> None:
    table.write_text(HEADER + ROW.format(**GOOD) + ROW.format(**{**GOOD, **broken}))
    with pytest.raises(SchemaError, match=message) as caught:
        read_raven_table(table)
    assert str(table) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "is empty"),
        (b"Selection\tSpecies\n", r"column 'Begin Time \(s\)' is missing; it has Selection, Species"),
        (b"Begin Time (s)\tEnd Time (s)\tNotes\n", "none names the species; it has Begin Time"),
        (HEADER.replace("\t", ",").encode(), r"column 'Begin Time \(s\)' is missing"),
        (HEADER.encode() + b"\xe9", "is not text in UTF-8"),
        (
            b"Begin Time (s)\tEnd Time (s)\tSpecies\tBegin File\n0\t1\ta\tx.wav\n60\t61\ta\ty.wav\n",
            "names 2 files .*save one table a file",
        ),
    ],
)
def test_read__what_is_no_table_of_one_file_is_refused(table: Path, text: bytes, message: str) -> None:
    table.write_bytes(text)
    with pytest.raises(SchemaError, match=message):
        read_raven_table(table)


def test_read__a_missing_file_is_one_sentence(table: Path) -> None:
    with pytest.raises(SchemaError, match="cannot be read: No such file"):
        read_raven_table(table)


def test_write__can_be_read_again(table: Path) -> None:
    annotations = [
        Annotation("grekis", 1.0, 2.5, 2000.5, 4000.0, -3.25, "grekis/XC1.ogg"),
        Annotation("1139490", 30.0, 40.0),
    ]
    write_raven_table(annotations, table)
    assert read_raven_table(table) == annotations
    write_raven_table([], table)
    assert read_raven_table(table) == []


@pytest.mark.parametrize("inside", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c"])
def test_read__a_note_with_a_separator_inside_is_one_cell(table: Path, inside: str) -> None:
    header = HEADER.replace("\n", "\tNotes\n")
    rows = "".join(ROW.format(**{**GOOD, "begin": begin}).replace("\n", f"\tfirst{inside}second\n") for begin in "01")
    table.write_bytes((header + rows).encode())
    assert [one.begin_s for one in read_raven_table(table)] == [0.0, 1.0]


def test_read__decimal_commas_are_taken_where_they_can_be_nothing_else(table: Path) -> None:
    table.write_text(HEADER + ROW.format(**{**GOOD, "begin": "1,5", "end": "2,250000", "high": "8000,0"}))
    (one,) = read_raven_table(table)
    assert (one.begin_s, one.end_s, one.high_hz) == (1.5, 2.25, 8000.0)


def test_read__names_are_compared_as_species_are(table: Path) -> None:
    table.write_text(HEADER + ROW.format(**{**GOOD, "species": "great\u00a0 Kiskadee"}))
    assert [one.code for one in read_raven_table(table, codes={"Great Kiskadee": "grekis"})] == ["grekis"]
