"""Raven selection tables: tab-separated text, the common form of annotations in bioacoustics."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from silencio.data.annotations import Annotation
from silencio.errors import SchemaError
from silencio.tables import decode_text, is_thousands_or_decimal, parse_number, split_lines
from silencio.taxonomy import clean_name, name_key

TABLE_SUFFIX = ".Table.1.selections.txt"
# In this order, the first that a table has.
LABEL_COLUMNS = ("Species Code", "Species", "Annotation", "Label", "primary_label", "Common Name")

_BEGIN, _END, _LOW, _HIGH = "Begin Time (s)", "End Time (s)", "Low Freq (Hz)", "High Freq (Hz)"
_SELECTION, _VIEW, _CHANNEL, _BEGIN_FILE = "Selection", "View", "Channel", "Begin File"
_SNR, _RECORDING = "SNR (dB)", "Recording"  # ours; Raven keeps columns that it does not know

_Row = dict[str, str]


def read_raven_table(
    path: Path, label_columns: Sequence[str] = LABEL_COLUMNS, codes: Mapping[str, str] | None = None
) -> list[Annotation]:
    """Read a selection table.

    A selection that is listed once a view (Waveform, Spectrogram) counts once. A table without rows says that nothing
    was heard.

    Args:
        path: The table, tab-separated with a header.
        label_columns: The column that names the species: the first of these that is there.
        codes: What the table writes (a common name, another code) to a species code; what is not in it stays.
            Names are compared by `silencio.taxonomy.name_key`.

    Returns:
        By begin.

    Raises:
        SchemaError: One message that names file, column and row, as an editor counts lines.
    """
    header, rows = _read_rows(path)
    label_column = next((name for name in label_columns if name in header), None)
    missing = [name for name in (_BEGIN, _END) if name not in header]
    if missing:
        raise SchemaError(f"{path}: column {missing[0]!r} is missing; it has {', '.join(header)}")
    if label_column is None:
        wanted = " or ".join(repr(name) for name in label_columns)
        raise SchemaError(f"{path}: column {wanted} is missing, none names the species; it has {', '.join(header)}")
    files = sorted({row[_BEGIN_FILE] for _, row in rows if row.get(_BEGIN_FILE)})
    if len(files) > 1:
        raise SchemaError(
            f"{path}: column {_BEGIN_FILE!r} names {len(files)} files ({files[0]}, {files[1]}, …), and times would "
            "count from the first: save one table a file"
        )
    by_key = {name_key(written): code for written, code in (codes or {}).items()}
    selections: dict[tuple[object, ...], Annotation] = {}
    for line, row in rows:
        annotation = _annotation(path, line, row, label_column, by_key)
        key = (row.get(_SELECTION), row.get(_CHANNEL), annotation.code, annotation.begin_s, annotation.end_s)
        known = selections.get(key)
        # The view that shows frequencies knows more.
        if known is None or known.high_hz is None:
            selections[key] = annotation
    return sorted(selections.values(), key=lambda one: (one.begin_s, one.end_s, one.code))


def write_raven_table(annotations: Iterable[Annotation], path: Path) -> None:
    """Write a selection table that Raven opens and `read_raven_table` reads."""
    header = [_SELECTION, _VIEW, _CHANNEL, _BEGIN, _END, _LOW, _HIGH, "Species", _SNR, _RECORDING]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(header)
        for number, one in enumerate(annotations, start=1):
            frequencies = [_written(one.low_hz, 1), _written(one.high_hz, 1)]
            times = [_written(one.begin_s, 6), _written(one.end_s, 6)]
            about = [one.code, _written(one.snr_db, 2), one.recording_id or ""]
            writer.writerow([number, "Spectrogram 1", 1, *times, *frequencies, *about])


def _read_rows(path: Path) -> tuple[list[str], list[tuple[int, _Row]]]:
    """Header, and each row with the line on which it stands."""
    try:
        # No quoting: an inch or a remark in a cell is text, as Raven writes it.
        lines = split_lines(decode_text(path.read_bytes()))
    except OSError as error:
        raise SchemaError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise SchemaError(f"{path} is not a selection table: it {error}") from error
    header = [name.strip() for name in lines[0].split("\t")] if lines else []
    if not any(header):
        raise SchemaError(f"{path} is not a selection table: it is empty, even a table of no calls has a header")
    rows: list[tuple[int, _Row]] = []
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        # Editors cut empty cells off a line's end; a cell too many has no column.
        if len(cells) > len(header):
            raise SchemaError(f"{path}: row {number} has {len(cells)} cells, the header has {len(header)} columns")
        rows.append((number, dict(zip(header, cells + [""] * (len(header) - len(cells)), strict=True))))
    return header, rows


def _annotation(path: Path, line: int, row: _Row, label_column: str, codes: Mapping[str, str]) -> Annotation:
    label = clean_name(row[label_column])
    if not label:
        raise SchemaError(f"{path}: column {label_column!r}, row {line}: must not be empty")
    begin_s, end_s = (_number(path, line, row, name) for name in (_BEGIN, _END))
    if begin_s is None or end_s is None:
        raise SchemaError(f"{path}: column {_BEGIN if begin_s is None else _END!r}, row {line}: must not be empty")
    if begin_s < 0:
        raise SchemaError(f"{path}: column {_BEGIN!r}, row {line}: {begin_s:g} is before the recording's start")
    if end_s <= begin_s:
        raise SchemaError(f"{path}: column {_END!r}, row {line}: {end_s:g} is not after the begin, {begin_s:g}")
    low_hz, high_hz = (_number(path, line, row, name) for name in (_LOW, _HIGH))
    if low_hz is not None and high_hz is not None and high_hz < low_hz:
        raise SchemaError(f"{path}: column {_HIGH!r}, row {line}: {high_hz:g} is below the low frequency, {low_hz:g}")
    snr_db = _number(path, line, row, _SNR)
    return Annotation(
        codes.get(name_key(label), label), begin_s, end_s, low_hz, high_hz, snr_db, row.get(_RECORDING) or None
    )


def _number(path: Path, line: int, row: _Row, column: str) -> float | None:
    text = row.get(column, "")
    if not text:
        return None
    value = parse_number(text)
    if value is None:
        raise SchemaError(f"{path}: column {column!r}, row {line}: {text!r} is not a number")
    if is_thousands_or_decimal(text):
        raise SchemaError(
            f"{path}: column {column!r}, row {line}: {text!r} may be {value:g} or {text.replace(',', '')}: write it "
            "with a point, or without the comma"
        )
    return value


def _written(value: float | None, n_decimals: int) -> str:
    return "" if value is None else f"{value:.{n_decimals}f}"
