"""What a pod does before it tells the predictor to stop: whoever is connected is waited for, and nobody else."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from serving.predictor.before_stop import n_clients, wait_for_clients
from tests.waiting import HANG_S, until


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def _port(listening: socket.socket) -> int:
    return int(listening.getsockname()[1])


def test_predictor_without_clients__is_told_at_once(listening: socket.socket) -> None:
    assert wait_for_clients(_port(listening), HANG_S)
    command = [sys.executable, "-m", "serving.predictor.before_stop", f"--grpc_port={_port(listening)}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_client__is_waited_for_until_it_is_gone(listening: socket.socket) -> None:
    port = _port(listening)
    client = socket.create_connection(("127.0.0.1", port))
    taken, _ = listening.accept()
    with taken:
        until(lambda: n_clients(port) == 1)
        gone: list[bool] = []
        waiting = threading.Thread(target=lambda: gone.append(wait_for_clients(port, HANG_S)))
        waiting.start()
        assert gone == []
        client.close()
        taken.close()
        waiting.join()
    assert gone == [True]


def test_client__that_stays_is_waited_for_no_longer_than_servers_drain(listening: socket.socket) -> None:
    with socket.create_connection(("127.0.0.1", _port(listening))):
        taken, _ = listening.accept()
        with taken:
            assert not wait_for_clients(_port(listening), 0.0)


def test_client__of_another_port_is_none_of_its(listening: socket.socket) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, socket.create_connection(other.getsockname()):
        taken, _ = other.accept()
        with taken:
            assert wait_for_clients(_port(listening), HANG_S)
