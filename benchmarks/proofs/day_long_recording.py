"""Memory on a recording of a whole day: 24 hours of 48 kHz FLAC by `predict --bundle` and by `batch_score`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.bundles import measured_bundle
from benchmarks.memory import batch, predict, write_noise
from benchmarks.process_memory import Memory
from benchmarks.proofs.units import Units

_DURATION_S = 86_400
# A second of noise a minute, the rest silent: the day is a hundred megabytes, and as long to decode and score.
_NOISY_S = 60


def prove(units: Units) -> dict[str, Any]:
    """Peak of PSS over all processes, by command."""
    return {
        "duration_s": _DURATION_S,
        "predict": units.do("predict", _predict),
        "batch_score, one worker": units.do("batch-score", _batch),
    }


def _predict() -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="silencio-day-") as temporary:
        folder = Path(temporary)
        return _facts(predict(measured_bundle(folder), _day(folder)))


def _batch() -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="silencio-day-") as temporary:
        folder = Path(temporary)
        return _facts(batch(measured_bundle(folder), _day(folder).parent, folder / "work"))


def _day(folder: Path) -> Path:
    archive = folder / "archive"
    archive.mkdir()
    return write_noise(archive / "day.flac", _DURATION_S, _NOISY_S)


def _facts(memory: Memory) -> dict[str, Any]:
    return {"peak_pss_mb": round(memory.peak_pss_bytes / 1e6, 1), "n_processes": len(memory.peak_processes)}
