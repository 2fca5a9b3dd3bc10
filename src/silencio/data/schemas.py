"""Tables at the door: what BirdCLEF's files must look like, checked by pandera."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pandera.pandas as pa

from silencio.errors import SchemaError


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
    except (ValueError, SyntaxError) as error:
        raise ValueError(f"{text!r} is not a list literal") from error
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise ValueError(f"{text!r} is not a list of texts")
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

    Raises:
        SchemaError: One message that names file, column and row (the row of the file, its header is row 1).
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, na_filter=False)
    except FileNotFoundError as error:
        raise SchemaError(f"{path} does not exist: a folder in BirdCLEF's layout holds {path.name}") from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise SchemaError(f"{path} is not a CSV table: {error}") from error
    try:
        return schema.validate(table)
    except pa.errors.SchemaError as error:
        raise SchemaError(_explain(path, table, error)) from error


def _explain(path: Path, table: pd.DataFrame, error: pa.errors.SchemaError) -> str:
    if error.reason_code is not None and error.reason_code.name == "COLUMN_NOT_IN_DATAFRAME":
        return f"{path}: column {error.failure_cases!r} is missing; it has {', '.join(table.columns)}"
    column = getattr(error.schema, "name", None)
    cases = error.failure_cases
    if isinstance(cases, pd.DataFrame) and len(cases) and column is not None:
        first = cases.iloc[0]
        rule = "must be unique" if error.check is None or "unique" in str(error.check) else error.check.error
        more = f" (and {len(cases) - 1} more)" if len(cases) > 1 else ""
        return f"{path}: column {column!r}, row {int(first['index']) + 2}: {first['failure_case']!r} {rule}{more}"
    return f"{path}: {error}"
