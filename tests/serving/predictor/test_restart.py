"""The predictor is killed under load and started again: clients see 503 for that time and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from serving.local import local_servers
from serving.local.server_process import ServerProcess
from tests.waiting import HANG_S, until

ROUTE = "/v1/models/silencio:predict"
N_CLIENTS = 4


class Crowd:
    """Clients that ask one recording after another, each on a connection of its own, until they are told to stop.

    Attributes:
        answers: The status of each answer and its `Retry-After`, as they came.
        failures: What was no answer at all.
    """

    def __init__(self, url: str, recordings: list[bytes]) -> None:
        self.answers: list[tuple[int, str | None]] = []
        self.failures: list[str] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(url, one)) for one in recordings]

    def __enter__(self) -> Crowd:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send(self, url: str, encoded: bytes) -> None:
        with httpx.Client(base_url=url, trust_env=False, timeout=HANG_S) as client:
            while not self._stop.is_set():
                try:
                    answer = client.post(ROUTE, content=encoded, headers={"Content-Type": "audio/ogg"})
                except httpx.TransportError as error:
                    self.failures.append(repr(error))
                    continue
                self.answers.append((answer.status_code, answer.headers.get("Retry-After")))

    def wait_for(self, status: int, n_answers: int) -> None:
        """Until so many further answers have this status."""
        n_before = len(self.answers)
        until(
            lambda: sum(answer[0] == status for answer in self.answers[n_before:]) >= n_answers,
            lambda: self.answers[-20:],
        )


@pytest.mark.soak
def test_predictor__killed_under_load_and_started_again_is_503_for_that_time_and_nothing_else(
    bundle_directory: Path, recording: Callable[..., bytes], tmp_path: Path
) -> None:
    # The last one is batch work of more than one call.
    recordings = [recording(duration_s) for duration_s in (1.0, 5.0, 12.0, 65.0)]
    assert len(recordings) == N_CLIENTS
    with (
        local_servers(bundle_directory, start_timeout_s=HANG_S) as servers,
        ExitStack() as stack,
        Crowd(servers.url, recordings) as crowd,
    ):
        crowd.wait_for(200, 12)
        before = list(crowd.answers)
        servers.predictor.process.kill()
        servers.predictor.process.wait()
        crowd.wait_for(503, 12)

        arguments = servers.predictor.process.args
        assert isinstance(arguments, list)
        log = tmp_path / "predictor.log"
        again = ServerProcess.start("serving.predictor", arguments[3:-1], servers.predictor.url, log)
        # In this order, after the clients have gone.
        stack.callback(again.stop)
        until(lambda: again.exit_code() is not None or again.readiness().ready, again.last_lines)
        assert again.exit_code() is None, again.last_lines()
        crowd.wait_for(200, 12)

    assert crowd.failures == []
    assert {status for status, _ in crowd.answers} == {200, 503}
    assert all(retry_after for status, retry_after in crowd.answers if status == 503)
    assert {status for status, _ in before} == {200}
