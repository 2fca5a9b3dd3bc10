"""The routes that recordings come by: large bodies beside the event loop, answers as the protocols want them."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from kserve import InferInput, InferOutput, InferRequest, InferResponse
from kserve.errors import ModelNotFound

from serving.server.inference_routes import add_inference_routes
from serving.server.kserve_patches import BundleDataPlane
from serving.server.protocol import LARGE_BODY_BYTES
from tests.waiting import HANG_S

V2_OF_VERSION = "/v2/models/silencio/versions/2/infer"
V1, V2 = "/v1/models/silencio:predict", "/v2/models/silencio/infer"


class _DataPlane(BundleDataPlane):
    """Ready without a bundle; `decode` waits until it may go on, `infer` answers what it was given."""

    def __init__(self) -> None:
        self.may_decode = threading.Event()
        self.decodes = threading.Event()
        self.decoded_in: list[int] = []
        self.given: Any = None
        self.answer: Any = {}

    async def model_ready(self, model_name: str, disable_predictor_health_check: bool = False) -> bool:
        return True

    def decode(self, *arguments: Any) -> Any:
        self.decoded_in.append(threading.get_ident())
        self.decodes.set()
        self.may_decode.wait(HANG_S)
        return super().decode(*arguments)

    def check_version(self, model_name: str, version: str | None) -> None:
        if version not in (None, "2"):
            raise ModelNotFound(model_name)

    async def infer(self, model_name: str, request: Any, headers: Any = None) -> tuple[Any, dict[str, str]]:
        self.given = request
        return self.answer, {}


@pytest.fixture
def plane() -> _DataPlane:
    return _DataPlane()


def _client(plane: _DataPlane) -> httpx.AsyncClient:
    app = FastAPI()
    add_inference_routes(app, plane)
    app.add_api_route("/v2/health/live", lambda: {"live": True}, methods=["GET"])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://server", timeout=HANG_S)


def _body(route: str, n_bytes: int) -> bytes:
    text = "A" * n_bytes
    tensor = {"name": "audio", "datatype": "BYTES", "shape": [1], "data": [text]}
    return json.dumps({"instances": [{"audio": {"b64": text}}]} if route == V1 else {"inputs": [tensor]}).encode()


@pytest.mark.parametrize("route", [V1, V2, V2_OF_VERSION])
def test_body__a_large_one_is_parsed_while_others_are_answered(plane: _DataPlane, route: str) -> None:
    async def send() -> httpx.Response:
        async with _client(plane) as client:
            headers = {"Content-Type": "application/json"}
            waiting = asyncio.create_task(client.post(route, content=_body(route, LARGE_BODY_BYTES), headers=headers))
            await asyncio.to_thread(plane.decodes.wait, HANG_S)
            # Were it parsed on the loop, nothing would come back here.
            assert (await client.get("/v2/health/live")).status_code == 200
            assert not waiting.done()
            plane.may_decode.set()
            return await waiting

    assert asyncio.run(send()).status_code == 200
    assert plane.decoded_in != [threading.get_ident()]


@pytest.mark.parametrize("route", [V1, V2, V2_OF_VERSION])
def test_body__a_small_one_is_worth_no_thread(plane: _DataPlane, route: str) -> None:
    plane.may_decode.set()

    async def send() -> httpx.Response:
        async with _client(plane) as client:
            return await client.post(route, content=_body(route, 100))

    assert asyncio.run(send()).status_code == 200
    assert plane.decoded_in == [threading.get_ident()]


def test_v2__another_version_is_not_even_read(plane: _DataPlane) -> None:
    async def send() -> None:
        async with _client(plane) as client:
            await client.post("/v2/models/silencio/versions/7/infer", content=b"{}")

    with pytest.raises(ModelNotFound):
        asyncio.run(send())
    assert not plane.decoded_in


def _v2_answer(plane: _DataPlane, response: InferResponse, content_type: str | None = None) -> httpx.Response:
    plane.may_decode.set()
    plane.answer = response

    async def send() -> httpx.Response:
        async with _client(plane) as client:
            headers = {} if content_type is None else {"Content-Type": content_type}
            return await client.post(V2, content=_body(V2, 8), headers=headers)

    return asyncio.run(send())


def _response(**options: Any) -> InferResponse:
    output = InferOutput("n_windows", [1], "INT32", data=[7])
    return InferResponse(response_id="five", model_name="silencio", infer_outputs=[output], **options)


# What tritonclient, curl --data, a browser's fetch and everybody else send.
@pytest.mark.parametrize(
    "content_type",
    [None, "application/x-www-form-urlencoded", "text/plain;charset=UTF-8", "application/json", "application/ld+json"],
)
def test_v2__json_whatever_its_type(plane: _DataPlane, content_type: str | None) -> None:
    assert _v2_answer(plane, _response(), content_type).status_code == 200
    assert isinstance(plane.given, InferRequest)
    assert [(one.name, one.data) for one in plane.given.inputs] == [("audio", ["A" * 8])]


def test_v2__what_there_is_none_of_is_left_out(plane: _DataPlane) -> None:
    answer = _v2_answer(plane, _response())
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "id": "five",
        "model_name": "silencio",
        "outputs": [{"name": "n_windows", "shape": [1], "datatype": "INT32", "data": [7]}],
    }


def test_v2__what_there_is_stays(plane: _DataPlane) -> None:
    answer = _v2_answer(plane, _response(model_version="2", parameters={"bundle_name": "reserve"})).json()
    assert (answer["model_version"], answer["parameters"]) == ("2", {"bundle_name": "reserve"})


def test_v2__tensors_behind_the_json_have_a_type(plane: _DataPlane) -> None:
    answer = _v2_answer(plane, _response(use_binary_outputs=True))
    assert answer.headers["content-type"] == "application/octet-stream"
    head = json.loads(answer.content[: int(answer.headers["inference-header-content-length"])])
    assert head["outputs"][0]["parameters"] == {"binary_data_size": 4}
    assert answer.content.endswith(b"\x07\0\0\0")


def test_v1__an_answer_with_a_type_of_its_own_keeps_it(plane: _DataPlane) -> None:
    plane.may_decode.set()
    plane.answer = "a,b\n"

    async def named(model_name: str, request: Any, headers: Any = None) -> tuple[Any, dict[str, str]]:
        return "a,b\n", {"content-type": "text/csv; charset=utf-8", "content-length": "999"}

    plane.infer = named  # type: ignore[method-assign]

    async def send() -> httpx.Response:
        async with _client(plane) as client:
            return await client.post(V1, content=_body(V1, 8))

    answer = asyncio.run(send())
    assert (answer.text, answer.headers["content-type"]) == ("a,b\n", "text/csv; charset=utf-8")
    assert answer.headers["content-length"] == "4"


def test_v2__input_of_the_sdk_is_handed_on(plane: _DataPlane) -> None:
    """Over gRPC the SDK reads the message itself."""
    plane.may_decode.set()
    request = InferRequest("silencio", [InferInput("audio", [1], "BYTES", data=["QQ=="])])
    assert plane.decode(request, {}, "grpc-v2", "silencio")[0] is request
