"""The routes that recordings come by, in place of the SDK's.

The SDK's parse every body on the event loop, where a hundred megabytes of JSON keep everybody else waiting for a
second; its V2 route walks through each number of a tensor twice and answers with nulls that the protocol does not have.
"""

from __future__ import annotations

import asyncio
import functools
from typing import Any

import orjson
from fastapi import FastAPI, Request
from kserve.constants.constants import PredictorProtocol
from kserve.protocol.dataplane import DataPlane
from starlette.responses import Response

from serving.server.protocol import LARGE_BODY_BYTES

_JSON = "application/json"


def add_inference_routes(app: FastAPI, dataplane: DataPlane) -> None:
    """Add the routes; to be called before the SDK adds its own: of two with the same path the first answers."""
    routes = _InferenceRoutes(dataplane)
    app.add_api_route("/v1/models/{model_name}:predict", routes.predict, methods=["POST"], response_model=None)
    app.add_api_route("/v2/models/{model_name}/infer", routes.infer, methods=["POST"], response_model=None)
    app.add_api_route(
        "/v2/models/{model_name}/versions/{model_version}/infer", routes.infer, methods=["POST"], response_model=None
    )


class _InferenceRoutes:
    def __init__(self, dataplane: DataPlane) -> None:
        self._dataplane = dataplane

    async def predict(self, request: Request, model_name: str) -> Response:
        """Answer by V1."""
        return await self._answer(request, model_name, PredictorProtocol.REST_V1)

    async def infer(self, request: Request, model_name: str, model_version: str | None = None) -> Response:
        """Answer by V2, its tensors in JSON or behind it; of the version that is served, whether or not it is named."""
        self._dataplane.check_version(model_name, model_version)
        return await self._answer(request, model_name, PredictorProtocol.REST_V2)

    async def _answer(self, request: Request, model_name: str, protocol: PredictorProtocol) -> Response:
        await self._dataplane.model_ready(model_name, disable_predictor_health_check=True)
        headers = dict(request.headers.items())
        payload, attributes = await self._decoded(await request.body(), headers, model_name, protocol)
        answer, named = await self._dataplane.infer(model_name=model_name, request=payload, headers=headers)
        content, own = self._dataplane.encode(model_name, answer, headers, attributes)
        answer_headers = {name.lower(): value for name, value in {**named, **own}.items()}
        answer_headers.pop("content-length", None)
        if isinstance(content, bytes | str):
            # With tensors behind it the SDK names no type.
            is_binary = protocol is PredictorProtocol.REST_V2 and isinstance(content, bytes)
            return Response(
                content, headers=answer_headers, media_type="application/octet-stream" if is_binary else None
            )
        encoded = orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)
        return Response(encoded, headers={"content-type": _JSON, **answer_headers})

    async def _decoded(
        self, body: bytes, headers: dict[str, str], model_name: str, protocol: PredictorProtocol
    ) -> tuple[Any, dict[str, Any]]:
        decode = functools.partial(self._dataplane.decode, body, headers, protocol.value, model_name)
        return decode() if len(body) <= LARGE_BODY_BYTES else await asyncio.to_thread(decode)
