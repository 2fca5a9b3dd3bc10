"""Both servers as real processes on loopback, and recordings to send."""

from __future__ import annotations

import base64
import io
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import numpy as np
import pytest
import soundfile

from serving.local import LocalServers, local_servers
from silencio.bundle import Bundle, Scorer
from silencio.bundle.placeholder import write_placeholder_bundle
from silencio.detections import recording_document
from silencio.detections.documents import TopK
from tests.waiting import HANG_S

# kserve parses the command line when it is imported: keep pytest's options from it.
with mock.patch.object(sys, "argv", sys.argv[:1]):
    import kserve  # noqa: F401


@pytest.fixture
def server_log(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """The messages of the servers' log so far.

    In the same process MLflow's migrations switch off every logger that there is, and the SDK's models
    of resources set this one to WARNING.
    """
    logger = logging.getLogger("kserve")
    monkeypatch.setattr(logger, "propagate", True)
    monkeypatch.setattr(logger, "disabled", False)
    caplog.set_level(logging.INFO, logger="kserve")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "kserve"]


@pytest.fixture(scope="session")
def bundle_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_placeholder_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="session")
def scorer(bundle_directory: Path) -> Scorer:
    """The same bundle in this process: what every answer is held against."""
    return Scorer(Bundle(bundle_directory))


@pytest.fixture(scope="session")
def servers(bundle_directory: Path) -> Iterator[LocalServers]:
    """For asking: a test that breaks a server starts its own."""
    with local_servers(bundle_directory, start_timeout_s=HANG_S) as both:
        yield both


@pytest.fixture
def http(servers: LocalServers) -> Iterator[httpx.Client]:
    """A client of the transformer with one connection that is kept."""
    limits = httpx.Limits(max_connections=1)
    with httpx.Client(base_url=servers.url, trust_env=False, timeout=HANG_S, limits=limits) as client:
        yield client


@pytest.fixture(scope="session")
def recording() -> Callable[..., bytes]:
    """Make a recording: a tone that rises, in noise."""

    def make(duration_s: float = 5.0, container: str = "OGG", rate_hz: int = 32_000, n_channels: int = 1) -> bytes:
        t = np.arange(round(duration_s * rate_hz)) / rate_hz
        tone = 0.3 * np.sin(2 * np.pi * (300.0 + 40.0 * t) * t)
        noise = 0.02 * np.random.default_rng(len(t)).standard_normal((len(t), n_channels))
        file = io.BytesIO()
        with soundfile.SoundFile(file, "w", rate_hz, n_channels, format=container) as sound:
            # libsndfile crashes when it is given a long OGG at once.
            for first in range(0, len(t), rate_hz):
                sound.write((tone[:, None] + noise)[first : first + rate_hz])
        return file.getvalue()

    return make


@pytest.fixture
def issue(tmp_path: Path) -> Callable[[str], tuple[Path, Path]]:
    """Make a certificate of this machine's own loopback address, and its key."""

    def make(name: str) -> tuple[Path, Path]:
        certificate, key = tmp_path / f"{name}.crt", tmp_path / f"{name}.key"
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        command += ["-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
        subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
        return certificate, key

    return make


class Nearly:
    """Equal to plain values that have the same form and texts, and numbers within a millionth.

    How many windows are worked on at once depends on the cores, and by that the last bit of a number.
    """

    def __init__(self, value: Any) -> None:
        self.value = value

    def __getitem__(self, key: str) -> Nearly:
        return Nearly(self.value[key])

    def __iter__(self) -> Iterator[Nearly]:
        return map(Nearly, self.value)

    def __eq__(self, other: object) -> bool:
        return self._of(self.value, other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"nearly {self.value!r}"

    @classmethod
    def _of(cls, one: Any, other: Any) -> bool:
        if isinstance(one, dict) and isinstance(other, dict):
            return list(one) == list(other) and all(cls._of(one[key], other[key]) for key in one)
        if isinstance(one, list) and isinstance(other, list):
            return len(one) == len(other) and all(cls._of(*both) for both in zip(one, other, strict=True))
        if isinstance(one, float) and isinstance(other, float):
            return abs(one - other) <= 1e-6
        return type(one) is type(other) and bool(one == other)


@pytest.fixture(scope="session")
def expected(scorer: Scorer) -> Callable[..., Nearly]:
    """What the same bundle says in this process, without servers."""

    def document_of(encoded: bytes, top_k: TopK = 5) -> Nearly:
        scored, manifest = scorer(encoded), scorer.bundle.manifest
        document = recording_document(
            scored.starts_s,
            scored.probabilities,
            window_s=manifest.spec.window_s,
            hop_s=manifest.spec.hop_s,
            classes=manifest.classes,
            thresholds=manifest.thresholds,
            top_k=top_k,
            duration_s=len(scorer.front_end.waveform(encoded)) / manifest.spec.sample_rate_hz,
            bundle_version=manifest.version,
        )
        return Nearly(document.model_dump())

    return document_of


@pytest.fixture(scope="session")
def v1_instance() -> Callable[[bytes], dict[str, object]]:
    """A recording as V1 wants it."""

    def make(encoded: bytes) -> dict[str, object]:
        return {"audio": {"b64": base64.b64encode(encoded).decode()}}

    return make
