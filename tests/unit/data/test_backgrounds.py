"""Backgrounds: two halves that never meet, and made noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from pydantic import ValidationError

from silencio.data.backgrounds import Background, BackgroundConfig, BackgroundPool, half_of, made_noise
from silencio.errors import SourceError
from silencio.features import FeatureSpec

RATE_HZ = 16_000
SPEC = FeatureSpec(
    sample_rate_hz=RATE_HZ, window_s=2.0, hop_s=2.0, n_fft=512, hop_length=256, n_mels=32, f_max_hz=8000.0
)
REAL, MADE = BackgroundConfig(real_share=1.0), BackgroundConfig(real_share=0.0)
NAMES = [f"S{number:02d}_20230411_060000" for number in range(20)]


def waveforms() -> list[tuple[str, NDArray[np.int16]]]:
    """Each background's samples are its own number."""
    return [(name, np.full(RATE_HZ, 1000 * number, np.int16)) for number, name in enumerate(NAMES)]


def draw(pool: BackgroundPool, config: BackgroundConfig, seed: int = 0) -> Background:
    return pool.draw(config, np.random.default_rng(seed))


def octave_db(noise: NDArray[np.float32], low_hz: float) -> float:
    power = np.abs(np.fft.rfft(noise)) ** 2
    frequencies_hz = np.fft.rfftfreq(len(noise), 1 / RATE_HZ)
    return float(10 * np.log10(power[(frequencies_hz >= low_hz) & (frequencies_hz < 2 * low_hz)].mean()))


# The halves


def test_half_of__is_for_good() -> None:
    # A name that changes sides with a later version would lie under tests after it was trained on.
    assert [half_of(f"{site}_20230411_060000") for site in ("B01", "S01")] == ["test", "train"]


def test_half_of__a_file_is_in_the_half_of_its_name_wherever_it_lies() -> None:
    for name in NAMES:
        assert half_of(f"{name}.ogg") == half_of(f"s3://bucket/train_soundscapes/{name}.OGG") == half_of(name)
    assert half_of("site 1.5") == half_of("site 1.5.wav")


def test_pool__the_halves_never_meet_and_miss_none() -> None:
    halves = [BackgroundPool.of_waveforms(waveforms(), RATE_HZ, part).real_names for part in ("train", "test")]
    assert not set(halves[0]) & set(halves[1])
    assert sorted([*halves[0], *halves[1]]) == NAMES
    assert all(halves)


def test_pool__draws_from_its_half_alone() -> None:
    pool = BackgroundPool.of_waveforms(waveforms(), RATE_HZ, "train")
    drawn = {draw(pool, REAL, seed).name for seed in range(200)}
    assert drawn == set(pool.real_names)
    assert all(half_of(name) == "train" for name in drawn)


def test_pool_waveforms__are_this_half_s_and_read_one_by_one() -> None:
    pool = BackgroundPool.of_waveforms(waveforms(), RATE_HZ)
    given = list(pool.waveforms())
    assert sorted(name for name, _ in given) == sorted(pool.real_names)
    assert all(waveform[0] == 1000 * NAMES.index(name) for name, waveform in given)
    assert [name for name, _ in given] != sorted(name for name, _ in given)


# Real backgrounds


