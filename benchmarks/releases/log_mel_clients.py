"""Devices that compute features themselves and send those: what a new feature specification breaks."""

from __future__ import annotations

from pathlib import Path

import httpx

from benchmarks.releases.machine import until
from benchmarks.releases.sounds import sound
from silencio.bundle import Bundle, Scorer

# A server that writes its prediction log at once.
VARIABLES = {"SILENCIO_PREDICTION_LOG_SECONDS": "0"}
_N_REQUESTS = 5
_TIMEOUT_S = 300.0


def send(url: str, bundle: Path, log: Path) -> None:
    """Requests with features of the bundle's specification, until the prediction log has them.

    Args:
        url: Where they go.
        bundle: What serves there.
        log: Its prediction log.
    """
    scorer = Scorer(Bundle(bundle))
    for number in range(_N_REQUESTS):
        log_mel = scorer.front_end(sound(number, duration_s=5.0)).inputs["log_mel"]
        tensor = {"name": "log_mel", "datatype": "FP32", "shape": list(log_mel.shape), "data": log_mel.ravel().tolist()}
        body = {"inputs": [tensor], "parameters": {"spec_sha256": scorer.bundle.manifest.spec_sha256}}
        httpx.post(f"{url}/v2/models/silencio/infer", json=body, trust_env=False, timeout=_TIMEOUT_S).raise_for_status()
    until(lambda: any(log.rglob("*.parquet")), "the prediction log is written")
