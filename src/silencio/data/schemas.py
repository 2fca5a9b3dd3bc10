"""Tables at the door: what BirdCLEF's files must look like, checked by pandera."""

from __future__ import annotations

import ast
import csv
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pandera.pandas as pa

from silencio.errors import SchemaError

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


def _rule(test: Callable[[str], bool], error: str) -> pa.Check:
    return pa.Check(test, element_wise=True, error=error)


_FILLED = _rule(bool, "must not be empty")
_LIST_LITERAL = _rule(_is_list_literal, "must be a list literal such as ['grekis']")
_INSIDE = _rule(_is_inside, "must be a path inside train_audio")

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


def read_table(path: Path, schema: pa.DataFrameSchema) -> pd.DataFrame:
    """Read a CSV with every cell as text and hold it against a schema.

    Labels stay text: read as numbers, the iNaturalist id `1139490` would match no folder.

    Returns:
        The table; its index is the line on which each row begins, as an editor counts.

    Raises:
        SchemaError: One message that names file, column and row.
    """
    table = _read_csv(path)
    try:
        return schema.validate(table)
    except pa.errors.SchemaError as error:
        raise SchemaError(_explain(path, table, error)) from error


def _read_csv(path: Path) -> pd.DataFrame:
    # The csv module and not pandas: it knows the lines, and a row with a cell too many does not shift the columns.
    lines: list[int] = []
    rows: list[list[str]] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            while True:
                begins = reader.line_num + 1
                cells = next(reader, None)
                if cells is None:
                    break
                if cells and len(cells) != len(header):
                    raise SchemaError(
                        f"{path}: row {begins} has {len(cells)} cells, the header has {len(header)} columns"
                    )
                if cells:
                    lines.append(begins)
                    rows.append(cells)
    except FileNotFoundError as error:
        raise SchemaError(f"{path} does not exist: a folder in BirdCLEF's layout holds {path.name}") from error
    except OSError as error:
        raise SchemaError(f"{path} cannot be read: {error.strerror or error}") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise SchemaError(f"{path} is not a CSV table: {error}") from error
    if not header:
        raise SchemaError(f"{path} is not a CSV table: it is empty")
    return pd.DataFrame(rows, columns=header, index=pd.Index(lines, dtype="int64"), dtype=str)


def _explain(path: Path, table: pd.DataFrame, error: pa.errors.SchemaError) -> str:
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
