"""NVIDIA's tritonclient against the real servers: over gRPC what it gets over HTTP, bit by bit."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from serving.local import LocalServers
from silencio.bundle import Scorer

# As scripts/install_clients.sh makes it.
PYTHON = Path(os.environ.get("SILENCIO_CLIENTS", "nowhere")) / "python" / "bin" / "python"
SCRIPT = Path(__file__).with_name("triton_client.py")


@pytest.mark.skipif(not PYTHON.exists(), reason="needs other people's clients, SILENCIO_CLIENTS: make extras")
def test_triton__over_grpc_is_over_http_bit_by_bit(
    servers: LocalServers, scorer: Scorer, recording: Callable[..., bytes], tmp_path: Path
) -> None:
    version = scorer.bundle.manifest.version
    # The last is 11 MB: above gRPC's usual limits.
    made = [recording(), recording(7.0, "FLAC", 48_000, 2), recording(60.0, "WAV", 48_000, 2)]
    paths = [tmp_path / str(i) for i in range(len(made))]
    for path, content in zip(paths, made, strict=True):
        path.write_bytes(content)
    addresses = [servers.grpc_address, servers.url.removeprefix("http://"), version]
    done = subprocess.run([PYTHON, SCRIPT, *addresses, *paths], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    assert said["is_ready"] == said["is_ready_version"] == [True, True]
    assert said["versions"] == [[version], [version]]
    assert said["grpc"] == said["http"] == said["gzip"]
    assert said["grpc"]["n_windows"][:2] == ["int32", [3]]
    assert said["version"][0] == said["version"][1]
    (grpc_status, grpc_text), (_, http_text) = said["unknown_output"]
    assert (grpc_status, grpc_text) == ("StatusCode.INVALID_ARGUMENT", http_text)
    assert "'nope'" in grpc_text
    (grpc_status, grpc_text), (_, http_text) = said["unknown_version"]
    assert (grpc_status, grpc_text) == ("StatusCode.NOT_FOUND", http_text)
    assert "no version '7' here" in grpc_text