def test_pool_of_folder__decodes_at_the_spec_s_rate(tmp_path: Path) -> None:
    for name in NAMES:
        soundfile.write(tmp_path / f"{name}.wav", np.full(32_000, 0.25, np.float32), 32_000)
    background = draw(BackgroundPool.of_folder(tmp_path, SPEC), REAL)
    assert background.is_real
    samples = background.samples(RATE_HZ // 2)
    assert samples.shape == (RATE_HZ // 2,)
    assert np.median(samples) == pytest.approx(0.25, abs=0.01)


def test_pool_of_folder__without_a_folder_noise_is_made(tmp_path: Path) -> None:
    background = draw(BackgroundPool.of_folder(tmp_path / "none", SPEC), REAL)
    assert not background.is_real
    assert background.name in ("pink", "brown", "rain")


def test_pool_of_folder__names_the_file_that_is_no_audio(tmp_path: Path) -> None:
    name = next(name for name in NAMES if half_of(name) == "test")
    (tmp_path / f"{name}.ogg").write_bytes(b"no audio")
    with pytest.raises(SourceError, match=rf"{name}\.ogg cannot be used"):
        draw(BackgroundPool.of_folder(tmp_path, SPEC), REAL).samples(100)


def test_recorded__a_short_one_is_repeated_and_a_long_one_cut() -> None:
    name = next(name for name in NAMES if half_of(name) == "test")
    ramp = np.arange(1000, 2000, dtype=np.int16)
    pool = BackgroundPool.of_waveforms([(name, ramp)], RATE_HZ)
    longer = draw(pool, REAL).samples(2500) * 32768
    np.testing.assert_allclose(longer[:1000], longer[1000:2000], atol=40)
    assert len(np.unique((longer // 100).astype(int))) >= 10
    shorter = draw(pool, REAL, seed=3).samples(100) * 32768
    assert np.diff(shorter).mean() == pytest.approx(1.0, abs=0.3)


def test_recorded__digital_silence_is_not_empty() -> None:
    pool = BackgroundPool.of_waveforms([(name, np.zeros(RATE_HZ, np.int16)) for name in NAMES], RATE_HZ)
    samples = draw(pool, REAL).samples(RATE_HZ)
    assert 20 * np.log10(np.sqrt(np.mean(samples**2))) == pytest.approx(-80, abs=1)


# Made noise


@pytest.mark.parametrize("kind", ["white", "pink", "brown", "rain"])
def test_made_noise__has_mean_square_one(kind: str) -> None:
    noise = made_noise(kind, 30_011, RATE_HZ, np.random.default_rng(0))  # type: ignore[arg-type]
    assert noise.shape == (30_011,)
    assert noise.dtype == np.float32
    assert np.mean(noise.astype(float) ** 2) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize(("kind", "per_octave_db"), [("white", 0.0), ("pink", -3.0), ("brown", -6.0)])
def test_made_noise__falls_by_octave(kind: str, per_octave_db: float) -> None:
    noise = made_noise(kind, 20 * RATE_HZ, RATE_HZ, np.random.default_rng(0))  # type: ignore[arg-type]
    steps = [octave_db(noise, 2 * low_hz) - octave_db(noise, low_hz) for low_hz in (200, 400, 800, 1600)]
    assert np.mean(steps) == pytest.approx(per_octave_db, abs=0.6)


def test_made_noise__rain_drops() -> None:
    pink, rain = (made_noise(kind, 20 * RATE_HZ, RATE_HZ, np.random.default_rng(0)) for kind in ("pink", "rain"))
    assert np.mean(rain**4) > 2 * np.mean(pink**4)


@pytest.mark.parametrize("config", [MADE, REAL])
def test_draw__is_the_same_sound_each_time(config: BackgroundConfig) -> None:
    noise = np.random.default_rng(0).integers(-99, 99, RATE_HZ).astype(np.int16)
    pool = BackgroundPool.of_waveforms([(name, noise) for name in NAMES], RATE_HZ)
    background = draw(pool, config)
    np.testing.assert_array_equal(background.samples(5000), background.samples(5000))
    np.testing.assert_array_equal(background.samples(5000), draw(pool, config).samples(5000))
    assert not np.array_equal(background.samples(5000), draw(pool, config, seed=1).samples(5000))


def test_draw__made_noise_has_the_level_that_is_asked_for() -> None:
    config = BackgroundConfig(real_share=0.0, made_dbfs=(-36.0, -35.0))
    samples = draw(BackgroundPool(RATE_HZ), config).samples(RATE_HZ)
    assert -36.1 < 20 * np.log10(np.sqrt(np.mean(samples**2))) < -34.9


def test_draw__shares_real_and_made() -> None:
    pool = BackgroundPool.of_waveforms(waveforms(), RATE_HZ)
    rng = np.random.default_rng(0)
    n_real = sum(pool.draw(BackgroundConfig(real_share=0.3), rng).is_real for _ in range(300))
    assert 60 < n_real < 120


def test_config__limits_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(ValidationError, match="the lower limit comes first"):
        BackgroundConfig(made_dbfs=(-30.0, -45.0))
