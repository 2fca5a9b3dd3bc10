"""Every wrong input is a 4xx that names the field, and the connection survives it."""

from __future__ import annotations

import base64
import io
import json
import socket
import zlib
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
import soundfile

from serving.local import LocalServers
from tests.waiting import HANG_S

ROUTE = "/v1/models/silencio:predict"
Make = Callable[..., bytes]
Instance = Callable[[bytes], dict[str, object]]
GARBAGE = base64.b64encode(b"no audio at all").decode()


def _audio(b64: object) -> dict[str, Any]:
    return {"audio": {"b64": b64}}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "instances: is missing"),
        ([], 'body: an object with "instances" is needed, this is a list'),
        (None, 'body: an object with "instances" is needed, this is null'),
        ({"instances": []}, "instances: at least 1 is needed, there are 0"),
        ({"instances": {}}, "instances: a list is needed"),
        ({"instances": [_audio(GARBAGE)] * 65}, "instances: at most 64 are taken at once, there are 65"),
        ({"instances": [_audio(GARBAGE)], "more": 1}, "more: is not a field"),
        ({"instances": ["text"]}, "instances[0]: an object is needed"),
        ({"instances": [{}]}, "instances[0].audio: is missing"),
        ({"instances": [{"audio": GARBAGE}]}, "instances[0].audio: an object is needed"),
        ({"instances": [{"audio": {}}]}, "instances[0].audio.b64: is missing"),
        ({"instances": [{"audio": {"b64": GARBAGE, "url": "x"}}]}, "instances[0].audio.url: is not a field"),
        ({"instances": [_audio(GARBAGE) | {"lat": 1}]}, "instances[0].lat: is not a field"),
        ({"instances": [_audio(5)]}, "instances[0].audio.b64: text is needed"),
        ({"instances": [_audio("")]}, "instances[0].audio.b64: is empty"),
        ({"instances": [_audio("no base64!")]}, "instances[0].audio.b64: not base64"),
        ({"instances": [_audio("abc")]}, "instances[0].audio.b64: not base64"),
        ({"instances": [_audio(GARBAGE)]}, "instances[0].audio.b64: not audio that can be decoded (15 bytes)"),
        ({"instances": [_audio(GARBAGE)], "parameters": {"topk": 1}}, "parameters.topk: is not a field"),
        ({"instances": [_audio(GARBAGE)], "parameters": {"top_k": 0}}, "parameters.top_k: a whole number"),
        ({"instances": [_audio(GARBAGE)], "parameters": {"top_k": True}}, "parameters.top_k: a whole number"),
        ({"instances": [_audio(GARBAGE)], "parameters": {"top_k": "most"}}, "parameters.top_k: a whole number"),
        ({"instances": [_audio(GARBAGE)], "parameters": {"top_k": 2.5}}, "parameters.top_k: a whole number"),
        ({"instances": [_audio(GARBAGE)], "parameters": {"format": "xml"}}, "parameters.format: one of 'json'"),
        ({"instances": [_audio(GARBAGE)], "parameters": {"priority": 1}}, "parameters.priority: one of 'interactive'"),
        ({"instances": [_audio(GARBAGE) | {"latitude": 5.0}]}, "instances[0]: latitude and longitude are needed"),
        (
            {"instances": [_audio(GARBAGE) | {"latitude": 91, "longitude": 0}]},
            "instances[0].latitude: at most 90 is needed",
        ),
        (
            {"instances": [_audio(GARBAGE) | {"latitude": "5", "longitude": 0}]},
            "instances[0].latitude: a number is needed",
        ),
        (
            {"instances": [_audio(GARBAGE) | {"recorded_at": "yesterday"}]},
            "instances[0].recorded_at: a time like 2025-03-21T05:40:00Z is needed",
        ),
        ({"instances": [_audio(GARBAGE) | {"session_id": "a\nb"}]}, "instances[0].session_id: text without line"),
        (
            {"instances": [_audio(GARBAGE) | {"site_id": "north ridge"}]},
            "instances[0].site_id: 1 to 64 letters, digits and ._@- are needed, first a letter or a digit",
        ),
        ({"instances": [_audio(GARBAGE) | {"device_id": "SMA01234\n"}]}, "instances[0].device_id: 1 to 64 letters"),
        ({"instances": [_audio(GARBAGE) | {"device_id": 671658}]}, "instances[0].device_id: text is needed"),
        ({"instances": [_audio(GARBAGE) | {"name": "x" * 201}]}, "instances[0].name: at most 200 characters"),
    ],
)
def test_v1__wrong_field(http: httpx.Client, body: object, error: str) -> None:
    answer = http.post(ROUTE, content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert list(answer.json()) == ["error"]
    assert answer.json()["error"].startswith(error)


def test_v1__the_second_recording_is_the_wrong_one(http: httpx.Client, recording: Make, v1_instance: Instance) -> None:
    answer = http.post(ROUTE, json={"instances": [v1_instance(recording()), _audio(GARBAGE)]})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("instances[1].audio.b64: not audio that can be decoded")


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data; boundary=x", "image/png"])
def test_v1__content_type_that_is_not_taken(http: httpx.Client, recording: Make, content_type: str) -> None:
    answer = http.post(ROUTE, content=recording(), headers={"Content-Type": content_type})
    assert answer.status_code == 400
    assert "send application/json" in answer.json()["error"]


@pytest.mark.parametrize("content_type", [None, "application/octet-stream", "application/x-www-form-urlencoded"])
@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", "body: is empty, with "),
        (b"file=dawn.ogg&top_k=3", "body: text that is not JSON, with "),
        ("¿Qué canta aquí?\n".encode() * 40, "body: text that is not JSON, with "),
    ],
)
def test_v1__a_body_that_nobody_named_and_that_is_neither_recording_nor_json(
    http: httpx.Client, body: bytes, error: str, content_type: str | None
) -> None:
    answer = http.post(ROUTE, content=body, headers={"Content-Type": content_type} if content_type else {})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(error + (f"Content-Type '{content_type}'" if content_type else "no "))
    assert "send application/json, or a recording's own bytes as audio/ogg" in answer.json()["error"]


