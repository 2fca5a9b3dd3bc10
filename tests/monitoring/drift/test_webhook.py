"""Actions sent to a receiver that is away, busy, or refuses."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from monitoring.drift.actions import ActionPolicy, due_actions, keep_actions, undelivered_actions
from monitoring.drift.webhook import SIGNATURE_HEADER, Webhook, deliver
from silencio.errors import ServingError
from silencio.network import free_ports
from tests.monitoring.drift.made_documents import DAY, MADE_AT, cause, made_document, site

SECRET = b"shared"


@dataclass
class Receiver:
    """One that answers by these statuses in turn, then by 204."""

    url: str
    statuses: list[int] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            found.headers.append(dict(self.headers))
            self.send_response(found.statuses.pop(0) if found.statuses else 204)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Receiver(f"http://127.0.0.1:{server.server_port}/hook")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def kept(tmp_path: Path) -> str:
    """A place with two actions."""
    for number, name in enumerate(("north", "south")):
        document = made_document(site(name, causes=(cause(since=DAY),)))
        keep_actions(str(tmp_path), due_actions(document, "u", ActionPolicy(), MADE_AT + timedelta(hours=number)))
    return str(tmp_path)


def at_once(url: str, max_elapsed_s: float = 0.0) -> Webhook:
    return Webhook(url, SECRET, max_elapsed_s=max_elapsed_s)


def test_delivery__each_once_the_oldest_first_and_signed(receiver: Receiver, kept: str) -> None:
    assert deliver(kept, at_once(receiver.url)).n_taken == 2
    assert deliver(kept, at_once(receiver.url)).n_taken == 0
    rows = [json.loads(body) for body in receiver.bodies]
    assert [row["site"] for row in rows] == ["north", "south"]
    assert [headers["Idempotency-Key"] for headers in receiver.headers] == [row["id"] for row in rows]
    digest = hmac.new(SECRET, receiver.bodies[0], hashlib.sha256).hexdigest()
    assert receiver.headers[0][SIGNATURE_HEADER] == f"sha256={digest}"


def test_delivery__without_a_secret_has_no_signature(receiver: Receiver, kept: str) -> None:
    deliver(kept, Webhook(receiver.url))
    assert SIGNATURE_HEADER not in receiver.headers[0]


def test_receiver__that_is_away_loses_nothing(kept: str) -> None:
    (port,) = free_ports(1)
    found = deliver(kept, at_once(f"http://127.0.0.1:{port}/hook?token=secret"))
    assert (found.n_taken, found.n_waiting) == (0, 2)
    assert "127.0.0.1 does not answer" in found.reason and "secret" not in found.reason


def test_receiver__that_was_away_gets_all_at_the_next_run(receiver: Receiver, kept: str) -> None:
    receiver.statuses = [503]
    first = deliver(kept, at_once(receiver.url))
    # With a receiver that is busy nothing more is tried.
    assert (first.n_taken, first.n_waiting, len(receiver.bodies)) == (0, 2, 1)
    assert "answers 503" in first.reason
    assert deliver(kept, at_once(receiver.url)).n_taken == 2


def test_receiver__that_is_busy_for_a_moment_gets_it_in_the_same_run(receiver: Receiver, kept: str) -> None:
    receiver.statuses = [503]
    assert deliver(kept, at_once(receiver.url, max_elapsed_s=60)).n_taken == 2
    assert receiver.bodies[0] == receiver.bodies[1]


def test_receiver__that_refuses_one_gets_the_next(receiver: Receiver, kept: str) -> None:
    receiver.statuses = [422]
    found = deliver(kept, at_once(receiver.url, max_elapsed_s=60))
    assert (found.n_taken, found.n_waiting) == (1, 1) and "refuses with 422" in found.reason
    assert [one.site for one in undelivered_actions(kept, receiver.url)] == ["north"]


@pytest.mark.parametrize("status", [301, 400, 401, 404])
def test_receiver__other_statuses_are_not_tried_again(receiver: Receiver, kept: str, status: int) -> None:
    receiver.statuses = [status, status]
    assert deliver(kept, at_once(receiver.url, max_elapsed_s=60)).n_waiting == 2
    assert len(receiver.bodies) == 2


def test_address__that_is_none_is_refused(kept: str) -> None:
    with pytest.raises(ServingError, match="no address"):
        deliver(kept, at_once("hooks.example.org"))
