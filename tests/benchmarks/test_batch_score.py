"""The benchmark of `batch_score` runs, and says what it could not measure."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from benchmarks import batch_score


def test_quick_run__scores_everything_and_leaves_birdnet() -> None:
    ours, against = batch_score.run(quick=True)
    assert ours.value > 0
    assert ours.bundle == against.bundle
    assert ours.bundle is not None and ours.bundle["version"] == ours.details["bundle"]
    assert ours.details["audio_s"] == 18.0
    assert math.isnan(against.value)
    assert not against.met
    assert "not asked" in against.reference


def test_no_bundle__is_a_miss_that_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SILENCIO_BENCH_BUNDLE", raising=False)
    (result,) = batch_score.run(quick=False)
    assert not result.met
    assert "make demo first" in result.ours


def test_birdnet_that_cannot_be_had__is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILENCIO_CACHE", str(tmp_path))
    monkeypatch.setattr(batch_score, "BIRDNET_PINS", ("no-such-package==0.0.0",))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    python, why_not = batch_score._birdnet_or_reason()
    assert python is None
    assert "no-such-package" in why_not
    assert not list(tmp_path.glob("birdnet-*"))
