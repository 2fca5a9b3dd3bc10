"""The servers' commands of docs/operating.md and docs/predict.md, typed as they stand there, and what then answers.

Ports are exchanged for free ones, and 0.0.0.0 for loopback: a test offers nothing to the network.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import serving
import silencio
from serving.access import Authenticator
from serving.access.certificate import refusal_at
from serving.access.tls import Tls
from serving.client import Client
from serving.settings import settings_of
from serving.settings.local import LocalSettings
from silencio.cli.entries import parse
from silencio.errors import ServingError
from silencio.network import free_ports
from tests.waiting import HANG_S, until

DOCS = Path(__file__).parents[2] / "docs"
PORTS = re.compile(r"\b80[89]\d\b")


def blocks(page: str, language: str) -> list[str]:
    """Fenced blocks of a page."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


def block(page: str, words: str, language: str = "sh") -> str:
    """The one block that has these words."""
    (found,) = (one for one in blocks(page, language) if words in one)
    return found


class Desk:
    """A folder as the documents think of it, and a shell in it."""

    def __init__(self, folder: Path, bundle: Path) -> None:
        self.folder = folder
        (folder / "out" / "reserve").mkdir(parents=True)
        (folder / "out" / "reserve" / "bundle").symlink_to(bundle)
        (folder / ".venv-serving").symlink_to(sys.prefix)
        roots = (str(Path(package.__path__[0]).parent) for package in (serving, silencio))
        # As `source .venv-serving/bin/activate` leaves it.
        path = f"{sys.prefix}/bin{os.pathsep}{os.environ['PATH']}"
        self.environment = os.environ | {"PATH": path, "PYTHONPATH": os.pathsep.join(roots), "NO_PROXY": "*"}
        self._ports: dict[str, int] = {}
        self.started: list[subprocess.Popen[str]] = []

    def port(self, documented: str) -> int:
        """A free one, the same wherever a document has this number."""
        if documented not in self._ports:
            self._ports[documented] = free_ports(1)[0]
        return self._ports[documented]

    def typed(self, text: str) -> str:
        """As it is typed here."""
        return PORTS.sub(lambda found: str(self.port(found[0])), text).replace("0.0.0.0", "127.0.0.1")

    def run(self, command: str) -> str:
        done = subprocess.run(
            ["sh", "-c", self.typed(command)], cwd=self.folder, env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, (command, done)
        return done.stdout

    def start(self, command: str) -> subprocess.Popen[str]:
        """In a terminal of its own."""
        log = (self.folder / f"log-{len(list(self.folder.glob('log-*')))}").open("w+")
        words = ["sh", "-c", f"exec {self.typed(command)}"]
        started = subprocess.Popen(words, cwd=self.folder, env=self.environment, stdout=log, stderr=log, text=True)
        self.started.append(started)
        return started

    def logs(self) -> str:
        return "\n".join(one.read_text() for one in sorted(self.folder.glob("log-*")))

    def stop(self, process: subprocess.Popen[str]) -> None:
        process.send_signal(signal.SIGTERM)
        process.wait(HANG_S)
        self.started.remove(process)

    def stop_all(self) -> None:
        for process in reversed(list(self.started)):
            self.stop(process)


@pytest.fixture
def desk(tmp_path: Path, bundle_directory: Path, recording: Callable[..., bytes]) -> Iterator[Desk]:
    one = Desk(tmp_path, bundle_directory)
    (tmp_path / "dawn.ogg").write_bytes(recording(7.0))
    yield one
    one.stop_all()


def _answers(desk: Desk, client: Client) -> bool:
    """Whether it does by now; a server that ended never will."""
    assert all(process.poll() is None for process in desk.started), desk.logs()
    try:
        return client.predict((desk.folder / "dawn.ogg").read_bytes()).duration_s == 7.0
    except ServingError:
        return False


def _printed_by(desk: Desk, program: str) -> list[str]:
    (desk.folder / "ask.py").write_text(desk.typed(program))
    return desk.run(".venv-serving/bin/python ask.py").splitlines()


@pytest.mark.docs
def test_predict_page__examples_ask_what_serve_started_and_read_the_answer_to_its_end(desk: Desk) -> None:
    desk.start(block("predict.md", "silencio serve"))
    with Client(f"http://127.0.0.1:{desk.port('8080')}") as client:
        until(lambda: _answers(desk, client), desk.logs)
        expected = client.predict((desk.folder / "dawn.ogg").read_bytes())
    reported = _printed_by(desk, blocks("predict.md", "python")[0])
    assert reported[:-2] == [
        f"{one.start_s:g} to {one.end_s:g} s: {one.common_name}, {one.probability:.2f}" for one in expected.detections
    ]
    assert len(reported) > 2
    assert reported[-2].startswith(f"probabilities of every window and species: ({len(expected.windows)}, ")
    assert reported[-1] == f"by bundle {expected.bundle_version}"
    # The client of ours says the same of the detections.
    assert _printed_by(desk, block("predict.md", "serving.client", "python")) == reported[:-2]


def _with_lines(program: str, others: str) -> str:
    """A program in which lines that begin as other ones do are exchanged for these."""
    for line in others.splitlines():
        start = line[: line.index("Client(" if "Client(" in line else "infer(")]
        (former,) = (one for one in program.splitlines() if one.startswith(start))
        program = program.replace(former, line)
    return program


@pytest.mark.docs
def test_operating_page__both_servers_by_themselves_in_clear_and_with_keys_and_tls(desk: Desk) -> None:
    program, secured = blocks("predict.md", "python")[:2]
    desk.start(block("operating.md", "-m serving.predictor"))
    in_clear, with_tls = (one for one in blocks("operating.md", "sh") if "-m serving.transformer" in one)
    transformer = desk.start(in_clear)
    with Client(f"http://127.0.0.1:{desk.port('8080')}") as client:
        until(lambda: _answers(desk, client), desk.logs)
    assert _printed_by(desk, program)[-1].startswith("by bundle ")
    desk.stop(transformer)

    desk.run(block("operating.md", "openssl"))
    key = desk.environment["SILENCIO_API_KEY"] = desk.run(block("operating.md", "silencio keys new")).strip()
    desk.start(with_tls)
    url = f"https://localhost:{desk.port('8080')}"
    with Client(url, api_key=key, cacert=desk.folder / "tls.crt") as client:
        until(lambda: _answers(desk, client), desk.logs)
    predict = f"silencio predict dawn.ogg --format json --url {url} --cacert tls.crt"
    assert json.loads(desk.run(predict))["duration_s"] == 7.0
    assert _printed_by(desk, _with_lines(program, secured))[-1].startswith("by bundle ")


@pytest.mark.parametrize("page", ["operating.md", "page.md"])
def test_pages__serve_is_started_by_options_that_it_has(page: str) -> None:
    """That they do as they say, `test_up_command` shows."""
    commands = [line for one in blocks(page, "sh") for line in one.splitlines() if "silencio serve" in line]
    assert len(commands) == 2
    for command in commands:
        assert settings_of(LocalSettings, parse(command.split()[1:])).bundle == Path("out/reserve/bundle")


def test_page_page__a_phone_gets_a_certificate_for_the_address_and_a_key(desk: Desk) -> None:
    prepared, _, last = block("page.md", "openssl").rpartition("silencio serve")
    key = desk.run(prepared).strip()
    options = settings_of(LocalSettings, parse(["serve", *last.split()]))
    assert options.tls_cert is not None and options.tls_key is not None and options.keys is not None
    tls = Tls(desk.folder / options.tls_cert, desk.folder / options.tls_key)
    assert [refusal_at(tls, host) for host in ("192.168.1.20", "localhost", "127.0.0.1")] == [""] * 3
    Authenticator(desk.folder / options.keys).authenticate(f"Bearer {key}", None)
    assert options.host == "0.0.0.0"
