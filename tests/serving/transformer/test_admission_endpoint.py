"""What is too long is refused before it is decoded, by every way in; what is long waits for what is short."""

from __future__ import annotations

import asyncio
import io
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import grpc
import httpx
import numpy as np
import psutil
import pytest
import soundfile
from kserve import InferenceGRPCClient, InferInput, InferRequest
from prometheus_client.parser import text_string_to_metric_families

from serving.local import LocalServers, local_servers
from tests.recorder_files import with_first_flac_frame_again, with_last_ogg_position_alone
from tests.serving.trap import TRAP_HZ, Trap, set_trap
from tests.waiting import HANG_S, until

ROUTE = "/v1/models/silencio:predict"
Make = Callable[..., bytes]
Instance = Callable[[bytes], dict[str, object]]
TOGETHER = "the recordings are longer than 600 s together, the most that one request takes; send fewer at once"


@pytest.fixture(scope="module")
def trap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trap]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SILENCIO_PREDICTOR_DEADLINE_S", str(round(HANG_S)))
        yield set_trap(tmp_path_factory.mktemp("trap"), patch)


@pytest.fixture(scope="module")
def trapped(bundle_directory: Path, trap: Trap) -> Iterator[LocalServers]:
    """With one decoder for short recordings and one for long ones, each of which stops at a recording of a trap's rate,
    and little room for what they find: for two of ten minutes."""
    options = ["--decoders", "1", "--max_feature_bytes", "1"]
    with local_servers(bundle_directory, start_timeout_s=HANG_S, transformer_options=options) as servers:
        yield servers
        trap.disarm()


