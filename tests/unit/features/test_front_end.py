"""The one door from a recording to a model's inputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from silencio.audio import decode, quantize, resample
from silencio.errors import DecodeError
from silencio.features import FeatureSpec, FrontEnd, LogMel

Encode = Callable[..., bytes]


@pytest.fixture(scope="module")
def front_end(spec: FeatureSpec) -> FrontEnd:
    return FrontEnd(spec)


def _noise(duration_s: float, rate_hz: int = 32_000, seed: int = 0) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(round(duration_s * rate_hz))).astype(np.float32)


def test_waveform__is_decoded_resampled_and_quantized(front_end: FrontEnd, encode: Encode) -> None:
    file = encode(np.stack([_noise(1.0, 44_100), _noise(1.0, 44_100, seed=1)], axis=1), 44_100, "FLAC")
    audio = decode(file)
    np.testing.assert_array_equal(front_end.waveform(file), quantize(resample(audio.samples, 44_100, 32_000)))


def test_waveform__at_the_specs_rate_keeps_every_sample(front_end: FrontEnd, encode: Encode) -> None:
    recording = quantize(_noise(1.0))
    waveform = front_end.waveform(encode(recording, 32_000, "WAV", "PCM_16"))
    assert waveform.dtype == np.int16
    np.testing.assert_array_equal(waveform, recording)


@pytest.mark.parametrize("rate_hz", [8_000, 32_000, 48_000, 192_000])
@pytest.mark.parametrize("n_samples", [1, 2])
def test_waveform__of_a_sample_or_two_is_not_nothing(
    front_end: FrontEnd, encode: Encode, rate_hz: int, n_samples: int
) -> None:
    file = encode(np.full(n_samples, 0.5, np.float32), rate_hz, "WAV")
    assert len(front_end.waveform(file)) >= 1
    assert front_end(file).n_windows == 1


def test_waveform__passes_the_limit_on(front_end: FrontEnd, encode: Encode) -> None:
    file = encode(_noise(2.0), 32_000, "WAV")
    assert len(front_end.waveform(file, max_duration_s=2.0)) == 64_000
    for call in (front_end.waveform, front_end):
        with pytest.raises(DecodeError, match=r"longer than 1.5 s"):
            call(file, max_duration_s=1.5)


@pytest.mark.parametrize(("duration_s", "starts_s"), [(0.1, [0.0]), (5.0, [0.0]), (5.01, [0.0, 5.0]), (12, [0, 5, 10])])
def test_call__gives_every_window_its_start(
    front_end: FrontEnd, encode: Encode, duration_s: float, starts_s: list[float]
) -> None:
    features = front_end(encode(_noise(duration_s), 32_000, "WAV"))
    assert features.starts_s == starts_s
    assert features.n_windows == len(starts_s)
    assert features.inputs["waveform"].shape == (len(starts_s), 160_000)
    assert features.inputs["log_mel"].shape == (len(starts_s), 128, 313)
    assert {name: value.dtype for name, value in features.inputs.items()} == {
        "waveform": np.int16,
        "log_mel": np.float32,
    }


@pytest.mark.parametrize(("duration_s", "starts_s"), [(0.1, [0.0]), (5.0, [0.0]), (5.01, [0.0, 0.01]), (12, [0, 5, 7])])
def test_call__a_last_window_that_is_moved_back_ends_with_the_recording(
    encode: Encode, duration_s: float, starts_s: list[float]
) -> None:
    front_end, encoded = FrontEnd(FeatureSpec(last_window="moved_back")), encode(_noise(duration_s), 32_000, "WAV")
    features, waveform = front_end(encoded), front_end.waveform(encoded)
    assert features.starts_s == starts_s
    np.testing.assert_array_equal(features.inputs["waveform"][-1], np.resize(waveform[-160_000:], 160_000))
    np.testing.assert_array_equal(
        features.inputs["log_mel"], front_end.log_mel(features.inputs["waveform"].astype(np.int16))
    )


def test_call__log_mel_is_computed_from_the_waveform_beside_it(
    front_end: FrontEnd, spec: FeatureSpec, encode: Encode
) -> None:
    inputs = front_end(encode(_noise(7.0, 22_050), 22_050, "OGG")).inputs
    np.testing.assert_array_equal(inputs["log_mel"], LogMel(spec)(inputs["waveform"].astype(np.int16)))


def test_call__bytes_and_file_give_the_same(front_end: FrontEnd, encode: Encode, tmp_path: Path) -> None:
    (tmp_path / "a.ogg").write_bytes(encode(_noise(6.0), 32_000, "OGG"))
    from_file, from_bytes = front_end(tmp_path / "a.ogg"), front_end((tmp_path / "a.ogg").read_bytes())
    for name in ("waveform", "log_mel"):
        np.testing.assert_array_equal(from_file.inputs[name], from_bytes.inputs[name])


def test_features__drop_no_sample(front_end: FrontEnd, encode: Encode) -> None:
    recording = quantize(_noise(11.0))
    windows = front_end.features(recording).inputs["waveform"]
    np.testing.assert_array_equal(windows.ravel()[: len(recording)], recording)


def test_features__follow_the_specs_hop_and_padding(encode: Encode) -> None:
    spec = FeatureSpec(window_s=2.0, hop_s=0.5, padding="zero")
    recording = quantize(_noise(2.7))
    features = FrontEnd(spec).features(recording)
    assert features.starts_s == [0.0, 0.5, 1.0]
    windows = features.inputs["waveform"]
    np.testing.assert_array_equal(windows[1], recording[16_000 : 16_000 + 64_000])
    np.testing.assert_array_equal(windows[2, : len(recording) - 32_000], recording[32_000:])
    np.testing.assert_array_equal(windows[2, len(recording) - 32_000 :], 0)


def test_features__a_window_does_not_know_the_rest_of_the_recording(front_end: FrontEnd) -> None:
    recording = quantize(_noise(15.0))
    whole = front_end.features(recording).inputs["log_mel"]
    middle = front_end.features(recording[160_000:320_000]).inputs["log_mel"]
    np.testing.assert_array_equal(whole[1], middle[0])


def test_features__the_rate_of_the_recording_hardly_matters(front_end: FrontEnd, encode: Encode) -> None:
    def chirp(rate_hz: int) -> bytes:
        time_s = np.arange(5 * rate_hz) / rate_hz
        sweep = np.sin(2 * np.pi * (1000 * time_s + 500 * np.square(time_s))).astype(np.float32)
        return encode(0.3 * sweep, rate_hz, "WAV", "FLOAT")

    low, high = (front_end(chirp(rate_hz)).inputs["log_mel"][0, :, 5:-5] for rate_hz in (32_000, 48_000))
    loud = high > 0
    assert loud.any()
    np.testing.assert_allclose(low[loud], high[loud], atol=0.01)
