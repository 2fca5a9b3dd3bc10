"""TLS on both sides of a real server."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import grpc
import httpx
import pytest
from kserve.protocol.grpc.grpc_predict_v2_pb2 import ServerLiveRequest
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

from serving.access.tls import tls_of
from serving.local.server_process import ServerProcess
from serving.transformer.predictor_client import PredictorClient
from silencio.errors import ConfigError
from silencio.network import free_ports
from tests.waiting import HANG_S, until

Issue = Callable[[str], tuple[Path, Path]]


def _rest_is_live(port: int, certificate: Path) -> bool:
    try:
        context = ssl.create_default_context(cafile=str(certificate))
        url = f"https://127.0.0.1:{port}/v2/health/live"
        return httpx.get(url, verify=context, trust_env=False, timeout=HANG_S).is_success
    except httpx.TransportError:
        return False


def _grpc_is_live(port: int, certificate: Path) -> bool:
    credentials = grpc.ssl_channel_credentials(certificate.read_bytes())
    with grpc.secure_channel(f"127.0.0.1:{port}", credentials) as channel:
        try:
            return bool(GRPCInferenceServiceStub(channel).ServerLive(ServerLiveRequest(), timeout=HANG_S).live)
        except grpc.RpcError:
            return False


def _predictor_is_ready(port: int, certificate: Path) -> bool:
    """As a transformer asks it."""
    credentials = grpc.ssl_channel_credentials(certificate.read_bytes())

    async def send() -> str:
        return await PredictorClient(f"127.0.0.1:{port}", credentials=credentials).reason_not_ready("silencio")

    return not asyncio.run(send())


@pytest.mark.survival
def test_server__speaks_tls_alone_and_takes_every_renewed_certificate(
    bundle_directory: Path, tmp_path: Path, issue: Issue
) -> None:
    mounted = tmp_path / "mounted"
    rest, grpc_port = free_ports(2)
    options = ["--bundle", str(bundle_directory), "--http_port", str(rest), "--grpc_port", str(grpc_port)]
    options += ["--tls_cert", str(mounted / "tls.crt"), "--tls_key", str(mounted / "tls.key")]
    first = _mount(mounted, *issue("first"))
    server = ServerProcess.start("serving.predictor", options, f"https://127.0.0.1:{rest}", tmp_path / "log")
    try:
        assert until(lambda: _rest_is_live(rest, first)), server.last_lines()
        assert until(lambda: _grpc_is_live(grpc_port, first)), server.last_lines()
        assert until(lambda: _predictor_is_ready(grpc_port, first)), server.last_lines()
        with pytest.raises(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{rest}/v2/health/live", trust_env=False, timeout=HANG_S)
        for name in ("second", "third"):
            certificate, key = issue(name)
            assert not _rest_is_live(rest, certificate)
            assert not _grpc_is_live(grpc_port, certificate)
            _mount(mounted, certificate, key)
            assert until(lambda: _rest_is_live(rest, certificate)), server.last_lines()  # noqa: B023
            assert until(lambda: _grpc_is_live(grpc_port, certificate)), server.last_lines()  # noqa: B023
        # One that does not fit leaves the last in use.
        _mount(mounted, issue("fourth")[0], issue("fifth")[1])
        assert until(lambda: "the old TLS certificate stays in use" in server.log.read_text())
        assert _rest_is_live(rest, certificate)
        assert _grpc_is_live(grpc_port, certificate)
    finally:
        server.stop()


def _mount(mounted: Path, certificate: Path, key: Path) -> Path:
    """As Kubernetes does with a secret: a new folder, and a link that turns to it."""
    fresh = mounted.with_name(f"fresh-{certificate.stem}")
    fresh.mkdir()
    shutil.copy(certificate, fresh / "tls.crt")
    shutil.copy(key, fresh / "tls.key")
    link = mounted.with_name("link")
    link.symlink_to(fresh)
    link.replace(mounted)
    return certificate


def test_tls__is_off_without_both_files(issue: Issue) -> None:
    certificate, key = issue("one")
    assert tls_of(None, None) is None
    assert tls_of(str(certificate), str(key)) is not None
    for half in [(str(certificate), None), (None, str(key))]:
        with pytest.raises(ConfigError, match="belong together"):
            tls_of(*half)


def test_tls__a_key_that_does_not_fit_is_refused_at_the_start(issue: Issue, tmp_path: Path) -> None:
    certificate, _ = issue("one")
    _, other = issue("other")
    locked = tmp_path / "locked.key"
    command = ["openssl", "ec", "-in", str(other), "-aes128", "-passout", "pass:x", "-out", str(locked)]
    subprocess.run(command, check=True, capture_output=True)
    for key in (other, locked, tmp_path / "missing"):
        with pytest.raises(ConfigError, match="cannot be used together"):
            tls_of(str(certificate), str(key))
