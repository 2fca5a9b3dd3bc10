"""What a judgement may be, and its table."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
import pytest
from pydantic import ValidationError

from silencio.errors import SchemaError
from silencio.feedback import JUDGEMENT_SCHEMA, Judgement, judgements_of, table_of
from tests.unit.feedback.made_judgements import judgement


def test_schema__has_the_models_fields_in_their_order() -> None:
    assert JUDGEMENT_SCHEMA.names == list(Judgement.model_fields)
    optional = {name for name, field in Judgement.model_fields.items() if field.default is None}
    assert optional == {field.name for field in JUDGEMENT_SCHEMA if field.nullable}


@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": "bad_audio"},  # of one species
        {"code": "?", "complete": True},
        {"code": "?", "verdict": "absent"},
        {"verdict": "maybe"},
        {"replaces_id": "j1"},  # itself
        {"created_at": datetime(2026, 5, 8)},  # no zone
        {"comment": "x" * 2001},
        {"comment": "\x1b[2J"},
        {"seen_probability": float("nan")},
        {"window_index": -1},
        {"bundle_sha256": "abc"},
        {"place": "unknown column"},
    ],
)
def test_judgement__what_contradicts_itself_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        judgement(1, **changes)  # type: ignore[arg-type]


def test_comment__is_composed() -> None:
    assert judgement(1, comment="cafe\u0301").comment == "caf\u00e9"


def test_table__comes_back_as_it_was() -> None:
    rows = [judgement(1, seen_probability=0.5, comment="two"), judgement(2, "absent", replaces_id="j1")]
    assert judgements_of(table_of(rows)) == rows
    assert judgements_of(table_of([])) == []


def test_table__without_columns_that_may_be_null() -> None:
    table = table_of([judgement(1)]).drop_columns(["replaces_id", "client_id", "seen_probability", "bundle_sha256"])
    assert judgements_of(table) == [judgement(1)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop_columns(["verdict"]), "column 'verdict'"),
        (lambda table: table.append_column("where", pa.array(["here"])), "no column 'where'"),
        (lambda table: table.set_column(5, "verdict", pa.array(["perhaps"])), "judgement 1: verdict: "),
        (lambda table: table.set_column(3, "window_index", pa.array(["third"])), "another type"),
    ],
)
def test_table__a_wrong_one_is_one_sentence(change: object, message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        judgements_of(change(table_of([judgement(1)])))  # type: ignore[operator]
