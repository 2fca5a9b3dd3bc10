"""The outermost layer, on real sockets around a small application whose behaviour the tests decide."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Request
from grpc import StatusCode, aio
from kserve.errors import InferenceError, InvalidInput, ModelNotFound
from kserve.protocol.grpc.grpc_predict_v2_pb2 import (
    ModelInferRequest,
    ModelInferResponse,
    ServerLiveRequest,
    ServerLiveResponse,
)
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import (
    GRPCInferenceServiceServicer,
    GRPCInferenceServiceStub,
    add_GRPCInferenceServiceServicer_to_server,
)
from kserve.utils.utils import to_headers
from starlette.responses import Response
from starlette.routing import Route

from serving.access import Authenticator
from serving.access.keys import add_key
from serving.local import LocalServers
from serving.metrics.routes import METHODS
from serving.server.accounting import Accounting
from serving.server.admission import AdmissionController, Limits
from serving.server.errors import NotReady, Overloaded, Unavailable
from serving.server.grpc_interceptor import GrpcInterceptor
from serving.server.middleware import guard
from silencio.errors import ConfigError
from silencio.network import free_ports
from tests.waiting import HANG_S, until, until_async

PREDICT, INFER = "/v1/models/silencio:predict", "/v2/models/silencio/infer"
LIMITS = {
    "max_body_bytes": 1_000,
    "max_body_bytes_in_flight": 1_500,
    "max_concurrent_requests": 2,
    "body_read_timeout_s": HANG_S,
}


class Guarded:
    """An application behind the boundary: `predict` answers what it was given, once it may."""

    def __init__(
        self, access: Authenticator | None = None, accounting: Accounting | None = None, **limits: Any
    ) -> None:
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.error: Exception | None = None
        self.admission = AdmissionController(Limits(**(LIMITS | limits)))
        self.port = free_ports(1)[0]
        self.url = f"http://127.0.0.1:{self.port}"
        app = FastAPI()
        app.add_api_route(PREDICT, self.predict, methods=["POST"])
        app.add_api_route(INFER, self.infer, methods=["POST"])
        app.add_api_route("/v2/health/live", self.live, methods=["GET"])
        page = Route("/page/{name}", self.page)
        app.router.routes.append(page)
        guard(app, self.admission, access, [page], accounting)
        self.server = uvicorn.Server(uvicorn.Config(app, port=self.port, log_level="warning"))

    async def predict(self, request: Request) -> dict[str, Any]:
        body = await request.body()
        await asyncio.to_thread(self.may_answer.wait)
        if self.error:
            raise self.error
        return {"n_bytes": len(body), "headers": dict(request.headers)}

    async def infer(self, body: dict[str, int] | bytes) -> int:
        """FastAPI reads the body, and makes a 400 of whatever goes wrong with that."""
        return len(body)

    async def page(self, request: Request) -> Response:
        return Response("a page")

    async def live(self) -> str:
        return "alive"


@contextlib.contextmanager
def guarded_application(
    access: Authenticator | None = None, accounting: Accounting | None = None, **limits: Any
) -> Iterator[Guarded]:
    application = Guarded(access, accounting, **limits)
    thread = threading.Thread(target=application.server.run, daemon=True)
    thread.start()
    until(lambda: application.server.started)
    yield application
    application.may_answer.set()
    application.server.should_exit = True
    thread.join(HANG_S)


@pytest.fixture(scope="module")
def shared() -> Iterator[Guarded]:
    with guarded_application() as application:
        yield application


@pytest.fixture
def guarded(shared: Guarded) -> Iterator[Guarded]:
    yield shared
    shared.may_answer.set()
    shared.error = None
    until(lambda: shared.admission.n_requests == shared.admission.n_body_bytes == 0)


def _post(guarded: Guarded, content: Any = b"x", route: str = PREDICT, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.post(guarded.url + route, content=content, headers=named, trust_env=False, timeout=HANG_S)


def _begin(guarded: Guarded, head: str, body: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", guarded.port), timeout=HANG_S)
    connection.sendall(f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n".encode() + body)
    return connection


def test_request_id__the_clients_own_reaches_the_model_and_the_answer(guarded: Guarded) -> None:
    answer = _post(guarded, X_Request_ID="walk-17/a")
    assert answer.headers["x-request-id"] == answer.json()["headers"]["x-request-id"] == "walk-17/a"


def test_request_id__the_servers_own_is_new_whatever_the_client_says(guarded: Guarded) -> None:
    own = [_post(guarded, X_Request_ID="same", X_Silencio_Request_ID="forged") for _ in range(2)]
    ids = [answer.headers["x-silencio-request-id"] for answer in own]
    assert ids == [answer.json()["headers"]["x-silencio-request-id"] for answer in own]
    assert len({*ids, "same", "forged"}) == 4


def test_request_id__both_stand_in_the_log(guarded: Guarded, server_log: Callable[[], list[str]]) -> None:
    guarded.error = InvalidInput("instances: is missing")
    wrong = _post(guarded, X_Request_ID="walk-17")
    large = _post(guarded, b"x" * 1_001, X_Request_ID="walk-18")
    without = _post(guarded)
    message = server_log()
    own = [answer.headers["x-silencio-request-id"] for answer in (wrong, large, without)]
    assert [line.partition(": ")[0] for line in message] == [
        f"400 {PREDICT} {own[0]} (walk-17)",
        f"413 {PREDICT} {own[1]} (walk-18)",
        f"400 {PREDICT} {own[2]}",
    ]


@pytest.mark.parametrize("offered", ["", "two words", "a" * 129, "line;[31m"])
def test_request_id__one_that_would_spoil_a_log_is_replaced(guarded: Guarded, offered: str) -> None:
    answer = _post(guarded, X_Request_ID=offered)
    assert answer.headers["x-request-id"] == answer.json()["headers"]["x-request-id"] != offered
    assert len(answer.headers["x-request-id"]) == 32


def test_request_id__stands_in_refusals_too(guarded: Guarded) -> None:
    assert _post(guarded, b"x" * 1_001, X_Request_ID="mine").headers["x-request-id"] == "mine"


def test_query__is_handed_on_and_cannot_be_forged_as_a_header(guarded: Guarded) -> None:
    forged = {"X_Silencio_Query": "top_k=9", "x_silencio_key_name": "somebody"}
    headers = _post(guarded, route=f"{PREDICT}?top_k=3&format=raven", **forged).json()["headers"]
    assert headers["x-silencio-query"] == "top_k=3&format=raven"
    assert "x-silencio-key-name" not in headers
    assert "x-silencio-query" not in _post(guarded, **forged).json()["headers"]


def test_recorder__is_the_clients_to_name_under_the_servers_beginning(guarded: Guarded) -> None:
    named = {"X_Silencio_Site": "north", "X_Silencio_Device": "SMA01234", "X_Silencio_Sites": "forged"}
    headers = _post(guarded, **named).json()["headers"]
    assert (headers["x-silencio-site"], headers["x-silencio-device"]) == ("north", "SMA01234")
    assert "x-silencio-sites" not in headers


def _in_pieces(n_bytes: int) -> Iterator[bytes]:
    for _ in range(n_bytes // 100):
        yield b"x" * 100


@pytest.mark.parametrize("route", [PREDICT, INFER])
def test_size__a_chunked_body_is_counted_while_it_comes(guarded: Guarded, route: str) -> None:
    answer = _post(guarded, _in_pieces(1_100), route)
    assert answer.status_code == 413
    assert answer.json() == {"error": "the body is larger than 1000 bytes, the most that is taken"}
    assert _post(guarded, _in_pieces(1_000)).json()["n_bytes"] == 1_000


@pytest.mark.parametrize("route", [PREDICT, INFER])
def test_size__a_packed_body_is_counted_unpacked(guarded: Guarded, route: str) -> None:
    def post(body: bytes) -> httpx.Response:
        packed = gzip.compress(body)
        assert len(packed) < 100
        return _post(guarded, packed, route, Content_Encoding="gzip", Content_Type="application/octet-stream")

    answer = post(b"x" * 1_001)
    assert answer.status_code == 413
    assert answer.json() == {"error": "the body is larger than 1000 bytes once unpacked, the most that is taken"}
    assert post(b"x" * 1_000).status_code == 200


def test_size__the_model_sees_the_true_one_whatever_the_head_says(guarded: Guarded) -> None:
    """It bounds large recordings by it."""
    plain = _post(guarded, b"x" * 700).json()
    packed = _post(guarded, gzip.compress(b"x" * 700), Content_Encoding="gzip").json()
    in_pieces = _post(guarded, _in_pieces(700)).json()
    for seen in (plain, packed, in_pieces):
        assert (seen["n_bytes"], seen["headers"]["content-length"]) == (700, "700")
        assert not {"content-encoding", "transfer-encoding"} & set(seen["headers"])


def test_bodies__packed_ones_take_the_room_that_they_need_unpacked(guarded: Guarded) -> None:
    guarded.may_answer.clear()
    packed = gzip.compress(b"x" * 900)
    with _begin(guarded, f"Content-Encoding: gzip\r\nContent-Length: {len(packed)}", packed):
        until(lambda: guarded.admission.n_body_bytes == 900)
        assert _post(guarded, gzip.compress(b"x" * 700), Content_Encoding="gzip").status_code == 503
        guarded.may_answer.set()


def test_body__a_packed_one_that_stands_still_or_ends_is_given_up(guarded: Guarded) -> None:
    packed = gzip.compress(bytes(900))
    head = f"Content-Encoding: gzip\r\nContent-Length: {len(packed)}"
    with (
        guarded_application(body_read_timeout_s=0.3) as impatient,
        _begin(impatient, head, packed[:10]) as connection,
    ):
        assert connection.recv(4_096).startswith(b"HTTP/1.1 408 ")
    _begin(guarded, head, packed[:10]).close()


def test_bodies__those_held_at_once_are_bounded_and_given_back(guarded: Guarded) -> None:
    guarded.may_answer.clear()
    with _begin(guarded, "Content-Length: 900", b"x" * 900):
        until(lambda: guarded.admission.n_body_bytes == 900)
        refused = _post(guarded, b"x" * 700)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        chunked = _post(guarded, _in_pieces(700))
        assert chunked.status_code == 503
        guarded.may_answer.set()
    until(lambda: guarded.admission.n_body_bytes == 0)
    assert _post(guarded, b"x" * 700).status_code == 200


def test_bodies__a_refused_one_is_not_waited_for(guarded: Guarded) -> None:
    """The answer comes before the body, which a phone need not upload."""
    with _begin(guarded, f"Content-Length: {1 << 30}\r\nExpect: 100-continue") as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


def test_requests__those_worked_on_are_bounded_and_the_rest_is_told_at_once(guarded: Guarded) -> None:
    guarded.may_answer.clear()
    with _begin(guarded, "Content-Length: 1", b"x"), _begin(guarded, "Content-Length: 1", b"x"):
        until(lambda: guarded.admission.n_requests == 2)
        refused = _post(guarded)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert "works on 2 requests" in refused.json()["error"]
        assert httpx.get(f"{guarded.url}/v2/health/live", trust_env=False, timeout=HANG_S).status_code == 200
        guarded.may_answer.set()
    until(lambda: guarded.admission.n_requests == 0)
    assert _post(guarded).status_code == 200


def test_requests__slow_uploads_do_not_keep_others_out() -> None:
    with guarded_application() as guarded, contextlib.ExitStack() as uploads:
        for _ in range(5):
            uploads.enter_context(_begin(guarded, "Content-Length: 100", b"half"))
        until(lambda: guarded.admission.n_body_bytes == 20)
        assert _post(guarded).status_code == 200


def test_requests__a_client_that_leaves_frees_its_place(guarded: Guarded) -> None:
    _begin(guarded, "Content-Length: 1000", b"half").close()
    until(lambda: guarded.admission.n_body_bytes == 0)


def test_body__that_stands_still_is_given_up() -> None:
    with (
        guarded_application(body_read_timeout_s=0.3) as guarded,
        _begin(guarded, "Content-Length: 100", b"half") as connection,
    ):
        answer = b""
        while piece := connection.recv(4_096):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"nothing more of the body came for 0.3 s" in answer


def test_limits__that_contradict_each_other() -> None:
    with pytest.raises(ConfigError, match="could never be read"):
        Limits(max_body_bytes=10, max_body_bytes_in_flight=9, max_concurrent_requests=1)


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (InvalidInput("instances: is missing"), 400, "instances: is missing"),
        (ModelNotFound("other"), 404, "Model with name other does not exist."),
        (NotReady("silencio", "loading: …"), 503, "loading: …"),
        (Unavailable("try again"), 503, "try again"),
        (Overloaded("busy", retry_after_s=7), 503, "busy"),
        (InferenceError("password in /secret"), 500, "internal error; the server's log says more"),
        (KeyError("password in /secret"), 500, "internal error; the server's log says more"),
    ],
)
def test_errors__a_status_and_a_sentence(guarded: Guarded, error: Exception, status: int, text: str) -> None:
    guarded.error = error
    answer = _post(guarded)
    assert (answer.status_code, answer.json()) == (status, {"error": text})
    if status == 503:
        assert answer.headers["retry-after"] == str(getattr(error, "retry_after_s", 1))


def test_keys__the_model_sees_whose_it_was_and_not_the_key(tmp_path: Path) -> None:
    key = add_key(tmp_path / "keys.csv", "ranger", 600, None, "reviewer")
    with guarded_application(Authenticator(tmp_path / "keys.csv")) as guarded:
        forged = {"X_Silencio_Key_Name": "admin", "X_Silencio_Key_Role": "admin"}
        headers = _post(guarded, X_API_Key=key, **forged).json()["headers"]
        assert (headers["x-silencio-key-name"], headers["x-silencio-key-role"]) == ("ranger", "reviewer")
        assert key not in str(headers)
        assert _post(guarded).status_code == 401


def test_keys__reading_pages_and_probes_needs_none_and_load_does_not_stop_it(tmp_path: Path) -> None:
    key = add_key(tmp_path / "keys.csv", "ranger", 600, None)
    with guarded_application(Authenticator(tmp_path / "keys.csv"), max_concurrent_requests=1) as guarded:
        guarded.may_answer.clear()
        with _begin(guarded, f"Content-Length: 1\r\nX-API-Key: {key}", b"x"):
            until(lambda: guarded.admission.n_requests == 1)
            for route in ("/page/page.js", "/v2/health/live"):
                assert httpx.get(guarded.url + route, trust_env=False, timeout=HANG_S).status_code == 200
            assert _post(guarded, route="/page/page.js").status_code == 401
            assert _post(guarded, X_API_Key=key).status_code == 503
            guarded.may_answer.set()


def test_log__a_client_writes_no_lines_of_its_own(guarded: Guarded, server_log: Callable[[], list[str]]) -> None:
    guarded.error = InvalidInput("a\nfield: is missing" + "x" * 5_000)
    _post(guarded)
    _post(guarded, route="/v1/models/%0aERROR%20all%20is%20lost:predict")
    message = server_log()
    assert len(message) == 2
    assert not any("\n" in line or len(line) > 1_100 for line in message)


def test_routes__wrong_ones_are_json_with_one_sentence(http: httpx.Client) -> None:
    nowhere = http.get("/nowhere")
    assert (nowhere.status_code, nowhere.json()) == (404, {"error": "there is no route /nowhere"})
    wrong = http.get(PREDICT)
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST, OPTIONS")
    assert wrong.json() == {"error": f"GET is not taken at {PREDICT}"}
    body = http.post(INFER, json={"inputs": [{"name": "waveform"}]})
    assert body.status_code == 400
    assert list(body.json()) == ["error"]


def _routes() -> list[tuple[str, str]]:
    return [(template.replace("{name}", "silencio"), method) for template, method in METHODS.items()]


def test_head__answers_as_get_does_but_for_the_body(http: httpx.Client) -> None:
    for route in [route for route, method in _routes() if method == "GET"]:
        got, head = http.get(route), http.head(route)
        assert (head.status_code, head.content) == (got.status_code, b"") == (200, b""), route
        assert head.headers["content-type"] == got.headers["content-type"]
        if route != "/metrics":  # it counts this very request
            assert head.headers["content-length"] == got.headers["content-length"]
    page = http.head("/", headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")


def test_allow__lists_what_is_taken_and_nothing_else(http: httpx.Client) -> None:
    for route, _ in [*_routes(), ("/v2/models/silencio/versions/1/ready", "GET")]:
        refused = http.request("DELETE", route)
        assert refused.status_code == 405
        allowed = refused.headers["allow"].split(", ")
        for method in ("GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH"):
            assert (http.request(method, route).status_code != 405) == (method in allowed), (route, method)


def test_options__needs_no_key_and_asks_nothing(tmp_path: Path) -> None:
    add_key(tmp_path / "keys.csv", "ranger", 600, None)
    with guarded_application(Authenticator(tmp_path / "keys.csv")) as guarded:
        answer = httpx.options(guarded.url + PREDICT, trust_env=False, timeout=HANG_S)
    assert (answer.status_code, answer.headers["allow"]) == (204, "POST, OPTIONS")
    assert answer.headers["x-request-id"]


class Servicer(GRPCInferenceServiceServicer):  # type: ignore[misc]  # kserve is untyped
    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.error: Exception | None = None
        self.headers: dict[str, str] = {}

    async def ModelInfer(self, request: ModelInferRequest, context: Any) -> ModelInferResponse:
        self.headers = to_headers(context)
        await self.may_answer.wait()
        if self.error:
            raise self.error
        return ModelInferResponse()

    async def ServerLive(self, request: object, context: Any) -> ServerLiveResponse:
        return ServerLiveResponse(live=True)


@contextlib.asynccontextmanager
async def guarded_grpc() -> Any:
    load = AdmissionController(Limits(**LIMITS))
    server = aio.server(interceptors=(GrpcInterceptor(load, None),))
    servicer = Servicer()
    add_GRPCInferenceServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield servicer, channel, load
    servicer.may_answer.set()
    await server.stop(1)


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (InvalidInput("inputs: is missing"), StatusCode.INVALID_ARGUMENT, "inputs: is missing"),
        (ModelNotFound("other"), StatusCode.NOT_FOUND, "Model with name other does not exist."),
        (NotReady("silencio", "loading: …"), StatusCode.UNAVAILABLE, "loading: …"),
        (Unavailable("try again"), StatusCode.UNAVAILABLE, "try again"),
        (Overloaded("busy"), StatusCode.RESOURCE_EXHAUSTED, "busy"),
        (NotImplementedError(), StatusCode.UNIMPLEMENTED, "this is not implemented here"),
        (InferenceError("password in /secret"), StatusCode.INTERNAL, "internal error; the server's log says more"),
        (KeyError("password in /secret"), StatusCode.INTERNAL, "internal error; the server's log says more"),
    ],
)
def test_grpc_errors__a_status_and_a_sentence(error: Exception, status: StatusCode, text: str) -> None:
    async def send() -> aio.AioRpcError:
        async with guarded_grpc() as (servicer, channel, _):
            servicer.error = error
            with pytest.raises(aio.AioRpcError) as caught:
                await GRPCInferenceServiceStub(channel).ModelInfer(ModelInferRequest())
        return caught.value

    message = asyncio.run(send())
    assert (message.code(), message.details()) == (status, text)
    assert dict(message.trailing_metadata())["x-request-id"]


def test_grpc__metadata_as_over_rest() -> None:
    async def send() -> tuple[dict[str, str], dict[str, str]]:
        async with guarded_grpc() as (servicer, channel, _):
            call = GRPCInferenceServiceStub(channel).ModelInfer(
                ModelInferRequest(),
                metadata=(
                    ("x-request-id", "walk-17"),
                    ("x-silencio-key-role", "admin"),
                    ("x-silencio-site", "north"),
                    ("x-silencio-device", "SMA01234"),
                ),
            )
            await call
            return servicer.headers, dict(await call.trailing_metadata())

    seen, answered = asyncio.run(send())
    assert seen["x-request-id"] == answered["x-request-id"] == "walk-17"
    assert seen["x-silencio-request-id"] == answered["x-silencio-request-id"] != "walk-17"
    assert (seen["x-silencio-site"], seen["x-silencio-device"]) == ("north", "SMA01234")
    assert not {"x-silencio-key-name", "x-silencio-key-role"} & seen.keys()


def test_grpc__bytes_that_are_no_message_are_the_clients_fault() -> None:
    async def send() -> aio.AioRpcError:
        async with guarded_grpc() as (_, channel, _load):
            call = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
            with pytest.raises(aio.AioRpcError) as caught:
                await call(b"\xff\xff\xff")
        return caught.value

    assert asyncio.run(send()).code() is StatusCode.INVALID_ARGUMENT


def test_grpc__load_is_bounded_but_not_for_probes() -> None:
    async def send() -> tuple[list[StatusCode], bool]:
        async with guarded_grpc() as (servicer, channel, load):
            servicer.may_answer.clear()
            stub = GRPCInferenceServiceStub(channel)
            calls = [stub.ModelInfer(ModelInferRequest()) for _ in range(3)]
            await until_async(lambda: any(call.done() for call in calls))
            live = (await stub.ServerLive(ServerLiveRequest())).live
            servicer.may_answer.set()
            codes = [await call.code() for call in calls]
            assert load.n_requests == load.n_body_bytes == 0
            return codes, live

    codes, live = asyncio.run(send())
    assert sorted(code.name for code in codes) == ["OK", "OK", "RESOURCE_EXHAUSTED"]
    assert live


def test_grpc__a_real_predictor_answers_wrong_tensors_with_its_request_id(servers: LocalServers) -> None:
    arguments = servers.predictor.process.args
    assert isinstance(arguments, list)
    address = f"127.0.0.1:{arguments[arguments.index('--grpc_port') + 1]}"
    with grpc.insecure_channel(address) as channel:
        tensor = ModelInferRequest.InferInputTensor(name="x", datatype="NONSENSE", shape=[-1])
        request = ModelInferRequest(model_name="silencio", inputs=[tensor], raw_input_contents=[b"123"])
        with pytest.raises(grpc.RpcError) as caught:
            GRPCInferenceServiceStub(channel).ModelInfer(request, metadata=(("x-request-id", "mine"),))
    assert caught.value.code() is StatusCode.INVALID_ARGUMENT
    assert dict(caught.value.trailing_metadata())["x-request-id"] == "mine"
