"""Log-mel of windows, held against librosa's."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import librosa
import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from silencio.audio import dequantize, quantize
from silencio.features import FeatureSpec, LogMel

Samples = NDArray[np.float64]
TIME_S = np.arange(160_000) / 32_000


def _noise(amplitude: float, seed: int = 0) -> Samples:
    return amplitude * np.random.default_rng(seed).standard_normal(len(TIME_S))


SOUNDS: dict[str, Callable[[], Samples]] = {
    "noise": lambda: _noise(0.1),
    "quiet noise": lambda: _noise(0.001),
    "tone": lambda: 0.5 * np.sin(2 * np.pi * 3000 * TIME_S),
    "loud low tone": lambda: 0.99 * np.sin(2 * np.pi * 100 * TIME_S),
    "chirp": lambda: 0.5 * np.sin(2 * np.pi * (500 * TIME_S + 1400 * np.square(TIME_S))),
    "chirp in noise": lambda: 0.5 * np.sin(2 * np.pi * (500 * TIME_S + 1400 * np.square(TIME_S))) + _noise(0.01),
    "near-silence": lambda: np.sign(_noise(1.0)) / 32768,
    "silence": lambda: np.zeros(len(TIME_S)),
    "click": lambda: np.where(np.arange(len(TIME_S)) == 80_000, 0.9, 0.0),
    "click at the edge": lambda: np.where(np.arange(len(TIME_S)) == len(TIME_S) - 1, 0.9, 0.0),
    "full scale": lambda: np.sign(_noise(1.0)),
}


def _window(sound: str) -> NDArray[np.int16]:
    return quantize(SOUNDS[sound]().astype(np.float32))


def _librosa_decibels(samples: NDArray[np.float32], spec: FeatureSpec) -> NDArray[np.float32]:
    mel = librosa.feature.melspectrogram(
        y=samples,
        sr=spec.sample_rate_hz,
        n_fft=spec.n_fft,
        hop_length=spec.hop_length,
        n_mels=spec.n_mels,
        fmin=spec.f_min_hz,
        fmax=spec.f_max_hz,
        pad_mode="constant",
    )
    return np.asarray(librosa.power_to_db(mel, ref=1.0, amin=spec.min_power, top_db=None))


@pytest.fixture(scope="module")
def log_mel(spec: FeatureSpec) -> LogMel:
    return LogMel(spec)


@pytest.mark.parametrize("sound", SOUNDS)
def test_decibels__equal_librosa(log_mel: LogMel, spec: FeatureSpec, sound: str) -> None:
    samples = dequantize(_window(sound))
    np.testing.assert_allclose(log_mel.decibels(samples), _librosa_decibels(samples, spec), rtol=0, atol=1e-3)


@pytest.mark.filterwarnings("ignore:n_fft=2048 is too large")
@pytest.mark.parametrize(
    "spec",
    [
        FeatureSpec(sample_rate_hz=16_000, window_s=3.0, hop_s=3.0, n_fft=512, hop_length=160, n_mels=40, f_max_hz=8e3),
        FeatureSpec(window_s=1.003, hop_s=1.0, n_fft=1024, hop_length=320, n_mels=64, f_min_hz=0.0, f_max_hz=14e3),
        FeatureSpec(window_s=0.02, hop_s=0.02),
        FeatureSpec(min_power=1e-5),
    ],
    ids=["16 kHz", "no round numbers", "a window shorter than a frame", "another least power"],
)
def test_decibels__equal_librosa_for_another_spec(spec: FeatureSpec) -> None:
    # The second half is nearly silent: where the least power counts.
    noise = _noise(0.1)[: spec.window_samples] * np.where(
        np.arange(spec.window_samples) < spec.window_samples // 2, 1, 1e-3
    )
    samples = dequantize(quantize(noise.astype(np.float32)))
    ours = LogMel(spec).decibels(samples)
    assert ours.shape == spec.log_mel_shape
    np.testing.assert_allclose(ours, _librosa_decibels(samples, spec), rtol=0, atol=1e-3)


@pytest.mark.parametrize("sound", SOUNDS)
def test_log_mel__is_floored_and_scaled_as_the_spec_says(log_mel: LogMel, spec: FeatureSpec, sound: str) -> None:
    window = _window(sound)
    expected = (np.maximum(log_mel.decibels(dequantize(window)), -90.0) + 39.0) / 20.0
    np.testing.assert_allclose(log_mel(window[None])[0], expected, rtol=0, atol=1e-6)


def test_log_mel__scaling_follows_the_spec() -> None:
    window = _window("tone")
    spec = FeatureSpec(floor_db=-30.0, offset_db=10.0, scale_db=5.0)
    scaled = LogMel(spec)(window[None])[0]
    decibels = LogMel(FeatureSpec()).decibels(dequantize(window))
    np.testing.assert_allclose(scaled, (np.maximum(decibels, -30.0) + 10.0) / 5.0, rtol=0, atol=1e-5)
    assert scaled.min() == -4.0


def test_log_mel__silence_is_the_floor_everywhere(log_mel: LogMel) -> None:
    np.testing.assert_allclose(log_mel(_window("silence")[None]), (-90.0 + 39.0) / 20.0, rtol=0, atol=1e-6)


def test_log_mel__louder_stays_louder(log_mel: LogMel) -> None:
    # No normalisation by the window: ten times the amplitude is 20 dB is 1.0 after scaling, in every place.
    quiet, loud = (log_mel(quantize(_noise(level).astype(np.float32))[None])[0] for level in (0.01, 0.1))
    np.testing.assert_allclose(loud - quiet, 1.0, atol=0.02)


def test_log_mel__shape_and_type(log_mel: LogMel) -> None:
    features = log_mel(np.stack([_window("noise"), _window("tone"), _window("chirp")]))
    assert features.shape == (3, 128, 313)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()


def test_log_mel__of_no_windows(log_mel: LogMel) -> None:
    assert log_mel(np.empty((0, 160_000), np.int16)).shape == (0, 128, 313)


def test_log_mel__a_batch_equals_one_by_one_to_the_last_bit(log_mel: LogMel) -> None:
    windows = np.stack([_window(sound) for sound in SOUNDS])
    np.testing.assert_array_equal(log_mel(windows), np.concatenate([log_mel(one[None]) for one in windows]))


def test_log_mel__the_place_in_the_batch_means_nothing(log_mel: LogMel) -> None:
    windows = np.stack([_window(sound) for sound in SOUNDS])
    np.testing.assert_array_equal(log_mel(windows[::-1]), log_mel(windows)[::-1])


def test_log_mel__a_window_leaves_nothing_to_the_next(log_mel: LogMel) -> None:
    # The buffers of a call are used again: silence after the loudest sound is silence to the last bit.
    after = log_mel(np.stack([_window("full scale"), _window("silence")]))[1]
    np.testing.assert_array_equal(after, log_mel(_window("silence")[None])[0])


def test_log_mel__a_frame_knows_nothing_of_its_neighbours(log_mel: LogMel) -> None:
    # Beyond the reach of the loud half's frames, the quiet half is the same to the last bit without it.
    quiet, loud = _window("quiet noise"), _window("full scale")
    half = np.concatenate([loud[:80_000], quiet[80_000:]])
    first = (80_000 + 1024) // 512 + 1
    np.testing.assert_array_equal(log_mel(half[None])[0, :, first:], log_mel(quiet[None])[0, :, first:])


def test_log_mel__bands_between_two_bins_hear_nothing() -> None:
    spec = FeatureSpec(n_mels=8, f_min_hz=1001.0, f_max_hz=1010.0)
    np.testing.assert_allclose(LogMel(spec).decibels(dequantize(_window("noise"))), -100.0, rtol=0, atol=1e-4)


def test_log_mel__the_same_over_runs_and_objects(log_mel: LogMel, spec: FeatureSpec) -> None:
    window = _window("noise")[None]
    first = log_mel(window)
    np.testing.assert_array_equal(first, log_mel(window))
    np.testing.assert_array_equal(first, LogMel(FeatureSpec(**spec.model_dump()))(window))


def test_log_mel__the_same_in_threads(log_mel: LogMel) -> None:
    window = _window("chirp in noise")[None]
    alone = log_mel(window)
    with ThreadPoolExecutor(4) as threads:
        for one in threads.map(log_mel, [window] * 8):
            np.testing.assert_array_equal(one, alone)


def test_log_mel__does_not_touch_the_window(log_mel: LogMel) -> None:
    window = _window("noise")
    log_mel(window[None])
    np.testing.assert_array_equal(window, _window("noise"))


@pytest.mark.parametrize("pitch_hz", [200, 1000, 5000, 12_000])
def test_log_mel__a_tone_is_loudest_in_its_band(log_mel: LogMel, pitch_hz: int) -> None:
    window = quantize((0.5 * np.sin(2 * np.pi * pitch_hz * TIME_S)).astype(np.float32))
    band = int(log_mel(window[None])[0].mean(axis=1).argmax())
    centres_hz = librosa.mel_frequencies(130, fmin=50, fmax=16_000)[1:-1]
    assert abs(band - int(np.abs(centres_hz - pitch_hz).argmin())) <= 1


@pytest.mark.parametrize("n_fft", [1024, 1025, 2047])
@pytest.mark.parametrize("hop_length", [400, 512])
def test_log_mel__a_spec_that_is_accepted_gives_the_shape_that_it_promises(n_fft: int, hop_length: int) -> None:
    try:
        spec = FeatureSpec(n_fft=n_fft, hop_length=hop_length)
    except ValidationError:
        return  # a refusal at the door is right too
    assert LogMel(spec)(_window("noise")[None]).shape == (1, *spec.log_mel_shape)
