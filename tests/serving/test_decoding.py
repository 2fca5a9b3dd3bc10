"""A file that crashes the decoder costs its own request; whoever stops the server stops the decoders."""

from __future__ import annotations

import io
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest
import soundfile

from serving.local import LocalServers, local_servers

ROUTE = "/v1/models/silencio:predict"
Make = Callable[..., bytes]


@pytest.fixture
def own_servers(bundle_directory: Path) -> Iterator[LocalServers]:
    with local_servers(bundle_directory) as servers:
        yield servers


@pytest.fixture(scope="module")
def slow_to_decode() -> bytes:
    """A minute of noise at a bat recorder's rate, in 24 bits: half a second of work for a decoder."""
    file = io.BytesIO()
    noise = 0.1 * np.random.default_rng(0).standard_normal(192_000)
    with soundfile.SoundFile(file, "w", 192_000, 1, format="FLAC", subtype="PCM_24") as sound:
        for _ in range(60):
            sound.write(noise)
    return file.getvalue()


def _decoders(servers: LocalServers) -> list[psutil.Process]:
    """What the transformer's fork server forked."""
    transformer = psutil.Process(servers.transformer.process.pid)
    return [one for one in transformer.children(recursive=True) if one.ppid() != transformer.pid]


def _kill_at_work(servers: LocalServers, seconds: dict[int, float]) -> None:
    """Kill the first decoder that has worked a while since `seconds` were taken.

    It takes a tenth of a second to read what it is to decode: killed until then, another one does its work.
    """
    while True:
        for one in _decoders(servers):
            if _worked_s(one) > seconds.get(one.pid, 0.0) + 0.3:
                one.send_signal(signal.SIGSEGV)
                return
        time.sleep(0.005)


def _worked_s(process: psutil.Process) -> float:
    return float(sum(process.cpu_times()[:2]))


def _post(servers: LocalServers, encoded: bytes) -> httpx.Response:
    headers = {"Content-Type": "audio/flac"}
    return httpx.post(servers.url + ROUTE, content=encoded, headers=headers, trust_env=False, timeout=60)


def test_decoder__its_death_is_one_4xx_and_nobody_elses(
    own_servers: LocalServers, recording: Make, slow_to_decode: bytes
) -> None:
    with ThreadPoolExecutor(8) as threads:
        for _ in range(5):
            seconds = {one.pid: _worked_s(one) for one in _decoders(own_servers)}
            lost = threads.submit(_post, own_servers, slow_to_decode)
            _kill_at_work(own_servers, seconds)
            others = [threads.submit(_post, own_servers, recording()) for _ in range(6)]
            assert [one.result().status_code for one in others] == [200] * 6
            if lost.result().status_code != 200:
                break  # else it was killed too soon or too late, as happens on a busy machine
        assert lost.result().status_code == 400
        assert lost.result().json()["error"] == "body: the decoder crashed on this file"
    # Replaced: the next one is decoded.
    assert _post(own_servers, recording(70.0, "FLAC")).status_code == 200


@pytest.mark.parametrize("wait_s", [0.0, 1.0])
def test_decoder__killed_while_it_waits_costs_nobody(own_servers: LocalServers, recording: Make, wait_s: float) -> None:
    # As a host does that is short of memory.
    for one in _decoders(own_servers):
        one.kill()
    time.sleep(wait_s)
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: _post(own_servers, recording()), range(8)))
    assert [one.status_code for one in answers] == [200] * 8


def test_decoders__end_with_a_server_that_was_killed(own_servers: LocalServers) -> None:
    processes = psutil.Process(own_servers.transformer.process.pid).children(recursive=True)
    assert len(processes) >= 3
    own_servers.transformer.process.kill()
    _, alive = psutil.wait_procs(processes, timeout=10)
    assert not alive
