"""One connection, as clients of the field use it: offers of other protocols, silence, and bytes that are no HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any

import kserve.model_server
import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from serving.server.admission import Limits
from serving.server.entrance import Entrance
from serving.server.http_protocol import HttpProtocol
from serving.server.kserve_patches import install
from silencio.errors import ConfigError
from tests.waiting import HANG_S, until

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


@dataclass
class Clock:
    """The running loop, whose timers go off when a test wants them to."""

    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    timers: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def create_task(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return self.loop.create_task(coroutine)

    def call_later(self, delay_s: float, call: Callable[[], None]) -> Timer:
        timer = delay_s, call
        self.timers.append(timer)
        return Timer(lambda: self.timers.remove(timer))

    def delays_s(self) -> list[float]:
        """Of the timers that run."""
        return [delay_s for delay_s, _ in self.timers]

    def go_off(self) -> None:
        """The only one."""
        ((_, call),) = self.timers
        self.timers.clear()
        call()


@dataclass
class Timer:
    cancel: Callable[[], None]


HEAD_S, KEPT_S = 30.0, 65.0


class Connection:
    """A protocol between a transport and a clock of the test's own."""

    def __init__(self) -> None:
        config = uvicorn.Config(_echo, lifespan="off", log_config=None, timeout_keep_alive=int(KEPT_S))
        config.load()
        self.transport, self.clock = Transport(), Clock()
        self.protocol = HttpProtocol(
            config=config,
            server_state=ServerState(),
            app_state={},
            _loop=self.clock,
            head_read_timeout_s=HEAD_S,
        )
        self.protocol.connection_made(self.transport)

    async def send(self, *segments: bytes) -> None:
        """Bytes come, and what can be answered is."""
        for segment in segments:
            self.protocol.data_received(segment)
            await asyncio.sleep(0)

    async def answered(self) -> list[dict[str, Any]]:
        """All that was answered, once nothing more will be."""
        while self.protocol.tasks:
            await asyncio.wait(list(self.protocol.tasks))
        answers = bytes(self.transport.written).split(b"HTTP/1.1 200 OK\r\n")
        assert answers[0] == b"", self.transport.written
        return [json.loads(one.partition(b"\r\n\r\n")[2]) for one in answers[1:]]


async def _exchange(*segments: bytes) -> list[dict[str, Any]]:
    """The answers to what came in these segments."""
    connection = Connection()
    await connection.send(*segments)
    answers = await connection.answered()
    connection.protocol.connection_lost(None)
    assert not connection.clock.timers
    return answers


def _request(offer: str, framing: str, path: str = "/a?b=c") -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: x\r\n{offer}\r\nX-Mine: 1\r\n{framing}\r\n\r\n".encode()


@pytest.mark.parametrize("offer", OFFERS)
@pytest.mark.parametrize(("framing", "sent"), [LENGTH, CHUNKED])
def test_offer__is_passed_over_wherever_the_segments_end(offer: str, framing: str, sent: bytes) -> None:
    whole = _request(offer, framing) + sent

    async def request_it() -> None:
        for cut in range(len(whole)):
            (seen,) = await _exchange(whole[:cut], whole[cut:])
            assert (seen["method"], seen["path"], seen["body"]) == ("POST", "/a", BODY.decode("latin-1")), cut
            assert "x-mine" in seen["names"]
            assert not {"upgrade", "http2-settings"} & set(seen["names"])

    asyncio.run(request_it())


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


@contextlib.contextmanager
def _listening(head_read_timeout_s: float) -> Iterator[int]:
    """A server's port."""
    config = uvicorn.Config(
        _echo,
        http=functools.partial(HttpProtocol, head_read_timeout_s=head_read_timeout_s),  # type: ignore[arg-type]
        lifespan="off",
        log_config=None,
    )
    server = uvicorn.Server(config)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        until(lambda: server.started)
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with _listening(HANG_S) as port:
        yield port


def _connect(port: int, sent: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=HANG_S)
    connection.sendall(sent)
    return connection


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


def test_silence__a_connection_without_a_word_ends() -> None:
    with _listening(0.1) as port, _connect(port) as connection:
        assert _to_the_end(connection) == b""


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"\r\n\r\n"])
def test_silence__without_a_word_there_is_no_answer(sent: bytes) -> None:
    async def request_it() -> None:
        connection = Connection()
        await connection.send(*([sent] if sent else []))
        assert connection.clock.delays_s() == [HEAD_S]
        connection.clock.go_off()
        assert connection.transport.closed
        assert not connection.transport.written

    asyncio.run(request_it())


@pytest.mark.parametrize("head", ["POST / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n", "P"])
def test_silence__half_a_head_is_a_408(head: str) -> None:
    async def request_it() -> bytes:
        connection = Connection()
        await connection.send(head.encode())
        connection.clock.go_off()
        assert connection.transport.closed
        return bytes(connection.transport.written)

    assert _refusal(asyncio.run(request_it())) == (408, "the request's head was not whole after 30 s")


def test_silence__a_client_that_left_is_not_waited_for() -> None:
    async def request_it() -> None:
        connection = Connection()
        await connection.send(b"GET / HTTP/1.1\r\n")
        connection.protocol.connection_lost(None)
        assert not connection.clock.timers

    asyncio.run(request_it())


def test_silence__a_head_that_drips_has_no_more_time_than_one_that_stands_still() -> None:
    async def request_it() -> None:
        connection = Connection()
        (begun,) = connection.clock.timers
        for one in b"GET / HTTP/1.1\r\nX-Mine: " + b"x" * 50:
            await connection.send(bytes([one]))
        assert connection.clock.timers == [begun]

    asyncio.run(request_it())


