"""The V1 route as OpenAPI 3.1, made from the very models by which requests are checked and answers are built."""

from __future__ import annotations

import json
import sys
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import models_json_schema

from serving.agreement import MODEL_NAME
from serving.transformer.request.fields import LooseFields
from serving.transformer.request.v1 import PredictRequest
from silencio.command import command, exit_with
from silencio.detections import RecordingDocument

_MEDIA_TYPES = ("audio/ogg", "audio/wav", "audio/flac", "audio/mpeg", "application/octet-stream")
_TEXTS = ("text/csv", "text/tab-separated-values", "text/plain")
_DESCRIPTION = (
    "JSON takes its options in `parameters`; an uploaded recording takes them as query. A body may be packed once "
    "(Content-Encoding: gzip or deflate). One whose type says nothing is JSON if it begins so, else a recording."
)
_ERRORS = {
    "400": "The request cannot be used; the sentence names the field, what was found and what is allowed.",
    "401": "No API key, or an unknown one, where the server wants one.",
    "408": "The body stood still.",
    "413": "The body is larger than the server reads, as it came or unpacked.",
    "415": "The body is packed in a way that is not taken; Accept-Encoding names those that are.",
    "429": "The key's quota is used up; Retry-After says for how long.",
    "503": "Not ready, or too busy; Retry-After says when to ask again.",
}


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
    stage_ms: dict[str, float] = Field(description="Milliseconds by stage: decode, features, predictor, names.")


class Error(BaseModel):
    """Every answer that is no 200."""

    error: str


def openapi() -> dict[str, Any]:
    """The description."""
    models: list[type[BaseModel]] = [PredictRequest, LooseFields, PredictAnswer, Error]
    _, definitions = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    options = definitions["$defs"].pop(LooseFields.__name__)
    answer = {"$ref": f"#/components/schemas/{PredictAnswer.__name__}"}
    error = {"$ref": f"#/components/schemas/{Error.__name__}"}
    body = {"application/json": {"schema": {"$ref": f"#/components/schemas/{PredictRequest.__name__}"}}}
    body |= {name: {"schema": {"type": "string", "format": "binary"}} for name in _MEDIA_TYPES}
    answers = {"application/json": {"schema": answer}} | {name: {"schema": {"type": "string"}} for name in _TEXTS}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Silencio", "version": "1", "description": "Which species a recording holds."},
        "paths": {
            f"/v1/models/{MODEL_NAME}:predict": {
                "post": {
                    "operationId": "predict",
                    "summary": "Name what recordings hold",
                    "description": _DESCRIPTION,
                    "parameters": [
                        {"name": name, "in": "query", "required": False, "schema": schema}
                        for name, schema in options["properties"].items()
                    ],
                    "requestBody": {"required": True, "content": body},
                    "responses": {
                        "200": {"description": "What was found.", "content": answers},
                        **{
                            status: {"description": text, "content": {"application/json": {"schema": error}}}
                            for status, text in _ERRORS.items()
                        },
                    },
                }
            }
        },
        "components": {"schemas": definitions["$defs"]},
    }


def openapi_text() -> str:
    """As docs/openapi.json holds it."""
    return json.dumps(openapi(), indent=2, ensure_ascii=False) + "\n"


def add_openapi(app: FastAPI) -> None:
    """Have FastAPI serve it at /openapi.json, in place of what it makes of the SDK's routes: they name no fields."""
    app.openapi = openapi  # type: ignore[method-assign]  # the way that FastAPI documents


@command
def main() -> None:
    """Print it."""
    sys.stdout.write(openapi_text())


if __name__ == "__main__":
    exit_with(main)
