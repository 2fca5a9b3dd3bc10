"""Answers are packed for clients that want it so, and for no others."""

from __future__ import annotations

import asyncio
import gzip
import random
from collections.abc import Callable

import httpx
import pytest
from starlette.datastructures import Headers
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from serving.server.compression import MIN_COMPRESSED_BYTES, Compression, takes_gzip
from tests.waiting import HANG_S

ROUTE = "/v1/models/silencio:predict"


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [
        ([], False),
        ([""], False),
        (["gzip"], True),
        (["GZip"], True),
        (["x-gzip"], True),
        (["gzip, deflate, br, zstd"], True),
        (["br;q=1.0, gzip;q=0.8, *;q=0.1"], True),
        (["deflate", "gzip"], True),
        (["*"], True),
        (["*;q=0.5"], True),
        (["identity;q=0.5, *;q=0.7"], True),
        (["gzip;q=0"], False),
        (["gzip; q=0.000"], False),
        (["gzip;q=0, *"], False),
        (["*;q=0"], False),
        (["deflate, br"], False),
        (["identity"], False),
        (["identity;q=1, gzip;q=0.5"], False),
        (["gzip;q=none"], False),
        (["gzip;q=7"], False),
        (["ungzipped"], False),
    ],
)
def test_wish__by_its_quality(accepted: list[str], takes: bool) -> None:
    assert takes_gzip(Headers(raw=[(b"accept-encoding", one.encode()) for one in accepted])) is takes


def _answer(response: Response, accepted: str | None = "gzip") -> httpx.Response:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await response(scope, receive, send)

    async def call() -> httpx.Response:
        transport = httpx.ASGITransport(Compression(application, **Compression.options()))
        async with httpx.AsyncClient(transport=transport, base_url="http://server", timeout=HANG_S) as client:
            headers = {"Accept-Encoding": "identity" if accepted is None else accepted}
            return await client.get("/", headers=headers)

    return asyncio.run(call())


def test_answer__small_ones_are_not_worth_it() -> None:
    assert "content-encoding" not in _answer(Response(b"a" * (MIN_COMPRESSED_BYTES - 1))).headers
    assert _answer(Response(b"a" * MIN_COMPRESSED_BYTES)).headers["content-encoding"] == "gzip"


@pytest.mark.parametrize("media_type", ["application/json", "text/csv", "text/tab-separated-values", "text/plain"])
def test_answer__all_formats(media_type: str) -> None:
    body = b"dawn.ogg,0,5,grekis\n" * 1_000
    answer = _answer(Response(body, media_type=media_type))
    assert answer.content == body
    assert int(answer.headers["content-length"]) < len(body) / 10
    assert "accept-encoding" in answer.headers["vary"].lower()


@pytest.mark.parametrize("media_type", ["text/event-stream", "application/octet-stream"])
def test_answer__an_event_stream_is_never_held_back_and_binary_tensors_are_not_worth_it(media_type: str) -> None:
    body = b"data: grekis\n\n" * 1_000
    answer = _answer(Response(body, media_type=media_type))
    assert "content-encoding" not in answer.headers
    assert (answer.content, int(answer.headers["content-length"])) == (body, len(body))


def test_answer__what_is_packed_already_is_not_packed_again() -> None:
    answer = _answer(Response(gzip.compress(random.Random(1).randbytes(9_000)), headers={"Content-Encoding": "gzip"}))
    assert (answer.headers.get_list("content-encoding"), len(answer.content)) == (["gzip"], 9_000)


def test_answer__in_pieces() -> None:
    async def pieces():  # type: ignore[no-untyped-def]
        for _ in range(3):
            yield b"grekis" * 1_000

    answer = _answer(StreamingResponse(pieces(), media_type="text/csv"))
    assert (answer.headers["content-encoding"], answer.content) == ("gzip", b"grekis" * 3_000)


@pytest.mark.parametrize("accepted", ["gzip", "gzip;q=0"])
def test_server__every_class_of_a_minute(http: httpx.Client, recording: Callable[..., bytes], accepted: str) -> None:
    headers = {"Content-Type": "audio/ogg", "Accept-Encoding": accepted}
    answer = http.post(ROUTE, params={"top_k": "all"}, content=recording(60.0), headers=headers, timeout=HANG_S)
    assert answer.status_code == 200
    assert answer.headers.get("content-encoding") == ("gzip" if accepted == "gzip" else None)
    assert len(answer.json()["predictions"][0]["windows"]) == 12
