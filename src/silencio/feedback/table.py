"""Judgements as an Arrow table, and back."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
from pydantic import ValidationError

from silencio.errors import SchemaError
from silencio.feedback.judgement import JUDGEMENT_SCHEMA, Judgement


def table_of(judgements: Iterable[Judgement]) -> pa.Table:
    """Rows of `JUDGEMENT_SCHEMA`, in the order given.

    Args:
        judgements: Any number of them.
    """
    return pa.Table.from_pylist([one.model_dump() for one in judgements], schema=JUDGEMENT_SCHEMA)


def judgements_of(table: pa.Table) -> list[Judgement]:
    """The rows of a table, each checked.

    Args:
        table: With the columns of `JUDGEMENT_SCHEMA`; those that may be null need not be there.

    Raises:
        SchemaError: A column is missing or of another type, or a row contradicts itself; the message names it.
    """
    missing = [field.name for field in JUDGEMENT_SCHEMA if not field.nullable and field.name not in table.column_names]
    if missing:
        raise SchemaError(f"judgements need a column {missing[0]!r}; the table has {', '.join(table.column_names)}")
    if unknown := sorted(set(table.column_names) - set(JUDGEMENT_SCHEMA.names)):
        raise SchemaError(f"judgements have no column {unknown[0]!r}: {', '.join(JUDGEMENT_SCHEMA.names)} are known")
    fields = [field for field in JUDGEMENT_SCHEMA if field.name in table.column_names]
    try:
        rows = table.select([field.name for field in fields]).cast(pa.schema(fields)).to_pylist()
    except (pa.ArrowException, ValueError) as error:
        raise SchemaError(f"judgements have a column of another type: {error}") from error
    return [_checked(number, row) for number, row in enumerate(rows, 1)]


def _checked(number: int, row: dict[str, object]) -> Judgement:
    try:
        return Judgement.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the row"
        raise SchemaError(f"judgement {number}: {where}: {first['msg'].removeprefix('Value error, ')}") from error