def test_v1__a_recording_that_says_it_is_json(http: httpx.Client, recording: Make) -> None:
    answer = http.post(ROUTE, content=recording(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert "a recording's own bytes are sent as audio/ogg" in answer.json()["error"]


def test_v2__a_recordings_own_bytes_are_told_where_to_go(http: httpx.Client, recording: Make) -> None:
    for headers in ({}, {"Content-Type": "audio/ogg"}):
        answer = http.post("/v2/models/silencio/infer", content=recording(), headers=headers)
        assert answer.status_code == 400
        assert "a recording's own bytes are for the V1 route" in answer.json()["error"]


@pytest.mark.parametrize(("name", "value"), [("priority", 1), ("timeout", 1000), ("sequence_id", 7)])
def test_v2__what_only_tritons_clients_know_is_refused_by_name(http: httpx.Client, name: str, value: int) -> None:
    # Their priority is a number, where 1 is the highest; dropped in silence it would mean something else.
    sent = [{"name": "audio", "datatype": "BYTES", "shape": [1], "data": [GARBAGE]}]
    answer = http.post("/v2/models/silencio/infer", json={"inputs": sent, "parameters": {name: value}})
    assert answer.status_code == 400
    assert f"parameters.{name}" in answer.json()["error"]


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "compress"])
def test_coding__that_is_not_taken_is_named(http: httpx.Client, recording: Make, coding: str) -> None:
    headers = {"Content-Type": "audio/ogg", "Content-Encoding": coding}
    for route in (ROUTE, "/v2/models/silencio/infer"):
        answer = http.post(route, content=recording(), headers=headers)
        assert (answer.status_code, answer.headers["accept-encoding"]) == (415, "gzip, deflate")
        assert answer.json()["error"].startswith(f"Content-Encoding '{coding}' is not taken: send the body as it is")


@pytest.mark.parametrize("n_bytes_left", [0, 4])
def test_coding__bytes_that_are_not_packed_so(http: httpx.Client, recording: Make, n_bytes_left: int) -> None:
    body = zlib.compress(recording(), wbits=31)[:-n_bytes_left] if n_bytes_left else recording()
    answer = http.post(ROUTE, content=body, headers={"Content-Type": "audio/ogg", "Content-Encoding": "gzip"})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("body: Content-Encoding says gzip, and the bytes ")


def test_coding__an_unpacked_body_is_not_larger_than_a_plain_one(http: httpx.Client) -> None:
    packer = zlib.compressobj(1, wbits=31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(400)) + packer.flush()
    answer = http.post(ROUTE, content=bomb, headers={"Content-Type": "audio/wav", "Content-Encoding": "gzip"})
    assert answer.status_code == 413
    assert answer.json()["error"] == f"the body is larger than {160 << 20} bytes once unpacked, the most that is taken"


