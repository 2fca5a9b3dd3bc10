"""Recordings made worse, by as much as is set."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from silencio.audio import dequantize, quantize
from silencio.data.calls import Band, band_power, call_band
from silencio.evaluation.degrade import add_noise, amplify, low_pass, overdrive, overlay

RATE_HZ = 16_000


def tone(pitch_hz: float, seconds: float = 2.0, level: float = 0.1) -> NDArray[np.int16]:
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return quantize((level * np.sin(2 * np.pi * pitch_hz * time_s)).astype(np.float32))


def power(waveform: NDArray[np.int16], low_hz: float = 0, high_hz: float = 8000) -> float:
    return band_power(dequantize(waveform), RATE_HZ, Band(low_hz, high_hz))


@pytest.mark.parametrize("kind", ["white", "pink"])
@pytest.mark.parametrize("snr_db", [20.0, 0.0])
def test_add_noise__has_the_level_in_the_call_s_band(kind: str, snr_db: float) -> None:
    call = tone(3000, level=0.02)  # quiet, so that nothing has to be made softer
    noisy = add_noise(call, RATE_HZ, kind, snr_db, np.random.default_rng(0))  # type: ignore[arg-type]
    band = call_band(dequantize(call), RATE_HZ)
    noise = dequantize(noisy) - dequantize(call)
    measured = power(call, band.low_hz, band.high_hz) / band_power(noise, RATE_HZ, band)
    assert 10 * np.log10(measured) == pytest.approx(snr_db, abs=1.0)


def test_add_noise__lies_under_all_of_the_recording() -> None:
    pausing = np.concatenate([tone(3000), np.zeros(2 * RATE_HZ, np.int16)])
    noisy = add_noise(pausing, RATE_HZ, "white", 10.0, np.random.default_rng(0))
    assert len(noisy) == len(pausing)
    assert noisy[-RATE_HZ:].any()
    assert power(noisy[-RATE_HZ:]) == pytest.approx(power(noisy[2 * RATE_HZ :][:RATE_HZ]), rel=0.1)


def test_add_noise__silence_stays_silence() -> None:
    silence = np.zeros(RATE_HZ, np.int16)
    np.testing.assert_array_equal(add_noise(silence, RATE_HZ, "pink", 0.0, np.random.default_rng(0)), silence)


def test_add_noise__does_not_clip() -> None:
    noisy = add_noise(tone(3000, level=0.9), RATE_HZ, "white", -5.0, np.random.default_rng(0))
    assert np.abs(noisy.astype(int)).max() <= 0.99 * 32768


def test_amplify__changes_the_level_and_clips_what_is_beyond() -> None:
    call = tone(3000)
    assert 10 * np.log10(power(amplify(call, -20.0)) / power(call)) == pytest.approx(-20.0, abs=0.1)
    assert 10 * np.log10(power(amplify(call, 6.0)) / power(call)) == pytest.approx(6.0, abs=0.1)
    clipped = amplify(tone(3000, level=0.9), 10.0)
    assert (clipped == 32767).mean() > 0.1


def test_overdrive__clips_any_recording_alike() -> None:
    quiet, loud = (overdrive(tone(3000, level=level), 12.0) for level in (0.01, 0.5))
    assert (quiet == 32767).mean() == pytest.approx((loud == 32767).mean(), abs=0.02)
    assert (loud == 32767).mean() > 0.3
    assert (overdrive(tone(3000), 0.0) == 32767).mean() < 0.2
    assert not overdrive(np.zeros(9, np.int16), 12.0).any()


def test_low_pass__takes_away_what_is_above_and_nothing_below() -> None:
    both = (tone(1000) + tone(6000)).astype(np.int16)
    dull = low_pass(both, RATE_HZ, 4000.0)
    assert len(dull) == len(both)
    assert power(dull, 500, 1500) == pytest.approx(power(both, 500, 1500), rel=0.02)
    assert power(dull, 5000, 7000) < 1e-5 * power(both, 5000, 7000)
    assert len(low_pass(both[:31_999], RATE_HZ, 4000.0)) == 31_999


def test_overlay__has_both_at_equal_level() -> None:
    mixed = overlay(tone(1000, level=0.3), tone(3000, level=0.01))
    assert power(mixed, 500, 1500) == pytest.approx(power(mixed, 2500, 3500), rel=0.02)
    assert power(mixed, 500, 1500) == pytest.approx(power(tone(1000, level=0.3)), rel=0.02)


def test_overlay__does_not_clip_and_bears_silence() -> None:
    assert np.abs(overlay(tone(1000, level=0.9), tone(3000)).astype(int)).max() <= 0.99 * 32768
    np.testing.assert_array_equal(overlay(tone(1000), np.zeros(2 * RATE_HZ, np.int16)), tone(1000))
