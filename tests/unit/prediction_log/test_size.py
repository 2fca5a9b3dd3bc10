"""What a row takes in a file, by how many classes a bundle has; docs/prediction_log.md has these figures."""

from __future__ import annotations

import re
import tracemalloc
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from silencio.audio import BAND_STATISTICS, N_BANDS, WINDOW_STATISTICS
from silencio.prediction_log import RecordingFacts, WindowRecord, prediction_id, window_records
from silencio.prediction_log.rows import as_table

N_RECORDINGS, N_WINDOWS = 417, 12
PAGE = Path(__file__).parents[3] / "docs" / "prediction_log.md"
DOCUMENTED = re.findall(r"^\| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
LATER = [
    *("prediction_id", "site_id", "device_id", "recording_sha256", "waveform_sha256", "status", "arm", "release_id"),
    *("shadow", "dropped_codes", "probabilities", "entropy", "rolloff_hz", "flatness"),
    *("noise_floor_bands_db", "foreground_bands_db"),
]


def _recording(number: int, n_classes: int, random: np.random.Generator) -> list[WindowRecord]:
    """A minute in which one species a window is likely, and no number is as in another recording."""
    request_id = uuid.UUID(bytes=random.bytes(16)).hex
    facts = RecordingFacts(
        request_id=request_id,
        prediction_id=prediction_id(request_id, 0),
        received_at=datetime(2026, 5, 17, tzinfo=UTC) + timedelta(seconds=random.uniform(0, 86_400)),
        recorded_at=datetime(2026, 5, 17, tzinfo=UTC) + timedelta(seconds=int(random.integers(86_400))),
        bundle_name="silencio",
        bundle_version="05754b8cdcf4",
        bundle_sha256="cd" * 32,
        spec_sha256="ab" * 32,
        recording_sha256=random.bytes(32).hex(),
        waveform_sha256=random.bytes(32).hex(),
        session_id=f"walk-{number // 10}",
        site_id="north",
        device_id=f"24F319016037{number % 10:04X}",
        latitude=6.8,
        longitude=-74.2,
        n_samples=60 * 32_000,
        sample_rate_hz=32_000,
        source_format="OGG",
        **{f"{stage}_s": random.uniform(0.01, 0.1) for stage in ("decode", "features", "predictor", "names")},
    )
    logits = random.normal(-6, 1.5, (N_WINDOWS, n_classes))
    logits[np.arange(N_WINDOWS), random.integers(0, n_classes, N_WINDOWS)] += random.normal(5, 2, N_WINDOWS)
    probabilities = (1 / (1 + np.exp(-logits))).astype(np.float32)
    return window_records(
        facts,
        [5.0 * i for i in range(N_WINDOWS)],
        5.0,
        [f"species{i}" for i in range(n_classes)],
        probabilities,
        probabilities > 0.5,
        np.zeros_like(probabilities, np.bool_),
        {
            name: random.normal(-30, 8, (N_WINDOWS, N_BANDS) if name in BAND_STATISTICS else N_WINDOWS)
            for name in WINDOW_STATISTICS
        },
    )


def _bytes_a_row(table: pa.Table) -> float:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return float(sink.getvalue().size) / len(table)


def test_page__has_two_sizes() -> None:
    assert [n_classes for n_classes, *_ in DOCUMENTED] == ["32", "206"]


@pytest.mark.parametrize("documented", DOCUMENTED, ids=lambda row: f"{row[0]} classes")
def test_row__takes_the_bytes_that_are_documented(documented: tuple[str, ...]) -> None:
    n_classes, before, now, probabilities = map(int, documented)
    random = np.random.default_rng(0)
    table = as_table([one for i in range(N_RECORDINGS) for one in _recording(i, n_classes, random)])
    # Another version of Parquet's library may pack a little better or worse.
    assert _bytes_a_row(table.drop_columns(LATER)) == pytest.approx(before, rel=0.05)
    assert _bytes_a_row(table) == pytest.approx(now, rel=0.05)
    assert _bytes_a_row(table.select(["probabilities"])) == pytest.approx(probabilities, rel=0.05)


def test_waiting_row__takes_no_more_memory_than_is_documented() -> None:
    (documented_kb,) = re.findall(r"of 206 species at most (\d+) KB each", PAGE.read_text(encoding="utf-8"))
    random = np.random.default_rng(0)
    tracemalloc.start()
    try:
        rows = [row for i in range(100) for row in _recording(i, 206, random)]
        n_bytes = tracemalloc.get_traced_memory()[0] / len(rows)
    finally:
        tracemalloc.stop()
    assert 0.5e3 * int(documented_kb) < n_bytes < 1e3 * int(documented_kb)
