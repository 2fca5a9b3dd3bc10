"""The routes as OpenAPI 3.1, made from the very models by which requests are checked and answers are built."""

from __future__ import annotations

import functools
import json
from typing import Any

from fastapi import FastAPI

from serving.transformer.openapi.responses import HEADERS
from serving.transformer.openapi.schemas import schemas
from serving.transformer.openapi.v1 import v1_paths
from serving.transformer.openapi.v2 import v2_paths

_DESCRIPTION = (
    "Which species a recording holds. One operation takes one kind of body and gives one kind of answer, so that "
    "generated clients know what they get; `predict` itself takes all of them (docs/predict.md). Bodies may be packed "
    "once (Content-Encoding: gzip or deflate), answers are where Accept-Encoding says gzip."
)
# Of the first none is needed: a server is open until its operator hands out keys.
_SECURITY: list[dict[str, list[str]]] = [{}, {"bearer": []}, {"api_key": []}]


@functools.cache
def openapi() -> dict[str, Any]:
    """The description; made once, since everybody may read it without a key."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Silencio", "version": "1", "description": _DESCRIPTION},
        "security": _SECURITY,
        "paths": v1_paths() | v2_paths(),
        "components": {
            "schemas": schemas(),
            "headers": HEADERS,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "A key of this server's operator."},
                "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same key."},
            },
        },
    }


def openapi_text() -> str:
    """The description as docs/openapi.json holds it."""
    return json.dumps(openapi(), indent=2, ensure_ascii=False) + "\n"


def add_openapi(app: FastAPI) -> None:
    """Have FastAPI serve it at /openapi.json, in place of what it makes of the SDK's routes: they name no fields."""
    app.openapi = openapi  # type: ignore[method-assign]  # the way that FastAPI documents
