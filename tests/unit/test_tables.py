"""One reader of the tables that people bring, as programs and spreadsheets write them."""

from __future__ import annotations

import codecs

import pytest

from silencio.errors import SchemaError
from silencio.tables import Table, decode_text, is_thousands_or_decimal, parse_number, read_csv, split_lines


def _cells(table: Table) -> list[dict[str, str]]:
    return [dict(row.cells) for row in table.rows]


ROWS = [{"a": "1", "b": "x"}, {"a": "2", "b": "y"}]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a,b\n1,x\n2,y\n", id="commas"),
        pytest.param("a;b\n1;x\n2;y\n", id="semicolons, as where the comma is the decimal sign"),
        pytest.param("a\tb\n1\tx\n2\ty\n", id="tabs, as Excel's Unicode text"),
        pytest.param("sep=;\na;b\n1;x\n2;y\n", id="Excel's line about the separator"),
        pytest.param('"sep=;"\r\na;b\r\n1;x\r\n2;y\r\n', id="the same, saved again"),
        pytest.param("a,b\r\n1,x\r\n2,y\r\n", id="lines of Windows"),
        pytest.param("a,b\r1,x\r2,y\r", id="lines of old Macs"),
        pytest.param("a,b,,\n1,x,,\n2,y\n", id="empty columns at the right"),
        pytest.param(" a ,b\n1,x\n,\n\n2,y\n,,\n", id="blank rows"),
        pytest.param("a,b\n1,x,\n2,y,\n", id="a comma behind every row"),
    ],
)
def test_read_csv__takes_what_spreadsheets_save(text: str) -> None:
    assert _cells(read_csv(text.encode(), "x.csv")) == ROWS


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (b"", "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
    ],
)
def test_read_csv__takes_encodings_that_say_what_they_are(mark: bytes, encoding: str) -> None:
    assert _cells(read_csv(mark + "a,b\nñandú,1\n".encode(encoding), "x.csv")) == [{"a": "ñandú", "b": "1"}]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("a,b\n1,x\nmaría,y\n".encode("cp1252"), r"\(byte 11, row 3: 0xED, 'í' if it is Windows-1252"),
        ("a,b\nx,y\n".encode("utf-16-le"), "UTF-16 without a byte order mark"),
        (codecs.BOM_UTF16_LE + b"a\0,", "begins as utf-16 and is none at byte"),
        (b"PK\x03\x04" + bytes(30), r"a spreadsheet \(\.xlsx"),
        (b"\xd0\xcf\x11\xe0" + bytes(30), "an old spreadsheet"),
        (b"PAR1" + bytes(30), "a Parquet table"),
        (b"", "is empty"),
        (b"\n , \n", "is empty"),
    ],
)
def test_read_csv__names_what_is_no_table(content: bytes, what: str) -> None:
    with pytest.raises(SchemaError, match=rf"^x\.csv is not a CSV table: it .*{what}"):
        read_csv(content, "x.csv")


def test_read_csv__a_quote_that_never_ends_is_named_with_its_row() -> None:
    with pytest.raises(SchemaError, match=r"x\.csv is not a CSV table: row 3: "):
        read_csv(b'a,b\n1,x\n2,"y\n3,z\n', "x.csv")


@pytest.mark.parametrize("row", ["1,x,3", "1,x,,4"])
def test_read_csv__a_cell_without_a_column_is_named_and_shifts_none(row: str) -> None:
    with pytest.raises(SchemaError, match=r"row 2 has . cells, the header has 2 columns"):
        read_csv(f"a,b,,\n{row}\n".encode(), "x.csv")


def test_read_csv__a_column_without_a_name_is_left_alone() -> None:
    # pandas writes its index so.
    assert _cells(read_csv(b",a,b\n0,1,x\n1,2,y\n", "x.csv")) == ROWS


def test_read_csv__a_row_that_ends_early_is_filled_and_says_so() -> None:
    (row,) = read_csv(b"a,b,c\n1\n", "x.csv").rows
    assert (dict(row.cells), row.n_cells) == ({"a": "1", "b": "", "c": ""}, 1)


@pytest.mark.parametrize("inside", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c"])
def test_lines__end_at_no_separator_inside_a_cell(inside: str) -> None:
    assert split_lines(f"a{inside}b\nc") == [f"a{inside}b", "c"]
    table = read_csv(f"a,b\none{inside}two,x\n3,y\n".encode(), "x.csv")
    assert [(row.line, row.cells["a"]) for row in table.rows] == [(2, f"one{inside}two"), (3, "3")]


def test_lines__are_counted_as_an_editor_counts_them() -> None:
    text = 'sep=,\na,b\n1,"x\r\ny"\n\n2,z\n'
    assert [row.line for row in read_csv(text.encode(), "x.csv").rows] == [3, 6]
    assert split_lines("a\r\nb\rc\n\n") == ["a", "b", "c", ""]


@pytest.mark.parametrize(
    ("text", "value"),
    [("4.71", 4.71), ("-74,07", -74.07), (" 5 ", 5.0), ("\u221274.07", -74.07), ("+.5", 0.5), ("1e3", 1000.0)],
)
def test_parse_number__with_point_or_comma(text: str, value: float) -> None:
    assert parse_number(text) == value


@pytest.mark.parametrize(
    "text", ["", "nan", "inf", "-Infinity", "4.7N", "1_000", "٣", "4.710,5", "1e999", "4°42'", "."]
)
def test_parse_number__nothing_else_is_one(text: str) -> None:
    assert parse_number(text) is None


@pytest.mark.parametrize(("text", "is_either"), [("8,000", True), ("1,5", False), ("0,125", False), ("1.250", False)])
def test_thousands__may_be_meant_by_a_comma_before_three_digits(text: str, is_either: bool) -> None:
    assert is_thousands_or_decimal(text) is is_either


def test_decode_text__guesses_no_encoding() -> None:
    with pytest.raises(ValueError, match="save it as UTF-8"):
        decode_text("añejo".encode("mac-roman"))