@pytest.mark.parametrize("body", [b"", b"{", b"\x00\xff", b"[" * 100_000, b'{"instances": NaN}'])
@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8"])
def test_v1__not_json(http: httpx.Client, body: bytes, content_type: str) -> None:
    answer = http.post(ROUTE, content=body, headers={"Content-Type": content_type})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("body: ")


def _wav(samples: np.ndarray, subtype: str = "FLOAT") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, 8_000, format="WAV", subtype=subtype)
    return file.getvalue()


@pytest.mark.parametrize(
    ("encoded", "error"),
    [
        (b"", "body: the file is empty"),
        (b"garbage", "body: not audio"),
        (_wav(np.zeros(0)), "body: the audio holds no samples"),
        (_wav(np.array([0.0, np.nan, 0.1])), "body: the audio holds samples that are not finite"),
        (_wav(np.array([0.0, np.inf, 0.1])), "body: the audio holds samples that are not finite"),
    ],
)
def test_raw__not_a_recording(http: httpx.Client, encoded: bytes, error: str) -> None:
    answer = http.post(ROUTE, content=encoded, headers={"Content-Type": "audio/wav"})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(error)


def test_raw__silence_is_a_recording(http: httpx.Client) -> None:
    answer = http.post(ROUTE, content=_wav(np.zeros(800)), headers={"Content-Type": "audio/wav"})
    assert answer.status_code == 200


def test_raw__too_short(http: httpx.Client) -> None:
    answer = http.post(ROUTE, content=_wav(np.zeros(400)), headers={"Content-Type": "audio/wav"})
    assert (answer.status_code, answer.json()["error"]) == (
        400,
        "body: the audio is 0.05 s long, at least 0.1 s is needed",
    )


@pytest.mark.parametrize("container", ["OGG", "WAV", "FLAC", "MP3"])
def test_raw__truncated(http: httpx.Client, recording: Make, container: str) -> None:
    encoded = recording(5.0, container)
    cut = encoded[: len(encoded) // 2]
    answer = http.post(ROUTE, content=cut, headers={"Content-Type": "audio/ogg"})
    assert answer.status_code == 200
    prediction = answer.json()["predictions"][0]
    assert 0.0 < prediction["duration_s"] < 5.0
    assert [note["kind"] for note in prediction["notes"]] == ["truncated"]
    refused = http.post(f"{ROUTE}?truncated=refuse", content=cut, headers={"Content-Type": "audio/ogg"})
    assert refused.status_code == 400
    assert refused.json()["error"].startswith("body: the file is truncated: ")


def test_raw__ten_minutes_of_a_fast_recorder_in_a_few_kilobytes(http: httpx.Client) -> None:
    # A decompression bomb: 230 million samples of silence are 1 GB of float32.
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", 384_000, 1, format="FLAC") as sound:
        for _ in range(590):
            sound.write(np.zeros(384_000, np.int16))
    assert len(file.getvalue()) < 1 << 20
    answer = http.post(ROUTE + "?top_k=1", content=file.getvalue(), headers={"Content-Type": "audio/flac"})
    assert answer.status_code == 200
    assert len(answer.json()["predictions"][0]["windows"]) == 118


def test_raw__too_long(http: httpx.Client) -> None:
    encoded = _wav(np.zeros(601 * 8_000), "PCM_16")
    answer = http.post(ROUTE, content=encoded, headers={"Content-Type": "audio/wav"})
    assert answer.status_code == 400
    assert answer.json()["error"] == "body: the audio is longer than 600 s, the most that is taken"


def test_v1__too_long_together(http: httpx.Client, v1_instance: Instance) -> None:
    half = v1_instance(_wav(np.zeros(301 * 8_000), "PCM_U8"))
    answer = http.post(ROUTE, json={"instances": [half, half]})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("instances: the recordings are longer than 600 s together")


def test_v1__a_body_too_large_is_refused_before_it_is_read(servers: LocalServers) -> None:
    address = urlsplit(servers.url)
    with socket.create_connection((address.hostname, address.port), timeout=HANG_S) as connection:
        head = f"POST {ROUTE} HTTP/1.1\r\nHost: x\r\nContent-Type: audio/ogg\r\nContent-Length: {1 << 40}\r\n\r\n"
        connection.sendall(head.encode())
        answer = b""
        while not answer.endswith(b"}"):
            piece = connection.recv(4096)
            assert piece, answer
            answer += piece
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"the body is larger than" in answer


@pytest.mark.parametrize("verb", ["load", "unload"])
def test_repository__a_client_cannot_take_the_model_away(http: httpx.Client, verb: str) -> None:
    answer = http.post(f"/v2/repository/models/silencio/{verb}")
    assert answer.status_code == 400
    assert http.get("/v2/models/silencio/ready").status_code == 200


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("topk=3", "query.topk: is not a field that is taken here"),
        ("top_k=three", "query.top_k: a whole number of at least 1"),
        ("top_k=2.5", "query.top_k: a whole number of at least 1"),
        ("top_k=1e999", "query.top_k: a whole number of at least 1"),
        ("top_k=nan", "query.top_k: a whole number of at least 1"),
        ("top_k=0", "query.top_k: a whole number of at least 1"),
        ("top_k=1&top_k=2", "query.top_k: is given twice"),
        ("format=pdf", "query.format: one of 'json'"),
        ("latitude=5", "query: latitude and longitude are needed together"),
        ("latitude=north&longitude=2", "query.latitude: a number is needed"),
        ("recorded_at=2025-13-01", "query.recorded_at: a time like"),
        ("&&&", "query: cannot be read"),
    ],
)
def test_raw__wrong_option(http: httpx.Client, recording: Make, query: str, error: str) -> None:
    answer = http.post(f"{ROUTE}?{query}", content=recording(), headers={"Content-Type": "audio/ogg"})
    assert (answer.status_code, answer.json()["error"][: len(error)]) == (400, error)


