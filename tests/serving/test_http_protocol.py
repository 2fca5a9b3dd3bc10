"""One connection, as clients of the field use it: offers of other protocols, silence, and bytes that are no HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import http.client
import json
import select
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from serving.http_protocol import HttpProtocol

H2C = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA"
WEBSOCKET = (
    "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
)
OFFERS = [
    H2C,
    WEBSOCKET,
    "Connection: upgrade\r\nUpgrade: TLS/1.2, IRC/6.9",
    "Connection: Upgrade\r\nUpgrade: nonsense",
]
BODY = b"OggS\x00\x02 GET / HTTP/1.1\r\n\r\n" * 3
LENGTH = (f"Content-Length: {len(BODY)}", BODY)
CHUNKED = (
    "Transfer-Encoding: chunked",
    b"5\r\n" + BODY[:5] + b"\r\n%x\r\n" % len(BODY[5:]) + BODY[5:] + b"\r\n0\r\n\r\n",
)


async def _echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers what came; a request for /early before its body."""
    assert scope["type"] == "http"
    body, more = b"", scope["path"] != "/early"
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    await _answer(scope, body, send)


async def _answer(scope: Scope, body: bytes, send: Send) -> None:
    seen = {
        "method": scope["method"],
        "path": scope["path"],
        "version": scope["http_version"],
        "names": [name.decode() for name, _ in scope["headers"]],
        "body": body.decode("latin-1"),
    }
    content = json.dumps(seen).encode()
    head = [(b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": content})


@dataclass
class Transport(asyncio.Transport):
    """Keeps what is written."""

    written: bytearray = field(default_factory=bytearray)
    closed: bool = False

    def __post_init__(self) -> None:
        super().__init__()

    def write(self, data: Any) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


def _connection() -> tuple[HttpProtocol, Transport]:
    config = uvicorn.Config(_echo, lifespan="off", log_config=None)
    config.load()
    transport = Transport()
    protocol = HttpProtocol(config=config, server_state=ServerState(), app_state={}, head_read_timeout_s=30.0)
    protocol.connection_made(transport)
    return protocol, transport


async def _exchange(*segments: bytes) -> list[dict[str, Any]]:
    """The answers to what came in these segments."""
    protocol, transport = _connection()
    for segment in segments:
        protocol.data_received(segment)
        await asyncio.sleep(0)
    while protocol.tasks:
        await asyncio.wait(list(protocol.tasks))
    protocol.connection_lost(None)
    answers = bytes(transport.written).split(b"HTTP/1.1 200 OK\r\n")
    assert answers[0] == b"", transport.written
    return [json.loads(one.partition(b"\r\n\r\n")[2]) for one in answers[1:]]


def _request(offer: str, framing: str, path: str = "/a?b=c") -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: x\r\n{offer}\r\nX-Mine: 1\r\n{framing}\r\n\r\n".encode()


@pytest.mark.parametrize("offer", OFFERS)
@pytest.mark.parametrize(("framing", "sent"), [LENGTH, CHUNKED])
def test_offer__is_passed_over_wherever_the_segments_end(offer: str, framing: str, sent: bytes) -> None:
    whole = _request(offer, framing) + sent

    async def ask() -> None:
        for cut in range(len(whole)):
            (seen,) = await _exchange(whole[:cut], whole[cut:])
            assert (seen["method"], seen["path"], seen["body"]) == ("POST", "/a", BODY.decode("latin-1")), cut
            assert "x-mine" in seen["names"]
            assert not {"upgrade", "http2-settings"} & set(seen["names"])

    asyncio.run(ask())


@pytest.mark.parametrize("offer", OFFERS)
def test_offer__without_a_body_and_with_others_behind_it(offer: str) -> None:
    offering = f"GET /1 HTTP/1.1\r\nHost: x\r\n{offer}\r\n\r\n".encode()
    plain = b"GET /3 HTTP/1.1\r\nHost: x\r\n\r\n"
    sent = offering + _request(offer, LENGTH[0], "/2") + BODY + plain + offering
    seen = asyncio.run(_exchange(sent))
    assert [one["path"] for one in seen] == ["/1", "/2", "/3", "/1"]
    assert [one["body"] for one in seen] == ["", BODY.decode("latin-1"), "", ""]


def test_offer__the_version_stays_the_clients() -> None:
    sent = f"POST / HTTP/1.0\r\n{H2C}\r\nContent-Length: 1\r\n\r\nx".encode()
    (seen,) = asyncio.run(_exchange(sent))
    assert (seen["version"], seen["body"]) == ("1.0", "x")


def test_requests__without_an_offer_are_untouched() -> None:
    (seen,) = asyncio.run(_exchange(_request("Connection: keep-alive", LENGTH[0]) + BODY))
    assert seen["names"] == ["host", "connection", "x-mine", "content-length"]


@dataclass
class Running:
    """A server on a socket whose application waits for `may_answer`."""

    port: int = 0
    may_answer: threading.Event = field(default_factory=threading.Event)
    server: uvicorn.Server | None = None

    async def application(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/waits":
            await asyncio.to_thread(self.may_answer.wait)
        await _echo(scope, receive, send)

    def connect(self, sent: bytes = b"") -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        connection.sendall(sent)
        return connection


@contextlib.contextmanager
def _running(head_read_timeout_s: float) -> Iterator[Running]:
    running = Running()
    protocol = functools.partial(HttpProtocol, head_read_timeout_s=head_read_timeout_s)
    config = uvicorn.Config(
        running.application,
        http=protocol,  # type: ignore[arg-type]  # as KServe's server is given it
        interface="asgi3",
        lifespan="off",
        log_config=None,
        timeout_keep_alive=600,
    )
    running.server = uvicorn.Server(config)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        running.port = listening.getsockname()[1]
        thread = threading.Thread(target=running.server.run, args=([listening],), daemon=True)
        thread.start()
        while not running.server.started:
            time.sleep(0.01)
        yield running
        running.may_answer.set()
        running.server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def patient() -> Iterator[Running]:
    with _running(600.0) as running:
        yield running


@pytest.fixture(scope="module")
def hasty() -> Iterator[Running]:
    with _running(0.3) as running:
        yield running


def _to_the_end(connection: socket.socket) -> bytes:
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65_536):
            received += piece
    return received


def _refusal(received: bytes) -> tuple[int, str]:
    """Status and sentence."""
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"content-type: application/json" in head
    assert b"x-request-id: " in head
    assert b"connection: close" in head
    content = json.loads(body)
    assert list(content) == ["error"]
    return int(head.split()[1]), content["error"]


def _read_answer(connection: socket.socket) -> dict[str, Any]:
    response = http.client.HTTPResponse(connection)
    response.begin()
    assert response.status == 200
    return dict(json.loads(response.read()))


@pytest.mark.parametrize("sent", [b"", b"\r\n"])
def test_silence__a_connection_without_a_word_ends(hasty: Running, sent: bytes) -> None:
    with hasty.connect(sent) as connection:
        assert _to_the_end(connection) == b""


@pytest.mark.parametrize("sent", [b"P", b"POST / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"])
def test_silence__half_a_head_is_a_408(hasty: Running, sent: bytes) -> None:
    with hasty.connect(sent) as connection:
        assert _refusal(_to_the_end(connection)) == (408, "the request's head was not whole after 0.3 s")


def test_silence__a_head_that_drips_ends_like_one_that_stands_still(hasty: Running) -> None:
    with hasty.connect(b"GET / HTTP/1.1\r\nX-Mine: ") as connection:
        while not select.select([connection], [], [], 0.05)[0]:
            connection.sendall(b"x")
        assert connection.recv(100).startswith(b"HTTP/1.1 408 ")


def test_silence__half_a_head_behind_an_answer_ends_too(hasty: Running) -> None:
    with hasty.connect(b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\n") as connection:
        assert _read_answer(connection)["path"] == "/1"
        connection.sendall(b"GET /2 HT")
        assert _refusal(_to_the_end(connection))[0] == 408


def test_silence__the_rest_of_a_body_that_nobody_reads_ends_too(hasty: Running) -> None:
    with hasty.connect(b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n") as connection:
        assert _read_answer(connection)["path"] == "/early"
        connection.sendall(b"x")
        assert _to_the_end(connection) == b""


def test_silence__between_requests_is_another_limit(hasty: Running) -> None:
    """A phone's client keeps its connection from one recording to the next."""
    with hasty.connect(b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\n") as connection:
        assert _read_answer(connection)["path"] == "/1"
        with hasty.connect() as silent:
            _to_the_end(silent)
        connection.sendall(b"GET /2 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert _read_answer(connection)["path"] == "/2"


def test_silence__of_the_server_or_amid_a_body_is_none_of_the_heads(hasty: Running) -> None:
    hasty.may_answer.clear()
    body = b"POST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nx"
    with hasty.connect(b"GET /waits HTTP/1.1\r\nHost: x\r\n\r\n") as waiting, hasty.connect(body) as sending:
        with hasty.connect() as silent:
            _to_the_end(silent)
        hasty.may_answer.set()
        assert _read_answer(waiting)["path"] == "/waits"
        sending.sendall(b"y")
        assert _read_answer(sending)["body"] == "xy"


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        (b"nonsense\r\n\r\n", "not HTTP/1.1: Invalid method"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", "not HTTP/1.1: Invalid header token"),
        ("GET /?name=ñandú HTTP/1.1\r\nHost: x\r\n\r\n".encode(), "not HTTP/1.1: Invalid char in url query; letters"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01", "this port speaks HTTP without TLS"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/2 is not taken: ask by HTTP/1.1"),
        (b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", "not HTTP/1.1: CONNECT is not taken"),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", "not HTTP/1.1: "),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "not HTTP/1.1: "),
        (
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nno number\r\n",
            "not HTTP/1.1: Invalid character in ch",
        ),
    ],
)
def test_wrong__a_400_with_one_sentence(patient: Running, sent: bytes, sentence: str) -> None:
    with patient.connect(sent) as connection:
        status, text = _refusal(_to_the_end(connection))
    assert status == 400
    assert text.startswith(sentence)


def test_wrong__a_head_without_end_is_a_431() -> None:
    async def send() -> bytes:
        protocol, transport = _connection()
        protocol.data_received(b"GET / HTTP/1.1\r\nX-Mine: ")
        n_bytes = 0
        while not transport.closed:
            protocol.data_received(b"x" * 1_024)
            n_bytes += 1_024
            assert n_bytes < 1 << 20
        return bytes(transport.written)

    status, text = _refusal(asyncio.run(send()))
    assert (status, text) == (431, "the request's head is larger than 131072 bytes, the most that is taken")


def test_head__of_70_kilobytes_is_taken(patient: Running) -> None:
    with patient.connect(b"GET /1 HTTP/1.1\r\nX-Mine: " + b"x" * 70_000 + b"\r\n\r\n") as connection:
        assert _read_answer(connection)["path"] == "/1"
