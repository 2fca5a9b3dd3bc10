"""The Open Inference Protocol's routes."""

from __future__ import annotations

from typing import Any

from serving.server.protocol import MODEL_NAME
from serving.transformer.openapi.responses import (
    HEAD_PARAMETERS,
    OPEN,
    PREDICTING,
    READING,
    responses,
    schema_ref,
)

_MODEL = f"/v2/models/{MODEL_NAME}"
_INFER = (
    "The protocol's binary extension is taken as well: application/octet-stream with Inference-Header-Content-Length. "
    "A version may be named, as …/versions/VERSION/infer: the metadata lists the one that there is."
)


def v2_paths() -> dict[str, Any]:
    """Path items by path."""
    return {
        "/v2": _reading("server_metadata", "Name the server", "ServerMetadata", is_open=False),
        "/v2/health/live": _reading("server_live", "Whether the server is alive", "ServerLive", is_open=True),
        "/v2/health/ready": _reading("server_ready", "Whether the server is ready", "ServerReady", is_open=True),
        "/v2/models": _reading("list_models", "List the models", "Models", is_open=False),
        _MODEL: _reading("model_metadata", "List what is taken and given", "ModelMetadata", is_open=False),
        f"{_MODEL}/ready": _reading("model_ready", "Whether the model is ready", "ModelReady", is_open=True),
        f"{_MODEL}/infer": {
            "post": {
                "operationId": "infer",
                "summary": "Name what recordings hold, by the Open Inference Protocol",
                "description": _INFER,
                "parameters": HEAD_PARAMETERS,
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": schema_ref("InferRequest")}},
                },
                "responses": responses("What was found.", {"application/json": schema_ref("InferAnswer")}, PREDICTING),
            }
        },
    }


def _reading(name: str, summary: str, schema: str, is_open: bool) -> dict[str, Any]:
    answers = responses("It is so.", {"application/json": schema_ref(schema)}, OPEN if is_open else READING)
    without_key: dict[str, Any] = {"security": []} if is_open else {}
    return {"get": {"operationId": name, "summary": summary, **without_key, "responses": answers}}
