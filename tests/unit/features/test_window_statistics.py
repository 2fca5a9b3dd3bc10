"""What is measured of a window's spectrum, for sounds of which it is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from silencio.audio import BAND_STATISTICS, N_BANDS, SPECTRAL_STATISTICS, WINDOW_STATISTICS, quantize
from silencio.features import FeatureSpec, LogMel, WindowStatistics

SPEC = FeatureSpec()
TIME_S = np.arange(SPEC.window_samples) / SPEC.sample_rate_hz
EDGES_HZ = WindowStatistics(SPEC).band_edges_hz


def _of(*sounds: NDArray[np.floating], spec: FeatureSpec = SPEC) -> dict[str, NDArray[np.float64]]:
    return WindowStatistics(spec)(quantize(np.stack(sounds).astype(np.float32)))


def _noise(seed: int = 0, amplitude: float = 0.05) -> NDArray[np.float64]:
    return amplitude * np.random.default_rng(seed).standard_normal(SPEC.window_samples)


def _tone(frequency_hz: float, amplitude: float = 0.3) -> NDArray[np.float64]:
    return amplitude * np.sin(2 * np.pi * frequency_hz * TIME_S)


def test_names__are_those_of_the_log_and_no_other() -> None:
    assert tuple(_of(_noise())) == WINDOW_STATISTICS
    log_mel = LogMel(SPEC)(quantize(_noise().astype(np.float32))[None])
    assert tuple(WindowStatistics(SPEC).of_log_mel(log_mel)) == (*SPECTRAL_STATISTICS, *BAND_STATISTICS)


@pytest.mark.parametrize(
    "spec",
    [
        SPEC,
        FeatureSpec(hop_length=500),  # no whole number of hops in a frame
        FeatureSpec(n_fft=1024, hop_length=1024, n_mels=64),
        FeatureSpec(sample_rate_hz=16_000, f_max_hz=8_000.0, n_mels=9, window_s=1.0, hop_s=1.0),
        FeatureSpec(sample_rate_hz=8_000, f_max_hz=4_000.0, window_s=0.5, hop_s=0.5, n_fft=16_384, hop_length=16_384),
    ],
)
def test_statistics__are_the_same_with_a_log_mel_and_without_one(spec: FeatureSpec) -> None:
    """To the last bit: whether a graph takes it is no change of a microphone."""
    windows = np.random.default_rng(0).integers(-3_000, 3_000, (11, spec.window_samples), np.int16)
    statistics = WindowStatistics(spec)
    with_it, without = statistics(windows, LogMel(spec)(windows)), statistics(windows)
    of_log_mel = statistics.of_log_mel(LogMel(spec)(windows))
    for name, values in without.items():
        assert values.shape == ((11, N_BANDS) if name in BAND_STATISTICS else (11,)), name
        assert np.isfinite(values).all(), name
        np.testing.assert_array_equal(with_it[name], values, err_msg=name)
        if name in of_log_mel:
            np.testing.assert_array_equal(of_log_mel[name], values, err_msg=name)


def test_windows__do_not_know_of_each_other() -> None:
    sounds = [_noise(seed) for seed in range(9)] + [np.zeros(SPEC.window_samples), _tone(3_000)]
    together = _of(*sounds)
    for row, sound in enumerate(sounds):
        for name, values in _of(sound).items():
            np.testing.assert_array_equal(values[0], together[name][row], err_msg=name)


def test_rolloff__of_white_noise_is_85_percent_of_the_band() -> None:
    low_hz, high_hz = EDGES_HZ[0], EDGES_HZ[-1]
    assert _of(_noise())["rolloff_hz"] == pytest.approx(low_hz + 0.85 * (high_hz - low_hz), rel=0.02)


@pytest.mark.parametrize("cut_hz", [2_000.0, 5_000.0, 10_000.0])
def test_rolloff__follows_a_microphone_that_loses_its_upper_band(cut_hz: float) -> None:
    spectrum = np.fft.rfft(_noise())
    spectrum[np.fft.rfftfreq(SPEC.window_samples, 1 / SPEC.sample_rate_hz) > cut_hz] *= 1e-2
    cut = np.fft.irfft(spectrum, SPEC.window_samples)
    assert _of(cut)["rolloff_hz"] < min(cut_hz, _of(_noise())["rolloff_hz"] * 0.8)


def test_rolloff__knows_no_gain() -> None:
    loud, soft = _of(_noise(amplitude=0.1), _noise(amplitude=0.02))["rolloff_hz"]
    assert soft == pytest.approx(loud, rel=1e-3)


def test_flatness__is_1_of_white_noise_and_near_0_of_a_tone() -> None:
    noise, tone, both = _of(_noise(), _tone(3_000), _noise() + _tone(3_000))["flatness"]
    assert noise == pytest.approx(1.0, abs=0.01)
    assert tone < 0.01 < both < noise


def test_silence__is_flat_at_the_floor() -> None:
    found = _of(np.zeros(SPEC.window_samples))
    assert found["flatness"] == pytest.approx(1.0)
    for name in BAND_STATISTICS:
        np.testing.assert_allclose(found[name], SPEC.floor_db, atol=1e-3)


@pytest.mark.parametrize("gain_db", [-6.0, -3.0, 3.0])
def test_bands__move_by_the_gain_all_of_them(gain_db: float) -> None:
    """What a microphone is recognised by that loses sensitivity."""
    found = _of(_noise(), _noise() * 10 ** (gain_db / 20))
    for name in BAND_STATISTICS:
        before, after = found[name]
        np.testing.assert_allclose(after - before, gain_db, atol=0.02, err_msg=name)


@pytest.mark.parametrize(("frequency_hz", "band"), [(200.0, 0), (700.0, 1), (3_000.0, 4), (8_000.0, 6), (12_000.0, 7)])
def test_bands__a_call_is_in_the_foreground_of_its_band_alone(frequency_hz: float, band: int) -> None:
    assert EDGES_HZ[band] < frequency_hz < EDGES_HZ[band + 1]
    # A fifth of the window: beyond the 90th percentile, and no part of the 10th.
    call = np.where(TIME_S < 1.0, _tone(frequency_hz), 0.0)
    quiet, called = _of(_noise(amplitude=0.001), _noise(amplitude=0.001) + call)["foreground_bands_db"]
    moved = called - quiet
    assert moved.argmax() == band and moved[band] > 3
    assert max(moved[i] for i in range(N_BANDS) if abs(i - band) > 1) < 1
    floors = _of(_noise(amplitude=0.001), _noise(amplitude=0.001) + call)["noise_floor_bands_db"]
    np.testing.assert_allclose(floors[0], floors[1], atol=0.5)


def test_bands__of_the_default_specification_begin_with_wind_and_end_with_the_highest_calls() -> None:
    assert np.all(np.diff(EDGES_HZ) > 0) and len(EDGES_HZ) == N_BANDS + 1
    np.testing.assert_allclose(EDGES_HZ, [64, 515, 967, 1539, 2451, 3904, 6217, 9902, 15771], atol=1)


def test_log_mel__of_absurd_numbers_has_finite_statistics() -> None:
    """A device may send anything that is a finite number."""
    log_mel = np.full((1, *SPEC.log_mel_shape), 3e38, np.float32)
    log_mel[0, ::2] = -3e38
    for name, values in WindowStatistics(SPEC).of_log_mel(log_mel).items():
        assert np.isfinite(values).all(), name
