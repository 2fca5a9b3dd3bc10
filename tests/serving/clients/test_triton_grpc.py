"""NVIDIA's tritonclient against the real servers: over gRPC what it gets over HTTP, bit by bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from serving.local import LocalServers
from silencio.bundle import Scorer
from tests.serving.clients.conftest import Run


def test_triton__over_grpc_is_over_http_bit_by_bit(
    ask: Run, servers: LocalServers, scorer: Scorer, recording: Callable[..., bytes], tmp_path: Path
) -> None:
    version = scorer.bundle.manifest.version
    # The last is 11 MB: above gRPC's usual limits.
    made = [recording(), recording(7.0, "FLAC", 48_000, 2), recording(60.0, "WAV", 48_000, 2)]
    paths = [tmp_path / str(i) for i in range(len(made))]
    for path, content in zip(paths, made, strict=True):
        path.write_bytes(content)
    addresses = [servers.grpc_address, servers.url.removeprefix("http://"), version]
    said: dict[str, Any] = ask("ask_triton_grpc.py", *addresses, *paths)
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
