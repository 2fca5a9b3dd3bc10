"""Tables that people bring, as programs and spreadsheets write them: one reader, which knows the lines.

A line ends with LF, CR LF or CR and with nothing else: a form feed, U+0085 or U+2028 in a pasted remark is text.
"""

from __future__ import annotations

import codecs
import csv
import io
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from silencio.errors import SchemaError

_LINE_END = re.compile(r"\r\n|\r|\n")
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?", re.ASCII)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)
_EXCEL_HINT = re.compile(r'"?sep=([,;\t])"?[,;\t]*', re.IGNORECASE)
_DELIMITERS = (",", ";", "\t")
# UTF-32 begins like UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
_OTHER_FILES = (
    (b"PK\x03\x04", "a spreadsheet (.xlsx, .ods) or another zip: open it and save it as CSV in UTF-8"),
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet (.xls): open it and save it as CSV in UTF-8"),
    (b"PAR1", "a Parquet table: call it .parquet"),
    (b"\x1f\x8b", "compressed (gzip): unpack it"),
    (b"\x89PNG", "a picture"),
    (b"%PDF", "a PDF"),
)


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes:
        line: Line on which it begins, as an editor counts.
        cells: Text by column, as it stands in the file; empty where the row ends early.
        n_cells: How many the row itself has.
    """

    line: int
    cells: Mapping[str, str]
    n_cells: int


@dataclass(frozen=True)
class Table:
    """A table whose cells are text.

    Attributes:
        header: Columns with a name, without white space around it; a name may be there twice, then the first is read.
        rows: Those that are not blank.
        delimiter: What stands between cells.
    """

    header: tuple[str, ...]
    rows: tuple[Row, ...]
    delimiter: str


def decode_text(content: bytes) -> str:
    """The text of a file: UTF-8 with or without a byte order mark, or UTF-16 and UTF-32 with one (Excel's "Unicode").

    Other encodings are not guessed: a wrong guess changes names of files and species without a word.

    Raises:
        ValueError: A clause that says what the file is and what to do; it completes "x.csv is not a table: it …".
    """
    for begin, what in _OTHER_FILES:
        if content.startswith(begin):
            raise ValueError(f"is {what}")
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    if encoding == "utf-8" and _has_every_other_byte_empty(content):
        raise ValueError("is text in UTF-16 without a byte order mark: save it as UTF-8")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise ValueError(f"begins as {encoding} and is none at byte {error.start}: save it as UTF-8") from error
        raise ValueError(_not_utf8(content, error.start)) from error


def _has_every_other_byte_empty(content: bytes) -> bool:
    begin = content[: min(len(content) // 2 * 2, 200)]
    return bool(begin) and any(not any(begin[i::2]) and all(begin[1 - i :: 2]) for i in (0, 1))


def _not_utf8(content: bytes, position: int) -> str:
    row = len(_LINE_END.findall(content[:position].decode("utf-8"))) + 1
    letter = content[position : position + 1].decode("cp1252", errors="replace")
    meant = f", {letter!r} if it is Windows-1252 (Latin-1), as Excel's plain CSV is" if letter.isalpha() else ""
    return (
        f"is not text in UTF-8 (byte {position}, row {row}: 0x{content[position]:02X}{meant}): save it as UTF-8, in "
        'Excel as "CSV UTF-8"'
    )


def split_lines(text: str) -> list[str]:
    """Lines without their ends; only LF, CR LF and CR end one."""
    lines = _LINE_END.split(text)
    return lines if lines[-1] else lines[:-1]


def read_csv(content: bytes, source: str) -> Table:
    """Read a table with commas, semicolons or tabs, as the header shows, and with every cell as text.

    Blank rows, and empty cells without a column at a row's end, are what spreadsheets leave behind: they are no fault.

    Args:
        content: Content of the file.
        source: What messages call it.

    Raises:
        SchemaError: It is no such table; the message says what it is, or names the row.
    """
    try:
        text = decode_text(content)
    except ValueError as error:
        raise SchemaError(f"{source} is not a CSV table: it {error}") from error
    delimiter, begins_at = _delimiter(text)
    reader = csv.reader(io.StringIO(text[begins_at:], newline=""), delimiter=delimiter, strict=True)
    rows = _numbered(reader, source, 1 if begins_at else 0)
    first = next(rows, None)
    if first is None:
        raise SchemaError(f"{source} is not a CSV table: it is empty")
    names = [name.strip() for name in first[1]]
    while names and not names[-1]:
        names.pop()
    return Table(tuple(filter(None, names)), tuple(_row(source, line, cells, names) for line, cells in rows), delimiter)


def _delimiter(text: str) -> tuple[str, int]:
    """What stands between cells, and where the header begins: after Excel's line `sep=;`, where it has one."""
    first = _LINE_END.split(text, maxsplit=1)[0]
    hint = _EXCEL_HINT.fullmatch(first)
    if hint is not None:
        end = _LINE_END.search(text)
        return hint[1], end.end() if end else len(text)
    bare = re.sub(r'"[^"]*"', "", first)
    # The comma where nothing decides.
    return max(_DELIMITERS, key=bare.count), 0


def _numbered(reader: Iterator[list[str]], source: str, n_before: int) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not blank, each with the line on which it begins."""
    while True:
        begins = reader.line_num + n_before + 1  # type: ignore[attr-defined]  # of every csv reader
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise SchemaError(f"{source} is not a CSV table: row {begins}: {error}") from error
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield begins, cells


def _row(source: str, line: int, cells: list[str], names: list[str]) -> Row:
    n_cells = len(cells)
    while len(cells) > len(names) and not cells[-1].strip():
        cells = cells[:-1]
    if len(cells) > len(names):
        raise SchemaError(f"{source}: row {line} has {n_cells} cells, the header has {len(names)} columns")
    filled = cells + [""] * (len(names) - len(cells))
    named: dict[str, str] = {}
    for name, cell in zip(names, filled, strict=True):
        if name:
            named.setdefault(name, cell)
    return Row(line, named, n_cells)


def parse_number(text: str) -> float | None:
    """The number that a cell holds, with a decimal point or, as spreadsheets of half the world write it, a comma.

    Returns:
        None where it holds none; infinity and "nan" are none.
    """
    text = text.strip().replace("\u2212", "-")  # the minus sign of documents and web pages
    if _NUMBER.fullmatch(text) is None:
        return None
    value = float(text.replace(",", "."))
    return value if math.isfinite(value) else None


def is_thousands_or_decimal(text: str) -> bool:
    """Whether a comma in a number may be either: `8,000` is 8 in one country and 8000 in another."""
    return _THOUSANDS.fullmatch(text.strip()) is not None
