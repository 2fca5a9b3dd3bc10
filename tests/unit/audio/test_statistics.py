"""What is measured of a window's sound, for sounds of which it is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from silencio.audio import AUDIO_STATISTICS, audio_statistics, quantize

RATE_HZ = 32_000
TIME_S = np.arange(RATE_HZ) / RATE_HZ


def _statistics(*windows: NDArray[np.floating]) -> dict[str, NDArray[np.float64]]:
    return audio_statistics(quantize(np.stack(windows).astype(np.float32)), RATE_HZ)


def _sine(amplitude: float, frequency_hz: float = 1000.0) -> NDArray[np.float64]:
    return amplitude * np.sin(2 * np.pi * frequency_hz * TIME_S)


def test_level__of_a_sine() -> None:
    found = _statistics(_sine(0.5), _sine(0.05))
    # An amplitude of one half is -6.02 dB at its peak, and 3.01 dB less on average; a tenth of it is 20 dB less.
    np.testing.assert_allclose(found["peak_db"], [-6.02, -26.02], atol=0.01)
    np.testing.assert_allclose(found["rms_db"], [-9.03, -29.03], atol=0.01)
    np.testing.assert_allclose(found["snr_db"], 0.0, atol=0.05)
    assert (found["clipped_share"] == 0).all()
    assert (found["silence_share"] == 0).all()


def test_level__of_full_scale_is_zero() -> None:
    found = audio_statistics(np.full((1, RATE_HZ), -32768, np.int16), RATE_HZ)
    assert (found["rms_db"], found["peak_db"], found["clipped_share"]) == (0.0, 0.0, 1.0)


def test_silence__has_a_level_that_is_a_number() -> None:
    found = audio_statistics(np.zeros((1, RATE_HZ), np.int16), RATE_HZ)
    assert found["rms_db"] == found["peak_db"] == pytest.approx(-100.0)
    assert (found["silence_share"], found["snr_db"], found["clipped_share"]) == (1.0, 0.0, 0.0)


@pytest.mark.parametrize(("level_db", "share"), [(-59.0, 0.0), (-61.0, 1.0)])
def test_silence__is_below_60_db(level_db: float, share: float) -> None:
    assert _statistics(np.full(RATE_HZ, 10 ** (level_db / 20)))["silence_share"] == share


def test_silence_share__counts_frames() -> None:
    assert _statistics(np.where(TIME_S < 0.76, 0.0, _sine(0.5)))["silence_share"] == pytest.approx(0.76)


def test_clipped_share__counts_samples_at_either_limit() -> None:
    samples = np.zeros(1000)
    samples[:10], samples[10:30] = 2.0, -2.0
    samples[30:50] = 0.98  # loud, and whole
    assert _statistics(samples)["clipped_share"] == pytest.approx(0.03)


def test_snr__of_a_call_over_noise() -> None:
    # A call 20 dB over the noise, in a fifth of the window; it begins and ends with a frame.
    noise = 0.01 * np.sign(_sine(1.0, 8000.0) + 1e-9)
    call = np.where((TIME_S >= 0.4) & (TIME_S < 0.6), 10.0, 1.0) * noise
    assert _statistics(call)["snr_db"] == pytest.approx(20.0, abs=0.05)


def test_snr__does_not_depend_on_gain_but_levels_do() -> None:
    rng = np.random.default_rng(0)
    sound = 0.01 * rng.standard_normal(RATE_HZ) + np.where(TIME_S < 0.3, _sine(0.3), 0.0)
    loud, soft = audio_statistics(quantize(np.stack([sound, sound / 4]).astype(np.float32)), RATE_HZ)["snr_db"]
    assert soft == pytest.approx(loud, abs=0.1)
    levels = _statistics(sound, sound / 4)["rms_db"]
    assert levels[0] - levels[1] == pytest.approx(20 * np.log10(4), abs=0.02)


@pytest.mark.parametrize("n_samples", [1, 2, 639, 640, 641, 7000])
@pytest.mark.parametrize("n_windows", [1, 3])
def test_shapes__one_finite_number_a_window(n_windows: int, n_samples: int) -> None:
    windows = np.random.default_rng(0).integers(-32768, 32767, (n_windows, n_samples), np.int16)
    found = audio_statistics(windows, RATE_HZ)
    assert tuple(found) == AUDIO_STATISTICS
    for name, values in found.items():
        assert values.shape == (n_windows,), name
        assert np.isfinite(values).all(), name


def test_windows__do_not_know_of_each_other() -> None:
    together = _statistics(_sine(0.5), np.zeros(RATE_HZ), _sine(1.2))
    for row, alone in enumerate((_sine(0.5), np.zeros(RATE_HZ), _sine(1.2))):
        for name, values in _statistics(alone).items():
            assert values[0] == together[name][row], name
