"""What V2 answers is what the Open Inference Protocol allows: optional things are left out, and never null."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import httpx
import jsonschema
import pytest

from serving.local import LocalServers
from tests.waiting import HANG_S

_TEXT, _FLAG = {"type": "string"}, {"type": "boolean"}
_SIZES = {"type": "array", "items": {"type": "integer"}}
_PARAMETERS = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}
_DATATYPE = {"enum": [f"{kind}{bits}" for kind in ("UINT", "INT") for bits in (8, 16, 32, 64)] + ["FP32", "BYTES"]}


def _object(needed: dict[str, Any], **optional: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": needed | optional,
        "required": list(needed),
        "additionalProperties": False,
    }


_TENSOR = {"name": _TEXT, "shape": _SIZES, "datatype": _DATATYPE}
_OUTPUT = _object(_TENSOR | {"data": {"type": "array"}}, parameters=_PARAMETERS)
INFER = _object(
    {"model_name": _TEXT, "outputs": {"type": "array", "items": _OUTPUT}},
    id=_TEXT,
    model_version=_TEXT,
    parameters=_PARAMETERS,
)
_TENSORS = {"type": "array", "items": _object(_TENSOR)}
MODEL = _object(
    {"name": _TEXT, "platform": _TEXT, "inputs": _TENSORS, "outputs": _TENSORS},
    versions={"type": "array", "items": _TEXT},
)
READING = {
    "/v2": _object({"name": _TEXT, "version": _TEXT, "extensions": {"type": "array", "items": _TEXT}}),
    "/v2/health/live": _object({"live": _FLAG}),
    "/v2/health/ready": _object({"ready": _FLAG}),
    "/v2/models/silencio": MODEL,
    "/v2/models/silencio/ready": _object({"name": _TEXT, "ready": _FLAG}),
}
ERROR = _object({"error": _TEXT})


@pytest.mark.parametrize("route", READING)
def test_reading__both_servers(servers: LocalServers, route: str) -> None:
    for server in servers.both:
        answer = httpx.get(server.url + route, trust_env=False, timeout=HANG_S)
        assert answer.status_code == 200
        jsonschema.validate(answer.json(), READING[route])


@pytest.mark.parametrize("wish", [{}, {"id": "seven"}, {"outputs": [{"name": "document"}]}])
def test_infer__the_transformer(http: httpx.Client, recording: Callable[..., bytes], wish: dict[str, Any]) -> None:
    data = [base64.b64encode(recording()).decode()]
    body = {"inputs": [{"name": "audio", "datatype": "BYTES", "shape": [1], "data": data}]} | wish
    answer = http.post("/v2/models/silencio/infer", json=body)
    assert answer.status_code == 200
    jsonschema.validate(answer.json(), INFER)


def test_infer__the_predictor(servers: LocalServers) -> None:
    url = f"{servers.predictor.url}/v2/models/silencio"
    inputs = []
    for tensor in httpx.get(url, trust_env=False, timeout=HANG_S).json()["inputs"]:
        shape = [1, *tensor["shape"][1:]]
        n_values = 1
        for size in shape:
            n_values *= size
        inputs.append({**tensor, "shape": shape, "data": [0.0] * n_values})
    answer = httpx.post(f"{url}/infer", json={"inputs": inputs}, trust_env=False, timeout=HANG_S)
    assert answer.status_code == 200, answer.text
    jsonschema.validate(answer.json(), INFER)


@pytest.mark.parametrize("body", ["{", "[]", '{"inputs": 5}', '{"inputs": [{"name": null}]}'])
def test_error__a_sentence(http: httpx.Client, body: str) -> None:
    answer = http.post("/v2/models/silencio/infer", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    jsonschema.validate(answer.json(), ERROR)