def test_silence__half_a_head_behind_an_answer_ends_too() -> None:
    async def request_it() -> None:
        connection = Connection()
        await connection.send(b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert [one["path"] for one in await connection.answered()] == ["/1"]
        await connection.send(b"GET /2 HT")
        assert connection.clock.delays_s() == [HEAD_S]
        connection.clock.go_off()
        assert b"HTTP/1.1 408 " in connection.transport.written

    asyncio.run(request_it())


def test_silence__between_requests_is_the_kept_connections_own_limit() -> None:
    """A phone's client keeps its connection from one recording to the next."""

    async def request_it() -> None:
        connection = Connection()
        for n_answers in (1, 2, 3):
            await connection.send(_request(H2C, LENGTH[0]) + BODY)
            assert len(await connection.answered()) == n_answers
            assert connection.clock.delays_s() == [KEPT_S]
        connection.clock.go_off()
        assert connection.transport.closed

    asyncio.run(request_it())


def test_silence__amid_a_body_is_the_applications_to_end() -> None:
    async def request_it() -> None:
        connection = Connection()
        await connection.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n")
        assert not connection.clock.timers
        await connection.send(b"x")
        assert not connection.clock.timers
        await connection.send(b"y")
        assert [one["body"] for one in await connection.answered()] == ["xy"]

    asyncio.run(request_it())


def test_silence__in_the_rest_of_a_body_that_nobody_reads_ends_too() -> None:
    """As long as it comes, its client may yet read the answer."""

    async def request_it() -> None:
        connection = Connection()
        await connection.send(b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")
        assert [one["path"] for one in await connection.answered()] == ["/early"]
        await connection.send(b"x")
        (first,) = connection.clock.timers
        await connection.send(b"x")
        (second,) = connection.clock.timers
        assert (first[0], second[0]) == (HEAD_S, HEAD_S)
        assert first is not second
        connection.clock.go_off()
        assert connection.transport.closed
        assert len(await connection.answered()) == 1

    asyncio.run(request_it())


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        (b"nonsense\r\n\r\n", "not HTTP/1.1: Invalid method"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", "not HTTP/1.1: Invalid header token"),
        ("GET /?name=ñandú HTTP/1.1\r\nHost: x\r\n\r\n".encode(), "not HTTP/1.1: Invalid char in url query; letters"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01", "this port speaks HTTP without TLS"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/2 is not taken: use HTTP/1.1"),
        (b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", "not HTTP/1.1: CONNECT is not taken"),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", "not HTTP/1.1: "),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "not HTTP/1.1: "),
        (
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nno number\r\n",
            "not HTTP/1.1: Invalid character in ch",
        ),
    ],
)
def test_wrong__a_400_with_one_sentence(port: int, sent: bytes, sentence: str) -> None:
    with _connect(port, sent) as connection:
        status, text = _refusal(_to_the_end(connection))
    assert status == 400
    assert text.startswith(sentence)


def test_wrong__amid_a_body_is_a_400_too() -> None:
    async def request_it() -> bytes:
        connection = Connection()
        head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        await connection.send(head, b"1\r\nx\r\nno number")
        assert connection.transport.closed
        return bytes(connection.transport.written)

    assert _refusal(asyncio.run(request_it()))[0] == 400


def test_wrong__behind_an_answer_that_is_owed_gives_none_of_its_own() -> None:
    async def request_it() -> None:
        connection = Connection()
        connection.protocol.data_received(
            b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\nnonsense\r\n"
        )
        assert connection.transport.closed
        assert b" 400 " not in connection.transport.written
        await connection.answered()

    asyncio.run(request_it())


def test_wrong__a_head_without_end_is_a_431() -> None:
    async def request_it() -> bytes:
        connection = Connection()
        n_bytes = 0
        while not connection.transport.closed:
            await connection.send(b"x" * 1_024 if n_bytes else b"GET / HTTP/1.1\r\nX-Mine: ")
            n_bytes += 1_024
            assert n_bytes < 1 << 20
        return bytes(connection.transport.written)

    text = "the request's head is larger than 131072 bytes, the most that is taken"
    assert _refusal(asyncio.run(request_it())) == (431, text)


def test_head__of_70_kilobytes_is_taken() -> None:
    head = b"GET /1 HTTP/1.1\r\nX-Mine: " + b"x" * 70_000 + b"\r\n\r\n"
    (seen,) = asyncio.run(_exchange(*(head[i : i + 1_000] for i in range(0, len(head), 1_000))))
    assert seen["path"] == "/1"


def test_server__is_given_it_with_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RESTServer", "GRPCServer"):
        monkeypatch.setattr(kserve.model_server, name, getattr(kserve.model_server, name))
    limits = Limits(max_body_bytes=1, max_body_bytes_in_flight=1, max_concurrent_requests=1, head_read_timeout_s=7.0)
    install(Entrance("127.0.0.1", limits))
    server = kserve.model_server.RESTServer("kserve.model_server:app", None, None, 0)
    assert (server.config.http.func, server.config.http.keywords) == (HttpProtocol, {"head_read_timeout_s": 7.0})


@pytest.mark.parametrize("timeout_s", [0.0, -1.0])
def test_limits__a_head_needs_some_time(timeout_s: float) -> None:
    with pytest.raises(ConfigError, match="head_read_timeout_s must be more than 0"):
        Limits(max_body_bytes=1, max_body_bytes_in_flight=1, max_concurrent_requests=1, head_read_timeout_s=timeout_s)
