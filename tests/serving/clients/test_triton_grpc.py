"""NVIDIA's tritonclient against the real servers: over gRPC what it gets over HTTP, bit by bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from serving.local import LocalServers
from silencio.bundle import Scorer
from tests.serving.clients.conftest import Run


def test_triton__over_grpc_is_over_http_bit_by_bit(
    send: Run, servers: LocalServers, scorer: Scorer, recording: Callable[..., bytes], tmp_path: Path
) -> None:
    version = scorer.bundle.manifest.version
    # The last is 11 MB: above gRPC's usual limits.
    made = [recording(), recording(7.0, "FLAC", 48_000, 2), recording(60.0, "WAV", 48_000, 2)]
    paths = [tmp_path / str(i) for i in range(len(made))]
    for path, content in zip(paths, made, strict=True):
        path.write_bytes(content)
    addresses = [servers.grpc_address, servers.url.removeprefix("http://"), version]
    message: dict[str, Any] = send("ask_triton_grpc.py", *addresses, *paths)
    assert message["is_ready"] == message["is_ready_version"] == [True, True]
    assert message["versions"] == [[version], [version]]
    assert message["grpc"] == message["http"] == message["gzip"]
    assert message["grpc"]["n_windows"][:2] == ["int32", [3]]
    assert message["version"][0] == message["version"][1]
    (grpc_status, grpc_text), (_, http_text) = message["unknown_output"]
    assert (grpc_status, grpc_text) == ("StatusCode.INVALID_ARGUMENT", http_text)
    assert "'nope'" in grpc_text
    (grpc_status, grpc_text), (_, http_text) = message["unknown_version"]
    assert (grpc_status, grpc_text) == ("StatusCode.NOT_FOUND", http_text)
    assert "no version '7' here" in grpc_text
