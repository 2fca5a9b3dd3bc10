"""Tables at the door: what a source's files must look like, checked by pandera."""

from __future__ import annotations

import ast
import csv
import io
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa

from silencio.data.frames import read_frame
from silencio.errors import SchemaError, StorageError
from silencio.storage import concerns_one_file, is_missing, name_of, read_bytes

_MOST_SHOWN = 120


def parse_secondary_labels(text: str) -> list[str]:
    """Read the Python list literal in which BirdCLEF writes secondary labels.

    `"['grekis', '1139490']"` gives `["grekis", "1139490"]`. Splitting at blanks instead gives labels that no
    taxonomy knows, and so a multi-label model that never saw a second label.

    Raises:
        ValueError: Not a list literal of texts.
    """
    if not text:
        return []
    try:
        labels = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise ValueError("is not a list literal") from error
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise ValueError("is not a list of texts")
    return [label for label in labels if label]


def _is_list_literal(text: str) -> bool:
    try:
        parse_secondary_labels(text)
    except ValueError:
        return False
    return True


def _is_inside(name: str) -> bool:
    return not name.startswith("/") and ".." not in Path(name).parts


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text or "2000-01-01")
    except ValueError:
        return False
    return True


def _is_number(text: str) -> bool:
    try:
        return not text or bool(np.isfinite(float(text)))
    except ValueError:
        return False


def _rule(test: Callable[[str], bool], error: str) -> pa.Check:
    return pa.Check(test, element_wise=True, error=error)


_FILLED = _rule(bool, "must not be empty")
_LIST_LITERAL = _rule(_is_list_literal, "must be a list literal such as ['grekis']")
_INSIDE = _rule(_is_inside, "must be a path inside train_audio")
_TIME = _rule(_is_time, "must be a time such as 2023-04-20T07:40:00")
_NUMBER = _rule(_is_number, "must be a number")

TAXONOMY = pa.DataFrameSchema(
    {
        "primary_label": pa.Column(str, [_FILLED], unique=True),
        "scientific_name": pa.Column(str),
        "common_name": pa.Column(str),
        "class_name": pa.Column(str, [_FILLED]),
    }
)

TRAIN = pa.DataFrameSchema(
    {
        "primary_label": pa.Column(str, [_FILLED]),
        "secondary_labels": pa.Column(str, [_LIST_LITERAL]),
        "filename": pa.Column(str, [_FILLED, _INSIDE], unique=True),
    }
)

MANIFEST = pa.DataFrameSchema(
    {
        "path": pa.Column(str, [_FILLED], unique=True),
        "primary_label": pa.Column(str, [_FILLED]),
        "secondary_labels": pa.Column(str, [_LIST_LITERAL], required=False),
        "recorded_at": pa.Column(str, [_TIME], required=False),
        "latitude": pa.Column(str, [_NUMBER], required=False),
        "longitude": pa.Column(str, [_NUMBER], required=False),
    }
)


def read_table(uri: str | Path, schema: pa.DataFrameSchema) -> pd.DataFrame:
    """Read a CSV or Parquet table with every cell as text and hold it against a schema.

    Labels stay text: read as numbers, the iNaturalist id `1139490` would match no folder.

    Returns:
        The table; its index is the line on which each row begins, as an editor counts (of Parquet: the row, from 1).

    Raises:
        SchemaError: One message that names file, column and row.
        StorageError: The place does not answer.
    """
    content = _content(str(uri))
    table = _parquet(str(uri), content) if str(uri).endswith(".parquet") else _csv(str(uri), content)
    try:
        return schema.validate(table)
    except pa.errors.SchemaError as error:
        raise SchemaError(_explain(str(uri), table, error)) from error


def _content(uri: str) -> bytes:
    try:
        return read_bytes(uri)
    except StorageError as error:
        if is_missing(error):
            is_layout = name_of(uri) in ("train.csv", "taxonomy.csv")
            hint = f": a folder in BirdCLEF's layout holds {name_of(uri)}" if is_layout else ""
            raise SchemaError(f"{uri} does not exist{hint}") from error
        if concerns_one_file(error):
            raise SchemaError(str(error)) from error
        raise


def _csv(uri: str, content: bytes) -> pd.DataFrame:
    # The csv module and not pandas: it knows the lines, and a row with a cell too many does not shift the columns.
    lines: list[int] = []
    rows: list[list[str]] = []
    try:
        reader = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        header = next(reader, [])
        while True:
            begins = reader.line_num + 1
            cells = next(reader, None)
            if cells is None:
                break
            if cells and len(cells) != len(header):
                raise SchemaError(f"{uri}: row {begins} has {len(cells)} cells, the header has {len(header)} columns")
            if cells:
                lines.append(begins)
                rows.append(cells)
    except (csv.Error, UnicodeDecodeError) as error:
        raise SchemaError(f"{uri} is not a CSV table: {error}") from error
    if not header:
        raise SchemaError(f"{uri} is not a CSV table: it is empty")
    twice = [name for name in header if header.count(name) > 1]
    if twice:
        raise SchemaError(f"{uri}: column {twice[0]!r} is there twice")
    return pd.DataFrame(rows, columns=header, index=pd.Index(lines, dtype="int64"), dtype=str)


def _parquet(uri: str, content: bytes) -> pd.DataFrame:
    try:
        table = read_frame(content)
    except (OSError, ValueError) as error:
        raise SchemaError(f"{uri} is not a Parquet table: {error}") from error
    for name in ("path", "primary_label"):
        if name in table and not table[name].map(lambda value: isinstance(value, str)).all():
            raise SchemaError(f"{uri}: column {name!r} holds {table[name].dtype} and must hold texts")
    texts = {str(name): [_text(value) for value in column] for name, column in table.items()}
    return pd.DataFrame(texts, index=pd.RangeIndex(1, len(table) + 1), dtype=str)


def _text(value: object) -> str:
    """A cell as a CSV would hold it."""
    if isinstance(value, (np.ndarray, list, tuple)):
        return repr([str(one) for one in value])
    if value is None or value is pd.NaT or value != value:
        return ""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _explain(path: str, table: pd.DataFrame, error: pa.errors.SchemaError) -> str:
    if error.reason_code is not None and error.reason_code.name == "COLUMN_NOT_IN_DATAFRAME":
        return f"{path}: column {error.failure_cases!r} is missing; it has {', '.join(table.columns)}"
    column = getattr(error.schema, "name", None)
    cases = error.failure_cases
    if isinstance(cases, pd.DataFrame) and len(cases) and column is not None:
        first = cases.iloc[0]
        rule = "must be unique" if error.check is None or "unique" in str(error.check) else error.check.error
        more = f" (and {len(cases) - 1} more)" if len(cases) > 1 else ""
        found = repr(first["failure_case"])
        found = found if len(found) <= _MOST_SHOWN else f"{found[:_MOST_SHOWN]}…"
        return f"{path}: column {column!r}, row {int(first['index'])}: {found} {rule}{more}"
    return f"{path}: {error}"
