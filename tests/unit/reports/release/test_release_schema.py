"""docs/release.schema.json is what the code says of release.json, with words for every field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator, ValidationError

from silencio.release.record import State
from silencio.reports.release import ReleaseInputs
from silencio.reports.release.collect import collect
from silencio.reports.release.schema import release_schema
from silencio.reports.release.write import as_json
from tests.unit.reports.release.conftest import at, made_record

SCHEMA: dict[str, Any] = json.loads(
    (Path(__file__).parents[4] / "docs" / "release.schema.json").read_text(encoding="utf-8")
)


def _properties() -> Iterator[tuple[str, dict[str, Any]]]:
    for where, part in [("release.json", SCHEMA), *SCHEMA["$defs"].items()]:
        for name, field in part["properties"].items():
            yield f"{where}.{name}", field


def test_schema__is_that_of_the_code() -> None:
    command = ".venv/bin/python -m silencio.reports.release.schema > docs/release.schema.json"
    assert release_schema() == SCHEMA, f"write it anew: {command}"


def test_schema__has_a_version_that_is_fixed() -> None:
    assert SCHEMA["properties"]["schema_version"]["const"] == 1


@pytest.mark.parametrize(("name", "field"), _properties(), ids=lambda one: one if isinstance(one, str) else "")
def test_schema__every_field_says_what_it_is(name: str, field: dict[str, Any]) -> None:
    assert len(field.get("description", "").split()) >= 2, f"{name}: a line under Attributes in the class is missing"


@pytest.mark.parametrize("state", get_args(State))
def test_schema__takes_every_state_with_and_without_evidence(state: State, inputs: ReleaseInputs) -> None:
    Draft202012Validator.check_schema(SCHEMA)
    record = made_record(state=state, held_from="dark" if state == "held" else None)
    for made in (replace(inputs, record=record), ReleaseInputs(record=record, written_at=at(75))):
        Draft202012Validator(SCHEMA).validate(json.loads(as_json(collect(made))))


@pytest.mark.parametrize(
    "change", [{"schema_version": 2}, {"unknown": 1}, {"why": None}, {"rules": [{"rule": "errors"}]}, {"windows": None}]
)
def test_schema__refuses_what_is_no_release(inputs: ReleaseInputs, change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Draft202012Validator(SCHEMA).validate(json.loads(as_json(collect(inputs))) | change)
