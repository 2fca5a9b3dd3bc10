"""Places for MLflow to keep things, and things to keep: real files, a real server, a real PostgreSQL."""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from silencio.bundle.manifest import MANIFEST, BundleManifest
from silencio.bundle.placeholder import write_placeholder_bundle
from silencio.network import free_ports
from silencio.registry.benchmarks import MeasuredBundle
from silencio.registry.connection import connect
from silencio.registry.settings import Tracking
from tests.waiting import HANG_S, until

PARENTS = {"data_fingerprint": "d" * 64, "split_sha256": "5" * 64, "code_version": "abc123", "image": "local"}
CONFIG = "seed: 3\nheads: {raw_cnn: {epochs: 2, widths: [4, 8]}}\nsupervisor: {kind: weighted_average}\n"
GOOD = {"gate": "macro_map", "passed": True, "message": "0.81 is at least 0.50"}
BAD = {"gate": "birds", "passed": False, "message": "0.31 is less than 0.50"}
_POSTGRESQL = Path("/usr/lib/postgresql/15/bin")


def write_bundle(
    folder: Path,
    version: str = "b1",
    macro_map: float = 0.81,
    verdict: dict[str, object] | None = None,
    *,
    test_set: str = "",
    n_recordings: int | None = None,
) -> Path:
    """A placeholder with the figures and the parents of a trained one."""
    write_placeholder_bundle(folder, inputs=("waveform",))
    manifest = BundleManifest.model_validate_json((folder / MANIFEST).read_text())
    test: dict[str, object] = {
        "macro_map": macro_map,
        "top1": 0.75,
        "by_class": {"Aves": {"top1": 0.5}},
        "roc_auc": float("nan"),
    }
    if n_recordings is not None:
        test["n_recordings"] = n_recordings
    metrics = {"test": test, **({"test_set": test_set} if test_set else {})}
    changes = {"version": version, "metrics": metrics, "parents": PARENTS, "verdict": verdict or {}}
    (folder / MANIFEST).write_text(manifest.model_copy(update=changes).sealed().model_dump_json())
    return folder


def write_bench(file: Path, *results: tuple[str, float, MeasuredBundle | None], **changes: object) -> Path:
    """A file of `make bench`: figures in ms by name, value and the bundle that was measured."""
    machine = {"processor": "AMD EPYC", "n_cores": 2, "memory_bytes": 24 << 30, "date": "2026-11-29 17:09 UTC"}
    rows = [
        {"what": what, "value": value, "unit": "ms", "bundle": bundle and bundle._asdict()}
        for what, value, bundle in results
    ]
    file.write_text(json.dumps({"machine": machine, "quick": False, "results": rows} | changes))
    return file


def register_inputs(folder: Path, bundle: Path, *, passed: bool = True) -> dict[str, Path]:
    """The files that `register` is given, with names as KFP gives them."""
    folder.mkdir(parents=True, exist_ok=True)
    verdict = {"passed": passed, "reasons": [GOOD] if passed else [GOOD, BAD], "policy": "kept as it is"}
    texts = {
        "verdict": json.dumps(verdict),
        "evaluation": '{"rows": {}}',
        "report": "<h1>Report</h1>",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    return {"bundle": bundle, **{name: folder / name for name in texts}}


def fresh_database(folder: Path) -> str:
    """An SQLite file with MLflow's tables and nothing else; MLflow takes seconds to make them."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        contextlib.closing(sqlite3.connect(_template())) as source,
        contextlib.closing(sqlite3.connect(folder / "mlflow.db")) as copy,
    ):
        source.backup(copy)
    return f"sqlite:///{folder / 'mlflow.db'}"


@functools.cache
def _template() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="silencio-mlflow-")
    atexit.register(folder.cleanup)
    path = Path(folder.name) / "mlflow.db"
    connect(Tracking(uri=f"sqlite:///{path}")).search_experiments()
    return path


class Server:
    """`mlflow server` on loopback, in a folder of its own.

    Args:
        folder: Where it works and keeps artifacts.
        backend: Its `--backend-store-uri`; None: none is given.
    """

    def __init__(self, folder: Path, backend: str | None) -> None:
        self._folder, self._backend = folder, backend
        self.port = free_ports(1)[0]
        self._process: subprocess.Popen[bytes] | None = None
        self.uri = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns when it answers."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
        environment |= {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command(), cwd=self._folder, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        until(self._answers, (self._folder / "server.log").read_text)

    def command(self) -> list[str]:
        """What is started."""
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)]
        return [*command, "--workers", "1", *(["--backend-store-uri", self._backend] if self._backend else [])]

    def _answers(self) -> bool:
        assert self._process
        assert self._process.poll() is None, (self._folder / "server.log").read_text()
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.uri}/health", timeout=HANG_S) as answer:
            return bool(answer.status == 200)
        return False

    @contextlib.contextmanager
    def stalled(self) -> Iterator[None]:
        """It takes calls and answers none."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self._process.pid, signal.SIGCONT)

    @contextlib.contextmanager
    def without_a_store(self) -> Iterator[None]:
        """A file lies where it keeps artifacts."""
        place, away = self._folder / "mlartifacts", self._folder / "away"
        place.mkdir(exist_ok=True)
        place.rename(away)
        place.touch()
        try:
            yield
        finally:
            place.unlink()
            away.rename(place)

    def kill(self) -> None:
        """With its workers, without a farewell."""
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


@contextlib.contextmanager
def postgresql(password: str = "") -> Iterator[str | None]:
    """The address of a PostgreSQL of our own; None where this machine has no server binary, or no user to run it.

    Args:
        password: Of its user `mlflow`; without one it trusts everybody.
    """
    root = os.geteuid() == 0
    as_user = ["runuser", "-u", "postgres", "--"] if root else []
    if not (_POSTGRESQL / "postgres").exists() or (root and subprocess.run([*as_user, "true"], check=False).returncode):
        yield None
        return
    # A socket's path has room for 107 characters, and the folders of pytest belong to root.
    folder = Path(tempfile.mkdtemp(prefix="silencio-pg-"))
    port = free_ports(1)[0]
    try:
        if root:
            shutil.chown(folder, "postgres")
        (folder / "password").write_text(password, encoding="utf-8")
        initdb = [*as_user, str(_POSTGRESQL / "initdb"), "-D", str(folder / "data"), "-U", "mlflow"]
        initdb += ["-A", "scram-sha-256", f"--pwfile={folder / 'password'}"] if password else ["-A", "trust"]
        subprocess.run(initdb, check=True, capture_output=True, cwd=folder)
        command = [str(_POSTGRESQL / "postgres"), "-D", str(folder / "data"), "-p", str(port), "-k", str(folder)]
        command += ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
        with (folder / "server.log").open("wb") as log:
            identity = {"user": "postgres", "group": "postgres", "extra_groups": []} if root else {}
            server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, **identity)  # type: ignore[call-overload]
        try:
            ready = [str(_POSTGRESQL / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port), "-U", "mlflow"]
            until(lambda: server.poll() is not None or not subprocess.run(ready, check=False).returncode)
            assert server.poll() is None, (folder / "server.log").read_text()
            yield f"postgresql://mlflow@127.0.0.1:{port}/postgres"
        finally:
            server.send_signal(signal.SIGQUIT)  # at once: nothing of it is kept
            server.wait()
    finally:
        shutil.rmtree(folder)
