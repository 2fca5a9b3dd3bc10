"""A file that crashes the decoder costs its own request; whoever stops the server stops the decoders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest

from serving.local import LocalServers, local_servers
from tests.serving.trap import TRAP_HZ, Trap, set_trap
from tests.waiting import HANG_S

ROUTE = "/v1/models/silencio:predict"
Make = Callable[..., bytes]


@pytest.fixture(scope="module")
def trap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trap]:
    with pytest.MonkeyPatch.context() as patch:
        yield set_trap(tmp_path_factory.mktemp("trap"), patch)


@pytest.fixture(scope="module")
def own_servers(bundle_directory: Path, trap: Trap) -> Iterator[LocalServers]:
    """Whose decoders may be killed: others take their places."""
    with local_servers(bundle_directory, start_timeout_s=HANG_S) as servers:
        yield servers


def _decoders(servers: LocalServers) -> list[psutil.Process]:
    """What the transformer's fork server forked."""
    transformer = psutil.Process(servers.transformer.process.pid)
    return [one for one in transformer.children(recursive=True) if one.ppid() != transformer.pid]


def _post(servers: LocalServers, encoded: bytes) -> httpx.Response:
    headers = {"Content-Type": "audio/flac"}
    return httpx.post(servers.url + ROUTE, content=encoded, headers=headers, trust_env=False, timeout=HANG_S)


def _ready(servers: LocalServers) -> int:
    return httpx.get(f"{servers.url}/v2/health/ready", trust_env=False, timeout=HANG_S).status_code


def test_decoder__its_death_is_one_4xx_and_nobody_elses(trap: Trap, own_servers: LocalServers, recording: Make) -> None:
    with ThreadPoolExecutor(8) as threads:
        lost = threads.submit(_post, own_servers, recording(1.0, "WAV", TRAP_HZ))
        victim = trap.wait(own_servers.transformer.last_lines)
        assert _ready(own_servers) == 200
        # With one decoder all of these wait behind it; with more they do not.
        others = [threads.submit(_post, own_servers, recording()) for _ in range(6)]
        trap.kill(victim)
        assert [one.result().status_code for one in others] == [200] * 6
    assert lost.result().status_code == 400
    assert lost.result().json()["error"] == "body: the decoder crashed on this file"
    # It was handed to one decoder, not to one after the other.
    assert trap.caught == [victim]
    # Replaced: the next one is decoded.
    assert _post(own_servers, recording(70.0, "FLAC")).status_code == 200


def _at_once(servers: LocalServers) -> None:
    for one in _decoders(servers):
        one.kill()


def _and_seen_to_be_gone(servers: LocalServers) -> None:
    decoders = _decoders(servers)
    _at_once(servers)
    psutil.wait_procs(decoders, timeout=HANG_S)


@pytest.mark.parametrize("killed", [_at_once, _and_seen_to_be_gone])
def test_decoder__killed_while_it_waits_costs_nobody(
    own_servers: LocalServers, recording: Make, killed: Callable[[LocalServers], None]
) -> None:
    # As a host does that is short of memory.
    killed(own_servers)
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: _post(own_servers, recording()), range(8)))
    assert [one.status_code for one in answers] == [200] * 8


@pytest.mark.survival
def test_decoders__end_with_a_server_that_was_killed(bundle_directory: Path) -> None:
    with local_servers(bundle_directory, start_timeout_s=HANG_S) as servers:
        processes = psutil.Process(servers.transformer.process.pid).children(recursive=True)
        assert len(processes) >= 3
        servers.transformer.process.kill()
        _, alive = psutil.wait_procs(processes, timeout=HANG_S)
        assert not alive