def _silent(duration_s: float, rate_hz: int = TRAP_HZ, container: str = "FLAC") -> bytes:
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", rate_hz, 1, format=container) as sound:
        for _ in range(round(duration_s * 10)):
            sound.write(np.zeros(rate_hz // 10))
    return file.getvalue()


def _post(servers: LocalServers, content: object = None, query: str = "", **more: object) -> httpx.Response:
    return httpx.post(servers.url + ROUTE + query, content=content, trust_env=False, timeout=HANG_S, **more)  # type: ignore[arg-type]


def _upload(servers: LocalServers, encoded: bytes, query: str = "") -> httpx.Response:
    return _post(servers, encoded, query, headers={"Content-Type": "audio/flac"})


def _infer(servers: LocalServers, *recordings: bytes) -> tuple[grpc.StatusCode, str]:
    audio = InferInput("audio", [len(recordings)], "BYTES")
    audio.set_data_from_numpy(np.array(recordings, object), binary_data=True)

    async def send() -> tuple[grpc.StatusCode, str]:
        async with InferenceGRPCClient(servers.grpc_address, timeout=HANG_S) as client:
            try:
                await client.infer(InferRequest("silencio", [audio]))
            except grpc.aio.AioRpcError as error:
                return error.code(), error.details() or ""
        return grpc.StatusCode.OK, ""

    return asyncio.run(send())


def _metric(servers: LocalServers, name: str, **labels: str) -> float:
    text = httpx.get(f"{servers.url}/metrics", trust_env=False, timeout=HANG_S).text
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return sample.value
    raise AssertionError(f"{name} {labels} is not in\n{text}")


def test_too_long__is_refused_before_any_decoder_opens_it(
    trapped: LocalServers, trap: Trap, v1_instance: Instance
) -> None:
    """64 silent recordings of ten minutes in a few megabytes: half an hour of work and gigabytes of features."""
    recordings = [_silent(600.0)] * 64
    n_refused = _metric(trapped, "silencio_decode_failures_total", kind="too_long")
    body = {"instances": [v1_instance(one) for one in recordings]}
    encoded = httpx.Request("POST", "http://x", json=body).content

    def pieces() -> Iterator[bytes]:
        for at in range(0, len(encoded), 50_000):
            yield encoded[at : at + 50_000]

    for answer in (_post(trapped, json=body), _post(trapped, pieces(), headers={"Content-Type": "application/json"})):
        assert (answer.status_code, answer.json()["error"]) == (400, f"instances: {TOGETHER}")
    assert _infer(trapped, *recordings) == (grpc.StatusCode.INVALID_ARGUMENT, f"inputs.audio: {TOGETHER}")
    one = _upload(trapped, _silent(601.0))
    assert one.json()["error"] == "body: the audio is longer than 600 s, the most that is taken"
    assert trap.caught == []
    assert _metric(trapped, "silencio_decode_failures_total", kind="too_long") == n_refused + 4
    assert _metric(trapped, "silencio_feature_bytes") == 0


def test_too_long__headers_that_lie_are_found_out_by_what_is_decoded(
    servers: LocalServers, v1_instance: Instance, recording: Make
) -> None:
    flac = with_first_flac_frame_again(_silent(600.0, 32_000))
    ogg = with_last_ogg_position_alone(_silent(400.0, 32_000, "OGG"))
    for recordings in ([flac] * 64, [recording(), ogg, flac]):
        answer = _post(servers, json={"instances": [v1_instance(one) for one in recordings]})
        assert answer.status_code == 400
        assert answer.json()["error"] == f"instances: {TOGETHER}"
    assert _metric(servers, "silencio_feature_bytes") == 0
    # One that lies and is not too long is an honest one with a broken header.
    answer = _upload(servers, ogg)
    assert answer.status_code == 200
    assert answer.json()["predictions"][0]["duration_s"] == 400.0
    assert len(answer.json()["predictions"][0]["windows"]) == 80


def test_long__by_seconds_and_not_by_bytes_waits_for_no_short_one(
    trapped: LocalServers, trap: Trap, recording: Make
) -> None:
    """Ten minutes of a few kilobytes stand still in their decoder, and more of them wait: five seconds are answered."""
    trap.rearm()
    low_bitrate = _silent(120.0)
    assert len(low_bitrate) < 1 << 16
    with ThreadPoolExecutor(3) as threads:
        long = [threads.submit(_upload, trapped, low_bitrate) for _ in range(3)]
        pid = trap.wait(trapped.transformer.last_lines)
        assert _upload(trapped, recording(5.0, "WAV")).status_code == 200
        assert not any(one.done() for one in long)
        trap.let_go(pid)
        assert [one.result().status_code for one in long] == [200] * 3


def test_feature_memory__what_does_not_fit_waits_and_more_is_503(trapped: LocalServers, recording: Make) -> None:
    """The predictor stands still: nobody's features are given back.

    Recordings end a second or two before a window does: what is decoded needs no window less than what was asked for.
    """
    servers = trapped
    long, less_long = _silent(588.0, 8_000), _silent(178.0, 8_000)
    with ThreadPoolExecutor(16) as threads:
        limit = _metric(servers, "silencio_feature_bytes_limit")
        text = "--max_feature_bytes 1 is less than one request may need"
        assert text in servers.transformer.log.read_text()
        predictor = psutil.Process(servers.predictor.process.pid)
        predictor.suspend()
        try:
            asking = [threads.submit(_upload, servers, long) for _ in range(3)]
            until(lambda: _metric(servers, "silencio_feature_waiting_requests") == 1, servers.transformer.last_lines)
            assert limit / 2 < _metric(servers, "silencio_feature_bytes") <= limit
            # What does not fit beside the two waits behind the first that waits, until eight do.
            asking += [threads.submit(_upload, servers, less_long) for _ in range(10)]
            until(lambda: sum(one.done() for one in asking) == 3, servers.transformer.last_lines)
            refused = [one.result() for one in asking if one.done()]
            assert {(one.status_code, one.json()["error"]) for one in refused} == {
                (503, "8 requests that are long, or of priority batch, wait already for room; try again")
            }
            assert all(int(one.headers["Retry-After"]) >= 1 for one in refused)
            # What is short passes where there is room, and interactive requests have an eighth to themselves.
            for query in ("?priority=batch", ""):
                n_bytes = _metric(servers, "silencio_feature_bytes")
                asking.append(threads.submit(_upload, servers, recording(4.0), query))
                until(lambda n=n_bytes: _metric(servers, "silencio_feature_bytes") > n, servers.transformer.last_lines)
            assert _metric(servers, "silencio_feature_waiting_requests") == 8
        finally:
            predictor.resume()
        assert sorted(one.result().status_code for one in asking) == [200] * 12 + [503] * 3
        assert _metric(servers, "silencio_feature_bytes") == 0


def test_disconnect__of_a_client_over_grpc_gives_everything_back(trapped: LocalServers, trap: Trap) -> None:
    """It leaves while its recording stands still in its decoder."""
    trap.rearm()
    audio = InferInput("audio", [1], "BYTES")
    audio.set_data_from_numpy(np.array([_silent(590.0)], object), binary_data=True)

    async def send() -> int:
        async with InferenceGRPCClient(trapped.grpc_address, timeout=HANG_S) as client:
            asking = asyncio.create_task(client.infer(InferRequest("silencio", [audio])))
            pid = await asyncio.to_thread(trap.wait, trapped.transformer.last_lines)
            assert await asyncio.to_thread(_metric, trapped, "silencio_feature_bytes") > 0
            asking.cancel()
            await asyncio.wait([asking])
            assert asking.cancelled()
        return pid

    _gives_back_what_it_held(trapped, asyncio.run(send()))


def test_disconnect__of_a_client_over_rest_ends_the_work_for_it(trapped: LocalServers, trap: Trap) -> None:
    trap.rearm()
    n_left = _n_left(trapped)
    address = urlsplit(trapped.url)
    encoded = _silent(590.0)
    with socket.create_connection((address.hostname, address.port), timeout=HANG_S) as connection:
        head = f"POST {ROUTE} HTTP/1.1\r\nHost: x\r\nContent-Type: audio/flac\r\nContent-Length: {len(encoded)}\r\n\r\n"
        connection.sendall(head.encode() + encoded)
        pid = trap.wait(trapped.transformer.last_lines)
        assert _metric(trapped, "silencio_feature_bytes") > 0
    until(lambda: _n_left(trapped) == n_left + 1, trapped.transformer.last_lines)
    _gives_back_what_it_held(trapped, pid)
    assert "the client went away" in trapped.transformer.last_lines()


def _gives_back_what_it_held(servers: LocalServers, pid: int) -> None:
    until(lambda: _metric(servers, "silencio_feature_bytes") == 0, servers.transformer.last_lines)
    # Nobody has let it go: it ended with the request.
    until(lambda: not psutil.pid_exists(pid), servers.transformer.last_lines)


def _n_left(servers: LocalServers) -> float:
    """Clients that left."""
    return _metric(servers, "silencio_requests_total", route="/v1/models/{name}:predict", status="499")
