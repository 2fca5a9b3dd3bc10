"""Tables at the door: what a source's files must look like, checked by pandera."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
import pandera.pandas as pa

from silencio.data.frames import read_frame
from silencio.errors import SchemaError, StorageError
from silencio.storage import concerns_one_file, is_missing, name_of, read_bytes
from silencio.tables import parse_number, read_csv
from silencio.taxonomy import clean_name

_MAX_SHOWN = 120
# A list's texts: in either kind of quotes, as Python 2 and 3 write them, and NumPy 2 in a list of its own texts.
_QUOTED = r"""[uU]?(?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")"""
_ITEM = re.compile(rf"np\.str_\((?P<numpy>{_QUOTED})\)|(?P<plain>{_QUOTED})")
_BETWEEN = re.compile(r"\s*,\s*|\s+")
_REDUCED_DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2]))?", re.ASCII)
_DRIVE = re.compile(r"[A-Za-z]:/")
# Cells that are compared or computed with: white space around and inside them is not to make a difference.
_CLEANED = (
    "primary_label",
    "scientific_name",
    "common_name",
    "class_name",
    "author",
    "site",
    "latitude",
    "longitude",
    "recorded_at",
)


def parse_secondary_labels(text: str) -> list[str]:
    """Read the list of texts in which BirdCLEF writes secondary labels.

    `"['grekis', '1139490']"` gives `["grekis", "1139490"]`, and so does the text of a NumPy array, in which no comma
    stands between (`['grekis' '1139490']`, with a line end where it is long). Python's own reader would join the two
    to one label that no taxonomy knows.

    Raises:
        ValueError: Not a list of texts.
    """
    text = text.strip()
    if not text:
        return []
    if len(text) < 2 or text[0] != "[" or text[-1] != "]":
        raise ValueError("is not a list literal")
    inner = text[1:-1].strip()
    labels, position = [], 0
    while position < len(inner):
        item = _ITEM.match(inner, position)
        if item is None:
            raise ValueError("is not a list of texts")
        labels.append(_unquoted(item["numpy"] or item["plain"]))
        between = _BETWEEN.match(inner, item.end())
        if between is None and item.end() < len(inner):
            raise ValueError("is not a list of texts with commas between them")
        position = between.end() if between else len(inner)
    return [label for label in map(clean_name, labels) if label]


def _unquoted(literal: str) -> str:
    try:
        return str(ast.literal_eval(literal))
    except (ValueError, SyntaxError) as error:
        raise ValueError("is not a list literal") from error


def _is_list_literal(text: str) -> bool:
    try:
        parse_secondary_labels(text)
    except ValueError:
        return False
    return True


def _is_inside(name: str) -> bool:
    # A table made on Windows may separate folders by backslashes.
    name = name.replace("\\", "/")
    return not name.startswith("/") and _DRIVE.match(name) is None and ".." not in PurePosixPath(name).parts


def _is_time(text: str) -> bool:
    """Whether it is ISO 8601: a date, to the month or year too, or a date and a time with `T` or a blank between."""
    if not text or _REDUCED_DATE.fullmatch(text):
        return True
    try:
        (datetime if "T" in text or " " in text else date).fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_degrees(text: str, max_degrees: float) -> bool:
    value = parse_number(text)
    return not text or (value is not None and -max_degrees <= value <= max_degrees)


def _rule(test: Callable[[str], bool], error: str) -> pa.Check:
    return pa.Check(test, element_wise=True, error=error)


def _degrees(max_degrees: int, example: str) -> pa.Column:
    error = f"must be a number of degrees from -{max_degrees} to {max_degrees}, such as {example}"
    return pa.Column(str, [_rule(partial(_is_degrees, max_degrees=max_degrees), error)], required=False)


_FILLED = _rule(bool, "must not be empty")
_LIST_LITERAL = _rule(_is_list_literal, "must be a list literal such as ['grekis']")
_INSIDE = _rule(_is_inside, "must be a path inside train_audio")
_TIME = _rule(_is_time, "must be a time such as 2023-04-20T07:40:00 (ISO 8601)")
# Where and when, as every table of recordings may say it.
_PLACE_AND_TIME = {
    "latitude": _degrees(90, "-4.71, south being negative"),
    "longitude": _degrees(180, "-74.07, west being negative"),
    "recorded_at": pa.Column(str, [_TIME], required=False),
}

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
        **_PLACE_AND_TIME,
    }
)

MANIFEST = pa.DataFrameSchema(
    {
        "path": pa.Column(str, [_FILLED], unique=True),
        "primary_label": pa.Column(str, [_FILLED]),
        "secondary_labels": pa.Column(str, [_LIST_LITERAL], required=False),
        **_PLACE_AND_TIME,
    }
)


def read_table(uri: str | Path, schema: pa.DataFrameSchema) -> pd.DataFrame:
    """Read a CSV or Parquet table with every cell as text and hold it against a schema.

    Labels stay text: read as numbers, the iNaturalist id `1139490` would match no folder. White space around and
    inside labels, names, places and times makes no difference (`silencio.taxonomy.clean_name`).

    Returns:
        The table; its index is the line on which each row begins, as an editor counts (of Parquet: the row, from 1).

    Raises:
        SchemaError: One message that names file, column and row.
        StorageError: The place does not answer.
    """
    content = _content(str(uri))
    uri = str(uri)
    table = _parquet(uri, content) if uri.endswith(".parquet") else _csv(uri, content, schema)
    for name in _CLEANED:
        if name in table:
            table[name] = table[name].map(clean_name)
    try:
        table = schema.validate(table)
    except pa.errors.SchemaError as error:
        raise SchemaError(_explain(uri, table, error)) from error
    _refuse_half_places(uri, table)
    return table


def _refuse_half_places(uri: str, table: pd.DataFrame) -> None:
    for name, other in (("latitude", "longitude"), ("longitude", "latitude")):
        if name in table:
            lacks = (table[name] != "") & ((table[other] == "") if other in table else True)
            if lacks.any():
                row = lacks.idxmax()
                raise SchemaError(
                    f"{uri}: column {name!r}, row {row}: {table.at[row, name]!r} has no {other} beside it: both are "
                    "needed, or none"
                )


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


def _csv(uri: str, content: bytes, schema: pa.DataFrameSchema) -> pd.DataFrame:
    # Not by pandas: it knows no lines, and a row with a cell too many shifts its columns.
    table = read_csv(content, uri)
    twice = [name for name in table.header if table.header.count(name) > 1]
    if twice:
        raise SchemaError(f"{uri}: column {twice[0]!r} is there twice")
    needed = {name for name, column in schema.columns.items() if column.required}
    for row in table.rows:
        # Spreadsheets end a row before its empty cells; a row that ends before a cell that is needed was cut.
        if needed & set(table.header[row.n_cells :]):
            raise SchemaError(
                f"{uri}: row {row.line} has {row.n_cells} cells, the header has {len(table.header)} columns"
            )
    cells = [[row.cells[name] for name in table.header] for row in table.rows]
    lines = pd.Index([row.line for row in table.rows], dtype="int64")
    return pd.DataFrame(cells, columns=list(table.header), index=lines, dtype=str)


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
        found = found if len(found) <= _MAX_SHOWN else f"{found[:_MAX_SHOWN]}…"
        return f"{path}: column {column!r}, row {int(first['index'])}: {found} {rule}{more}"
    return f"{path}: {error}"
