"""What a client gets for a recording, over real sockets, from both real processes."""

from __future__ import annotations

import asyncio
import base64
import gzip
import http.client as http_client
import json
import socket
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from kserve import InferenceRESTClient, RESTConfig

from serving.local import LocalServers
from silencio.bundle import Scorer
from tests.waiting import HANG_S

ROUTE = "/v1/models/silencio:predict"
Make = Callable[..., bytes]
Instance = Callable[[bytes], dict[str, object]]
Expected = Callable[..., Any]


@pytest.mark.parametrize("container", ["OGG", "WAV", "FLAC", "MP3"])
def test_predict__answer_equals_the_offline_scorer_exactly(
    http: httpx.Client, expected: Expected, recording: Make, v1_instance: Instance, container: str
) -> None:
    encoded = recording(7.0, container)
    answer = http.post(ROUTE, json={"instances": [v1_instance(encoded)], "parameters": {"top_k": "all"}})
    assert answer.status_code == 200
    assert answer.json()["predictions"] == [expected(encoded, "all")]


@pytest.mark.parametrize(("rate_hz", "n_channels"), [(8_000, 1), (22_050, 1), (44_100, 2), (48_000, 2)])
def test_predict__any_rate_and_channels(
    http: httpx.Client, expected: Expected, recording: Make, rate_hz: int, n_channels: int
) -> None:
    encoded = recording(6.0, "FLAC", rate_hz, n_channels)
    answer = http.post(ROUTE, content=encoded, headers={"Content-Type": "audio/flac"})
    assert answer.json()["predictions"] == [expected(encoded)]


def test_predict__more_windows_than_one_call_to_the_predictor_takes(
    http: httpx.Client, expected: Expected, recording: Make
) -> None:
    encoded = recording(61.0)
    answer = http.post(ROUTE, content=encoded, headers={"Content-Type": "audio/ogg"})
    windows = answer.json()["predictions"][0]["windows"]
    starts_s = [*(5.0 * i for i in range(12)), 56.0]
    assert [(one["start_s"], one["end_s"]) for one in windows] == [(start_s, start_s + 5.0) for start_s in starts_s]
    assert windows == expected(encoded)["windows"]


@pytest.mark.parametrize("rest_s", [0.001, 0.01, 0.05])
def test_predict__nothing_is_named_in_what_little_follows_a_full_window(
    http: httpx.Client, recording: Make, rest_s: float
) -> None:
    answer = http.post(ROUTE, content=recording(5.0 + rest_s, "WAV"), headers={"Content-Type": "audio/wav"})
    (prediction,) = answer.json()["predictions"]
    assert [one["start_s"] for one in prediction["windows"]] == [0.0, pytest.approx(rest_s, abs=1e-4)]
    assert [one["end_s"] for one in prediction["windows"]] == [5.0, pytest.approx(prediction["duration_s"])]
    assert all(one["end_s"] - one["start_s"] >= 5.0 - 1e-6 for one in prediction["detections"])


def test_predict__several_recordings_at_once_keep_their_order(
    http: httpx.Client, expected: Expected, recording: Make, v1_instance: Instance
) -> None:
    several = [recording(duration_s) for duration_s in (0.5, 12.0, 5.0)]
    answer = http.post(ROUTE, json={"instances": [v1_instance(one) for one in several]})
    assert answer.json()["predictions"] == [expected(one) for one in several]


def test_predict__answer_names_the_bundle(http: httpx.Client, scorer: Scorer, recording: Make) -> None:
    answer = http.post(ROUTE, content=recording(), headers={"Content-Type": "audio/ogg"})
    manifest = scorer.bundle.manifest
    assert answer.json()["bundle"] == {
        "name": "silencio",
        "version": manifest.version,
        "spec_sha256": manifest.spec_sha256,
        "f_min_hz": manifest.spec.f_min_hz,
        "f_max_hz": manifest.spec.f_max_hz,
    }


@pytest.mark.parametrize("top_k", [1, 3, 5, 500, "all"])
def test_predict__top_k(
    http: httpx.Client, scorer: Scorer, recording: Make, v1_instance: Instance, top_k: object
) -> None:
    body = {"instances": [v1_instance(recording())], "parameters": {"top_k": top_k}}
    species = http.post(ROUTE, json=body).json()["predictions"][0]["windows"][0]["species"]
    n_classes = len(scorer.bundle.manifest.classes)
    n_named = sum(one["passes_threshold"] for one in species)
    assert len(species) == (max(n_named, min(top_k, n_classes)) if isinstance(top_k, int) else n_classes)
    assert [one["probability"] for one in species] == sorted((one["probability"] for one in species), reverse=True)


@pytest.mark.parametrize("content_type", ["audio/ogg", "audio/x-wav", "Audio/MPEG; rate=32000", "application/ogg"])
def test_predict__raw_bytes_are_a_recording(
    http: httpx.Client, expected: Expected, recording: Make, content_type: str
) -> None:
    encoded = recording()
    answer = http.post(ROUTE, content=encoded, headers={"Content-Type": content_type})
    assert answer.json()["predictions"] == [expected(encoded)]


_NOBODYS_CHOICE = ["application/octet-stream", "binary/octet-stream", "application/x-www-form-urlencoded"]


@pytest.mark.parametrize("content_type", [None, "", *_NOBODYS_CHOICE])
@pytest.mark.parametrize("container", ["OGG", "WAV", "FLAC", "MP3"])
def test_predict__a_recording_that_nobody_named_is_one_by_its_first_bytes(
    http: httpx.Client, expected: Expected, recording: Make, content_type: str | None, container: str
) -> None:
    encoded = recording(5.0, container)
    headers = {} if content_type is None else {"Content-Type": content_type}
    answer = http.post(f"{ROUTE}?top_k=5", content=encoded, headers=headers)
    assert answer.json()["predictions"] == [expected(encoded)]


