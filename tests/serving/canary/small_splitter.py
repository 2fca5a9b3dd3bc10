"""A real HAProxy, as `silencio serve --canary` configures it, before two arms that answer as a test wants."""

from __future__ import annotations

import contextlib
import functools
import re
import shutil
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

import serving.canary
from serving.canary.haproxy_config import CERTIFICATE, CONFIG, UNITS, ArmAddresses, Frontend, haproxy_config
from serving.canary.haproxy_route import HAProxyRoute
from serving.canary.haproxy_socket import RuntimeSocket
from serving.canary.interfaces import ARMS, ArmName
from serving.canary.one_machine_state import ArmState, MachineState, sha256_hex
from serving.canary.one_machine_tools import Programs
from serving.canary.share_map import write_share_map
from silencio.errors import RouteError, ServingError
from silencio.network import free_ports
from silencio.release.record import BundleIdentity, ReleaseRecord
from tests.waiting import HANG_S, until

PREDICT = "/v1/models/silencio:predict"


@functools.cache
def programs() -> Programs | None:
    try:
        return Programs.find()
    except ServingError:
        return None


needs_splitter = pytest.mark.skipif(programs() is None, reason="no HAProxy or Prometheus: scripts/install_splitter.sh")


def identity(version: str) -> BundleIdentity:
    return BundleIdentity(version=version, manifest_sha256=sha256_hex(version.encode()), place=f"/bundles/{version}")


def release(release_id: str = "r1") -> ReleaseRecord:
    champion, challenger = identity("12"), identity("13")
    began_at = "2026-11-30T07:00:00Z"
    return ReleaseRecord(release_id=release_id, champion=champion, challenger=challenger, policy={}, began_at=began_at)


class SmallArm:
    """A server that is ready, and answers predict requests by what `answer` says: a status, or `cut`.

    Attributes:
        answer: What it answers; `cut`: nothing to what it has read; `reset`: it reads nothing, as one that is killed;
            `broken`: a part of an answer.
        headers: Further headers of its answers.
        seen: Headers of each predict request, in small letters.
        ports: The proxy's port of each predict request: one a connection.
    """

    def __init__(self) -> None:
        self.answer: int | str = 200
        self.headers: dict[str, str] = {}
        self.seen: list[dict[str, str]] = []
        self.ports: list[int] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Handler, self))
        self._server.daemon_threads = True
        self._server.handle_error = lambda *given: None  # type: ignore[method-assign]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.is_stopped = False

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def stop(self) -> None:
        if not self.is_stopped:
            self.is_stopped = True
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body at once: written one by one, the second waits for the first's acknowledgement.
    wbufsize = -1

    def __init__(self, arm: SmallArm, *given: object) -> None:
        self._arm = arm
        super().__init__(*given)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self._write(200)

    def do_POST(self) -> None:
        if self._arm.answer == "reset":
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            return
        self.rfile.read(int(self.headers.get("content-length", 0)))
        if self._arm.answer == "broken":
            self.send_response(200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.flush()
        self._arm.seen.append({name.lower(): value for name, value in self.headers.items()})
        self._arm.ports.append(self.client_address[1])
        if isinstance(self._arm.answer, int):
            self._write(self._arm.answer)
        else:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

    def _write(self, status: int) -> None:
        self.send_response(status)
        self.send_header("content-length", "2")
        for name, value in self._arm.headers.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # HAProxy closes a check when it has its status
            self.wfile.write(b"{}")
            self.wfile.flush()

    def log_message(self, *given: object) -> None:
        pass


@dataclass
class SmallSplitter:
    """HAProxy that runs, and what a test does with it."""

    folder: Path
    url: str
    metrics_url: str
    arms: dict[ArmName, SmallArm]
    process: subprocess.Popen[bytes] | None = None
    socket: RuntimeSocket = field(init=False)
    route: HAProxyRoute = field(init=False)

    def __post_init__(self) -> None:
        self.socket = RuntimeSocket(self.folder)
        self.route = HAProxyRoute(self.folder, arm_timeout_s=HANG_S)

    def start(self) -> None:
        found = programs()
        assert found is not None
        with (self.folder / "haproxy.log").open("wb") as log:
            command = [found.haproxy, "-db", "-f", CONFIG]
            self.process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)
        until(self._answers, lambda: (self.folder / "haproxy.log").read_text())
        for arm in ARMS:
            self.socket.set_server(arm, "ready")
            until(lambda: self.socket.servers()[arm].is_up)  # noqa: B023

    def _answers(self) -> bool:
        try:
            return bool(self.socket.show_map())
        except RouteError:
            return False

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(HANG_S)
            self.process = None

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, trust_env=False, timeout=HANG_S)

    def share(self, percent: float) -> None:
        self.route.set_share(percent, expected_generation=self.route.state().generation)

    def counted(self, arm: ArmName, traffic: str = "visitors") -> dict[str, int]:
        text = httpx.get(f"{self.metrics_url}/units", trust_env=False, timeout=HANG_S).text
        line = rf'^silencio_proxy_(\w+)_total{{arm="{arm}",traffic="{traffic}"}} (\d+)$'
        return {name: int(value) for name, value in re.findall(line, text, re.M) if value != "0"}


def arms_of(client: httpx.Client, sessions: list[str]) -> list[str]:
    """The arm that answers each session."""
    return [
        client.post(PREDICT, content=b"{}", headers={"X-Session-ID": session}).headers["x-silencio-arm"]
        for session in sessions
    ]


@contextmanager
def small_splitter(
    folder: Path, change: Callable[[str], str] = lambda text: text, share: int = 0, certificate: str = ""
) -> Iterator[SmallSplitter]:
    """HAProxy before two small arms.

    Args:
        folder: The state folder.
        change: What a test changes of the configuration.
        share: Of the file from which it starts.
        certificate: PEM of certificate and key; empty: in clear.
    """
    http, grpc, metrics = free_ports(3)
    arms: dict[ArmName, SmallArm] = {arm: SmallArm() for arm in ARMS}
    addresses = {name: ArmAddresses(http=f"127.0.0.1:{arm.port}", grpc="127.0.0.1:1") for name, arm in arms.items()}
    listening = Frontend(http=f"127.0.0.1:{http}", grpc=f"127.0.0.1:{grpc}", metrics=f"127.0.0.1:{metrics}")
    if certificate:
        (folder / CERTIFICATE).write_text(certificate)
        listening = replace(listening, certificate=CERTIFICATE)
    text = change(haproxy_config(listening, addresses))
    (folder / CONFIG).write_text(text)
    shutil.copyfile(Path(serving.canary.__path__[0]) / UNITS, folder / UNITS)
    write_share_map(folder, share, "r1")
    states = {
        name: ArmState(
            condition="ready",
            bundle=identity("12" if name == "champion" else "13"),
            url=f"http://{addresses[name].http}",
            grpc_address=addresses[name].grpc,
        )
        for name in ARMS
    }
    splitter = SmallSplitter(folder, f"http://127.0.0.1:{http}", f"http://127.0.0.1:{metrics}", arms)
    try:
        splitter.start()
        assert splitter.process is not None
        MachineState(
            pid=1,
            url=splitter.url,
            grpc_address=listening.grpc,
            haproxy_pid=splitter.process.pid,
            config_sha256=sha256_hex(text.encode()),
            haproxy_metrics_url=splitter.metrics_url,
            prometheus_url="http://127.0.0.1:1",
            prometheus_pid=None,
            **states,
        ).save(folder)
        yield splitter
    finally:
        splitter.stop()
        for arm in arms.values():
            arm.stop()
