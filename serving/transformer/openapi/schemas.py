"""JSON Schemas of what is sent and answered.

Generated clients send a default as if it had been chosen, and openapi-typescript wants every property that has one: in
what is sent, a default stands in the description alone.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from serving.transformer.openapi.v2_models import V2_ANSWERS, V2_REQUESTS
from serving.transformer.request.fields import LooseFields, PredictOptions, RecordingMetadata
from serving.transformer.request.v1 import PredictRequest
from silencio.detections import RecordingDocument
from silencio.detections.formats import FORMATS

# In pydantic's text of a docstring; a longer one goes on further in.
_ATTRIBUTE = re.compile(r"^    (\w+): (.+(?:\n        .+)*)", re.MULTILINE)


def _attributes(model: type[BaseModel]) -> dict[str, str]:
    listed = inspect.getdoc(model) or ""
    return dict(_ATTRIBUTE.findall(listed.partition("Attributes:\n")[2]))


# A class's docstring says nothing of what it has from these.
_INHERITED = _attributes(RecordingMetadata) | _attributes(PredictOptions)


class BundleEntry(BaseModel):
    """Which bundle answered."""

    name: str
    version: str
    spec_sha256: str
    f_min_hz: float
    f_max_hz: float


class PredictAnswer(BaseModel):
    """The V1 answer."""

    model_config = ConfigDict(extra="forbid")

    predictions: list[RecordingDocument] = Field(description="One a recording, in the order in which they were sent.")
    bundle: BundleEntry
    request_id: str
    prediction_ids: list[str] = Field(
        description="The server's own, one a recording: by it the log knows the prediction."
    )
    stage_ms: dict[str, float] = Field(description="Milliseconds by stage: decode, features, predictor, names.")


class Error(BaseModel):
    """Every answer that is no 200."""

    error: str


def schemas() -> dict[str, Any]:
    """All of them, by name."""
    sent = {name: _sent(schema) for name, schema in _defined([PredictRequest, *V2_REQUESTS], "validation").items()}
    answered = _defined([PredictAnswer, Error, *V2_ANSWERS], "serialization")
    # V2 has no tables.
    del sent["InferParameters"]["properties"]["format"]
    return {**sent, **_by_answer(sent), **{name: _answered(schema) for name, schema in answered.items()}}


def query_parameters(*left_out: str, of_table: bool) -> list[dict[str, Any]]:
    """What an upload says beside its sound.

    Args:
        left_out: Names that have no use there.
        of_table: The format is one of the tables', and is needed; else it is JSON, and need not be given.
    """
    schema = _sent(_described(LooseFields.model_json_schema()))
    fields = {name: _without_null(one) for name, one in schema["properties"].items() if name not in left_out}
    del fields["format"]
    parameters = [_parameter(name, field, required=False) for name, field in fields.items()]
    return [_parameter("format", _table_format(), required=True), *parameters] if of_table else parameters


def _table_format() -> dict[str, Any]:
    return {"type": "string", "enum": list(FORMATS), "description": "Of the table."}


def _by_answer(sent: dict[str, Any]) -> dict[str, Any]:
    """The V1 body by what it asks for: JSON, or a table, which it names. The server takes both at `predict`."""
    options, request = sent["PredictOptions"], sent["PredictRequest"]
    properties = {name: schema for name, schema in options["properties"].items() if name != "format"}
    of_table = {"format": _table_format()} | {name: one for name, one in properties.items() if name != "top_k"}
    parameters = {"$ref": "#/components/schemas/TableOptions"}
    return {
        "PredictOptions": {**options, "properties": properties},
        "TableOptions": {**options, "title": "TableOptions", "properties": of_table, "required": ["format"]},
        "TableRequest": {
            **request,
            "title": "TableRequest",
            "properties": {**request["properties"], "parameters": parameters},
            "required": ["instances", "parameters"],
        },
    }


def _parameter(name: str, schema: dict[str, Any], required: bool) -> dict[str, Any]:
    description = {"description": schema["description"]} if "description" in schema else {}
    bare = {key: value for key, value in schema.items() if key not in ("description", "title")}
    return {"name": name, "in": "query", "required": required, **description, "schema": bare}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query string has none."""
    kinds = [one for one in schema.get("anyOf", []) if one.get("type") != "null"]
    return schema if len(kinds) != 1 else {key: schema[key] for key in schema if key != "anyOf"} | kinds[0]


def _defined(models: list[type[BaseModel]], mode: JsonSchemaMode) -> dict[str, Any]:
    _, definitions = models_json_schema(
        [(model, mode) for model in models], ref_template="#/components/schemas/{model}"
    )
    return {name: _described(schema) for name, schema in definitions["$defs"].items()}


def _described(schema: dict[str, Any]) -> dict[str, Any]:
    """What a docstring says of its attributes, at the attributes."""
    text, _, listed = schema.get("description", "").partition("\n\nAttributes:\n")
    descriptions = _INHERITED | dict(_ATTRIBUTE.findall(listed))
    properties = {
        name: ({"description": " ".join(descriptions[name].split())} if name in descriptions else {}) | one
        for name, one in schema["properties"].items()
    }
    return {**schema, "description": text, "properties": properties}


def _sent(schema: dict[str, Any]) -> dict[str, Any]:
    """Without defaults, but for the words."""
    return {**schema, "properties": {name: _without_default(one) for name, one in schema["properties"].items()}}


def _without_default(schema: dict[str, Any]) -> dict[str, Any]:
    changed = {key: value for key, value in schema.items() if key != "default"}
    if isinstance(default := schema.get("default"), str | int):
        changed["description"] = " ".join(filter(None, [schema.get("description"), f"Default: {default}."]))
    return changed


def _answered(schema: dict[str, Any]) -> dict[str, Any]:
    """Every field is there, whether or not whoever builds the answer may leave it out."""
    properties = {
        name: {key: value for key, value in one.items() if key != "default"}
        for name, one in schema["properties"].items()
    }
    return {**schema, "properties": properties, "required": list(properties)}