@pytest.mark.parametrize("packed", [gzip.compress, zlib.compress, lambda body: zlib.compress(body, wbits=-15)])
def test_predict__packed_bodies(
    http: httpx.Client, expected: Expected, recording: Make, v1_instance: Instance, packed: Callable[[bytes], bytes]
) -> None:
    encoded = recording(6.0, "WAV")
    coding = "gzip" if packed is gzip.compress else "deflate"
    as_json = json.dumps({"instances": [v1_instance(encoded)]}).encode()
    for content_type, body in (("audio/wav", encoded), ("application/json", as_json)):
        headers = {"Content-Type": content_type, "Content-Encoding": coding}
        answer = http.post(ROUTE, content=packed(body), headers=headers)
        assert answer.json()["predictions"] == [expected(encoded)]


def test_predict__a_packed_v2_body_and_one_without_content_type(
    http: httpx.Client, recording: Make, v1_instance: Instance
) -> None:
    b64 = v1_instance(recording())["audio"]["b64"]  # type: ignore[index]
    body = json.dumps({"inputs": [{"name": "audio", "datatype": "BYTES", "shape": [1], "data": [b64]}]}).encode()
    headers = {"Content-Type": "application/json"}
    answers = [
        http.post("/v2/models/silencio/infer", content=body, headers=headers),
        http.post("/v2/models/silencio/infer", content=body),
        http.post(
            "/v2/models/silencio/infer", content=gzip.compress(body), headers=headers | {"Content-Encoding": "gzip"}
        ),
    ]
    assert answers[0].status_code == 200
    assert answers[0].json()["outputs"] == answers[1].json()["outputs"] == answers[2].json()["outputs"]


def test_predict__an_offer_of_http2_is_passed_over(servers: LocalServers, expected: Expected, recording: Make) -> None:
    """As every JDK HttpClient makes it, with the recording in a segment of its own."""
    encoded, address = recording(), urlsplit(servers.url)
    head = (
        f"POST {ROUTE} HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nContent-Length: {len(encoded)}\r\nHost: x\r\n"
        "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\nUpgrade: h2c\r\nContent-Type: audio/ogg\r\n\r\n"
    )
    with socket.create_connection((address.hostname, address.port), timeout=HANG_S) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(head.encode())
        connection.sendall(encoded)
        answer = http_client.HTTPResponse(connection)
        answer.begin()
        assert answer.status == 200
        assert json.loads(answer.read())["predictions"] == [expected(encoded)]


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "text/plain;charset=UTF-8", *_NOBODYS_CHOICE, None],
)
def test_predict__json_under_its_usual_names(
    http: httpx.Client, recording: Make, v1_instance: Instance, content_type: str | None
) -> None:
    request = http.build_request("POST", ROUTE, json={"instances": [v1_instance(recording())]})
    request.headers.pop("Content-Type")
    if content_type:
        request.headers["Content-Type"] = content_type
    assert http.send(request).status_code == 200


def test_predict__base64_with_line_breaks(http: httpx.Client, expected: Expected, recording: Make) -> None:
    encoded = recording()
    body = {"instances": [{"audio": {"b64": base64.encodebytes(encoded).decode()}}]}
    assert http.post(ROUTE, json=body).json()["predictions"] == [expected(encoded)]


def test_predict__stock_kserve_client(
    servers: LocalServers, expected: Expected, recording: Make, v1_instance: Instance
) -> None:
    encoded = recording(6.0)

    async def call() -> Any:
        async with InferenceRESTClient(RESTConfig(protocol="v1", timeout=HANG_S)) as client:
            assert await client.is_server_live(servers.url)
            assert await client.is_model_ready(servers.url, "silencio")
            return await client.infer(servers.url, {"instances": [v1_instance(encoded)]}, model_name="silencio")

    assert asyncio.run(call())["predictions"] == [expected(encoded)]


def test_predict__sixteen_clients_at_once_get_their_own_answers(
    servers: LocalServers, expected: Expected, recording: Make
) -> None:
    several = [recording(1.0 + i) for i in range(16)]

    def call(encoded: bytes) -> Any:
        headers = {"Content-Type": "audio/ogg"}
        return httpx.post(servers.url + ROUTE, content=encoded, headers=headers, trust_env=False, timeout=HANG_S)

    with ThreadPoolExecutor(len(several)) as threads:
        answers = list(threads.map(call, several))
    assert [one.json()["predictions"] for one in answers] == [[expected(one)] for one in several]


def test_predict__health_is_answered_while_a_long_recording_is_worked_on(
    servers: LocalServers, http: httpx.Client, recording: Make
) -> None:
    encoded = recording(120.0, "FLAC")
    with ThreadPoolExecutor(1) as threads:
        headers = {"Content-Type": "audio/flac"}
        answer = threads.submit(http.post, ROUTE, content=encoded, headers=headers)
        while not answer.done():
            ready = httpx.get(servers.url + "/v2/health/ready", trust_env=False, timeout=HANG_S)
            assert ready.status_code == 200
    assert len(answer.result().json()["predictions"][0]["windows"]) == 24


def test_servers__carry_no_training_framework(servers: LocalServers) -> None:
    # The transformer runs no graph: it asks the predictor.
    for server, runs_graphs in ((servers.predictor, True), (servers.transformer, False)):
        loaded = Path(f"/proc/{server.process.pid}/maps").read_text()
        assert ("onnxruntime" in loaded) is runs_graphs
        assert not [name for name in ("libtorch", "lightning", "mlflow") if name in loaded]