def test_v1__options_of_a_json_body_stand_in_the_body(
    http: httpx.Client, recording: Make, v1_instance: Instance
) -> None:
    answer = http.post(f"{ROUTE}?top_k=3", json={"instances": [v1_instance(recording())]})
    assert (answer.status_code, answer.json()["error"]) == (
        400,
        "query.top_k: the options of a JSON request stand in its parameters",
    )


def test_model__another_name(http: httpx.Client, recording: Make) -> None:
    answer = http.post("/v1/models/other:predict", content=recording(), headers={"Content-Type": "audio/ogg"})
    assert answer.status_code == 404


def test_connection__survives_every_kind_of_error(servers: LocalServers, recording: Make) -> None:
    address = urlsplit(servers.url)
    requests = [
        (ROUTE, "audio/ogg", b"garbage", 400),
        (ROUTE, "application/json", b"{", 400),
        (ROUTE, "text/plain", b"x", 400),
        ("/v1/models/other:predict", "application/json", b"{}", 404),
        ("/v2/models/silencio/infer", "application/octet-stream", b"x", 400),
        ("/v1/models/silencio:explain", "audio/ogg", b"garbage", 400),
        ("/v1/models/silencio:explain", "audio/ogg", recording(), 501),
        (ROUTE, "audio/ogg", recording(), 200),
    ]
    with socket.create_connection((address.hostname, address.port), timeout=HANG_S) as connection:
        for route, content_type, body, status in requests:
            head = (
                f"POST {route} HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
            )
            connection.sendall(f"{head}\r\n".encode() + body)
            answer = b""
            while b"\r\n\r\n" not in answer:
                piece = connection.recv(65_536)
                assert piece, f"the connection was closed before the answer to {route} {content_type}"
                answer += piece
            header, _, rest = answer.partition(b"\r\n\r\n")
            assert header.startswith(f"HTTP/1.1 {status} ".encode()), answer
            length = next(
                int(line[15:]) for line in header.lower().split(b"\r\n") if line.startswith(b"content-length:")
            )
            while len(rest) < length:
                rest += connection.recv(65_536)


def test_fuzz__broken_recordings_are_never_a_5xx(http: httpx.Client, recording: Make) -> None:
    rng = np.random.default_rng(11)
    statuses = set()
    for container in ("OGG", "WAV", "FLAC", "MP3"):
        original = np.frombuffer(recording(1.0, container), np.uint8)
        for i in range(25):
            broken = original[: rng.integers(1, len(original))].copy() if i % 2 else original.copy()
            where = rng.integers(0, len(broken), 1 + i // 4)
            broken[where] = rng.integers(0, 256, len(where))
            answer = http.post(ROUTE, content=broken.tobytes(), headers={"Content-Type": "audio/ogg"})
            statuses.add(answer.status_code)
    assert statuses <= {200, 400}
