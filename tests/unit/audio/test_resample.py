"""Change of sample rate."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from silencio.audio import resample


def _tone(pitch_hz: float, rate_hz: int, duration_s: float = 1.0) -> NDArray[np.float32]:
    time_s = np.arange(int(duration_s * rate_hz)) / rate_hz
    return (0.5 * np.sin(2 * np.pi * pitch_hz * time_s)).astype(np.float32)


def _level_db(samples: NDArray[np.float32]) -> float:
    middle = samples[len(samples) // 4 : -len(samples) // 4]
    return float(10 * np.log10(np.mean(np.square(middle, dtype=np.float64)) + 1e-20))


def test_resample__the_same_rate_is_untouched() -> None:
    samples = _tone(1000, 32000)
    assert resample(samples, 32000, 32000) is samples


@pytest.mark.parametrize("from_hz", [8000, 16000, 22050, 44100, 48000, 96000])
def test_resample__length_follows_the_ratio(from_hz: int) -> None:
    resampled = resample(_tone(1000, from_hz, 2.0), from_hz, 32000)
    assert resampled.dtype == np.float32
    assert abs(len(resampled) - 64000) <= 1


@pytest.mark.parametrize("from_hz", [8000, 22050, 44100, 48000])
@pytest.mark.parametrize("pitch_hz", [440, 3000])
def test_resample__pitch_and_level_stay(from_hz: int, pitch_hz: int) -> None:
    resampled = resample(_tone(pitch_hz, from_hz), from_hz, 32000)
    spectrum = np.abs(np.fft.rfft(resampled * np.hanning(len(resampled))))
    assert np.argmax(spectrum) * 32000 / len(resampled) == pytest.approx(pitch_hz, abs=1.5)
    assert _level_db(resampled) == pytest.approx(_level_db(_tone(pitch_hz, from_hz)), abs=0.05)


def test_resample__equals_the_tone_recorded_at_that_rate() -> None:
    resampled, recorded = resample(_tone(1000, 48000), 48000, 32000), _tone(1000, 32000)
    middle = slice(2000, 30000)
    np.testing.assert_allclose(resampled[middle], recorded[middle], atol=1e-4)


def test_resample__what_the_new_rate_cannot_hold_is_gone() -> None:
    # Without a filter 20 kHz would be heard as 12 kHz.
    assert _level_db(resample(_tone(20000, 48000), 48000, 32000)) < -80


def test_resample__silence_stays_silence() -> None:
    np.testing.assert_array_equal(resample(np.zeros(4410, np.float32), 44100, 32000), 0)


def test_resample__twice_the_same() -> None:
    samples = np.random.default_rng(0).standard_normal(44100).astype(np.float32)
    np.testing.assert_array_equal(resample(samples, 44100, 32000), resample(samples.copy(), 44100, 32000))


def test_resample__does_not_touch_its_input() -> None:
    samples = _tone(1000, 44100)
    before = samples.copy()
    resample(samples, 44100, 32000)
    np.testing.assert_array_equal(samples, before)
