"""The predict route, under the four names of `serving.server.operations`."""

from __future__ import annotations

from typing import Any

from serving.server.protocol import MODEL_NAME
from serving.transformer.openapi.responses import (
    HEAD_PARAMETERS,
    OPEN,
    PREDICTING,
    responses,
    schema_ref,
)
from serving.transformer.openapi.schemas import query_parameters
from silencio.detections.formats import FORMATS

_MODEL = f"/v1/models/{MODEL_NAME}"
# The first is what every generator can send; the sound itself decides how it is decoded.
_RECORDINGS = ("application/octet-stream", "audio/ogg", "audio/wav", "audio/flac", "audio/mpeg")


def v1_paths() -> dict[str, Any]:
    """Path items by path."""
    answer = {"application/json": schema_ref("PredictAnswer")}
    table = {one.media_type.partition(";")[0]: {"type": "string"} for one in FORMATS.values()}
    recording = {name: {"type": "string", "format": "binary"} for name in _RECORDINGS}
    request = {"application/json": schema_ref("PredictRequest")}
    table_request = {"application/json": schema_ref("TableRequest")}
    return {
        f"{_MODEL}:predict": _operation("predict", "Name what recordings hold", request, answer, []),
        f"{_MODEL}:upload": _operation(
            "upload", "Name what one recording holds", recording, answer, query_parameters(of_table=False)
        ),
        f"{_MODEL}:predict_table": _operation(
            "predict_table", "Name what recordings hold, in a table of another program", table_request, table, []
        ),
        f"{_MODEL}:upload_table": _operation(
            "upload_table",
            "Name what one recording holds, in a table of another program",
            recording,
            table,
            query_parameters("top_k", of_table=True),
        ),
        _MODEL: {
            "get": {
                "operationId": "ready",
                "summary": "Whether recordings are answered now",
                "security": [],
                "responses": responses("They are.", {"application/json": schema_ref("ModelReady")}, OPEN),
            }
        },
    }


def _operation(
    name: str, summary: str, sent: dict[str, Any], answered: dict[str, Any], parameters: list[dict[str, Any]]
) -> dict[str, Any]:
    content = {media_type: {"schema": schema} for media_type, schema in sent.items()}
    return {
        "post": {
            "operationId": name,
            "summary": summary,
            "parameters": [*parameters, *HEAD_PARAMETERS],
            "requestBody": {"required": True, "content": content},
            "responses": responses("What was found.", answered, PREDICTING),
        }
    }
