"""The made-up reserve: the same again, and disturbed by what it is told and by nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.drift.reserve import SOUND, Reserve
from benchmarks.drift.world import RIGHT, Disturbance, World
from benchmarks.proofs.drift import HELD_OUT, TUNED, cases, upper_rate
from silencio.drift.signals import INPUTS

SIGNAL = {signal.name: index for index, signal in enumerate(INPUTS)}


def made(*disturbances: Disturbance, seed: int = 1) -> object:
    return Reserve(World(n_devices=3), seed).recordings([20], disturbances)


def test_recordings__are_the_same_again_and_others_by_another_seed() -> None:
    first, second, other = made(), made(), made(seed=2)
    assert np.array_equal(first.values, second.values)  # type: ignore[attr-defined]
    assert not np.array_equal(first.values, other.values)  # type: ignore[attr-defined]
    assert len(first) == 3 * 144  # type: ignore[arg-type]


@pytest.mark.parametrize(("kind", "size"), [("gain", 6.0), ("band", 12.0)])
def test_recordings__of_a_lost_gain_differ_at_its_device_alone(kind: str, size: float) -> None:
    before, after = made(), made(Disturbance(kind, size, (1,)))  # type: ignore[arg-type]
    moved = np.median((after.values - before.values)[:, SIGNAL["floor_band_7_db"]].reshape(3, 144), axis=1)  # type: ignore[attr-defined]
    assert moved[[0, 2]] == pytest.approx([0.0, 0.0])
    assert moved[1] == pytest.approx(-size, abs=0.5)
    low = np.median((after.values - before.values)[:, SIGNAL["floor_band_2_db"]].reshape(3, 144), axis=1)  # type: ignore[attr-defined]
    assert low[1] == pytest.approx(-size if kind == "gain" else 0.0, abs=0.5)


def test_recordings__lie_at_the_levels_that_were_measured() -> None:
    values = Reserve(World(season=0.0), 3).recordings(range(3)).values
    bands = [SIGNAL[f"floor_band_{band}_db"] for band in range(1, 9)]
    spread = np.array(SOUND["floor_between_soundscapes_db"])
    assert (np.abs(values[:, bands].mean(axis=0) - SOUND["floor_bands_db"]) < np.maximum(spread, 3.0)).all()
    assert abs(values[:, SIGNAL["snr_db"]].mean() - SOUND["snr_db"][0]) < 1.5
    assert abs(np.exp(values[:, SIGNAL["rolloff_ratio"]]).mean() - SOUND["rolloff_hz"][0]) < SOUND["rolloff_hz"][1]


def test_proof__holds_out_other_sizes_than_it_was_tuned_on() -> None:
    assert all(not set(TUNED[kind]) & set(HELD_OUT[kind]) for kind in TUNED)
    assert {one.kind for case in cases().values() for one in case.disturbances} == set(RIGHT)


def test_upper_rate__is_garwoods() -> None:
    assert upper_rate(0, 50) == pytest.approx(0.06, abs=1e-3)
    assert upper_rate(40, 50) < 1.1
