"""The active part of a recording, and its level against a background."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from silencio.audio import quantize
from silencio.data.calls import Band, active_part, band_power, call_band, fade, fitted, gain_for_snr

RATE_HZ = 16_000


def tone(pitch_hz: float, seconds: float, level: float = 0.3) -> NDArray[np.float32]:
    return (level * np.sin(2 * np.pi * pitch_hz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)).astype(np.float32)


def hiss(seconds: float, level: float = 0.002) -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(0, level, round(seconds * RATE_HZ)).astype(np.float32)


def within(samples: NDArray[np.float32], call: NDArray[np.float32], begin_s: float) -> NDArray[np.int16]:
    begin = round(begin_s * RATE_HZ)
    samples = samples.copy()
    samples[begin : begin + len(call)] += call
    return quantize(samples)


def found_s(waveform: NDArray[np.int16], max_s: float = 10.0) -> tuple[float, float]:
    part = active_part(waveform, RATE_HZ, max_s)
    return part.start / RATE_HZ, part.stop / RATE_HZ


@pytest.mark.parametrize("length_s", [0.4, 2.0])
def test_active_part__is_where_the_call_is(length_s: float) -> None:
    begin_s, end_s = found_s(within(hiss(20.0), tone(3000, length_s), 7.0))
    assert begin_s == pytest.approx(7.0, abs=0.04)
    assert end_s == pytest.approx(7.0 + length_s, abs=0.04)


def test_active_part__syllables_are_one_bout_and_a_far_one_is_not() -> None:
    song = within(hiss(20.0), tone(3000, 0.3), 2.0) + within(hiss(20.0), tone(3000, 0.3), 2.7)
    begin_s, end_s = found_s((song + within(hiss(20.0), tone(3000, 0.3), 12.0)).astype(np.int16))
    assert (begin_s, end_s) == (pytest.approx(2.0, abs=0.04), pytest.approx(3.0, abs=0.04))


def test_active_part__a_click_and_wind_are_no_call() -> None:
    wind = tone(40, 20.0, level=0.5) * (np.arange(20 * RATE_HZ) > 15 * RATE_HZ)
    waveform = within(hiss(20.0) + wind.astype(np.float32), tone(3000, 1.0, level=0.1), 4.0)
    waveform[RATE_HZ * 10 : RATE_HZ * 10 + 100] = 20_000
    assert found_s(waveform)[0] == pytest.approx(4.0, abs=0.04)


def test_active_part__a_steady_sound_is_all_of_it() -> None:
    assert found_s(quantize(tone(5000, 3.01))) == (0.0, pytest.approx(3.01))


def test_active_part__of_a_long_bout_the_loudest_stretch() -> None:
    swelling = tone(3000, 20.0) * np.linspace(0.5, 1.0, 20 * RATE_HZ).astype(np.float32)
    begin_s, end_s = found_s(quantize(swelling), max_s=4.0)
    assert end_s == pytest.approx(20.0, abs=0.05)
    assert end_s - begin_s == pytest.approx(4.0, abs=0.05)
    assert end_s - begin_s <= 4.0


def test_active_part__silence_has_none_and_one_sample_is_enough() -> None:
    part = active_part(np.zeros(RATE_HZ, np.int16), RATE_HZ)
    assert part.stop - part.start == 0
    assert active_part(np.array([9], np.int16), RATE_HZ) == slice(0, 1)


def test_call_band__holds_the_tone_and_not_the_wind() -> None:
    band = call_band(tone(3000, 1.0) + tone(50, 1.0), RATE_HZ)
    assert 2500 < band.low_hz < 3000 < band.high_hz < 3500
    wide = call_band(tone(2000, 1.0) + tone(6000, 1.0), RATE_HZ)
    assert wide.low_hz <= 2000
    assert wide.high_hz >= 6000


def test_band_power__is_a_mean_square() -> None:
    samples = tone(3000, 1.3, level=0.3) + tone(500, 1.3, level=0.2)
    assert band_power(samples, RATE_HZ, Band(2500, 3500)) == pytest.approx(0.3**2 / 2, rel=0.01)
    assert band_power(samples, RATE_HZ, Band(0, 8000)) == pytest.approx(np.mean(np.square(samples)), rel=0.01)


@pytest.mark.parametrize("snr_db", [-5.0, 0.0, 20.0])
def test_gain_for_snr__is_measured_in_the_call_s_band(snr_db: float) -> None:
    call, background = tone(3000, 0.5), hiss(0.5, level=0.05)
    band = call_band(call, RATE_HZ)
    gain = gain_for_snr(call, background, RATE_HZ, snr_db, band)
    measured = band_power(gain * call, RATE_HZ, band) / band_power(background, RATE_HZ, band)
    assert 10 * np.log10(measured) == pytest.approx(snr_db, abs=1.0)
    with_wind = gain_for_snr(call, background + tone(40, 0.5, level=0.9), RATE_HZ, snr_db, band)
    assert with_wind == pytest.approx(gain, rel=0.1)


def test_fade__ends_in_silence_and_leaves_the_middle() -> None:
    faded = fade(np.ones(1000, np.float32), 1000, 0.1)
    assert faded[0] < 0.01
    assert faded[-1] < 0.01
    np.testing.assert_array_equal(faded[100:900], 1.0)
    assert fade(np.ones(8, np.float32), 1000, 0.1)[3] == 1.0


def test_fitted__keeps_what_fits_and_scales_what_does_not() -> None:
    quiet = np.array([0.5, -0.9], np.float32)
    assert fitted(quiet) is quiet
    np.testing.assert_allclose(fitted(np.array([1.0, -2.0], np.float32)), [0.495, -0.99])
