"""Encoders hear windows in their own way, alone or beside others, in ONNX Runtime and in LiteRT."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from silencio.audio import dequantize, resample
from silencio.encoders import Encoder, EncoderSpec
from silencio.encoders.run import frame_starts
from silencio.errors import BundleIntegrityError
from tests.unit.encoders.tiny_litert import tiny_litert
from tests.unit.encoders.tiny_onnx import tiny_onnx

RATE_HZ = 32_000
WEIGHTS = np.random.default_rng(3).standard_normal((960, 4)).astype(np.float32) * np.float32(0.1)
WINDOWS = (3_000 * np.random.default_rng(4).standard_normal((3, RATE_HZ // 2))).astype(np.int16)


def _encoder(folder: Path, runtime: str, **changed: Any) -> Encoder:
    shown = {"name": "tiny", "runtime": runtime, "sample_rate_hz": 16_000, "frame_samples": 960, "hop_samples": 480}
    spec = EncoderSpec.model_validate(shown | {"n_outputs": 4} | changed)
    return Encoder(folder / f"tiny.{runtime}", spec, RATE_HZ, n_threads=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tiny.onnx").write_bytes(tiny_onnx(WEIGHTS))
    (tmp_path / "tiny.litert").write_bytes(tiny_litert(WEIGHTS))
    return tmp_path


@pytest.mark.parametrize("runtime", ["onnx", "litert"])
def test_encoder__mean_over_its_own_frames_at_its_own_rate(folder: Path, runtime: str) -> None:
    samples = resample(dequantize(WINDOWS[0]), RATE_HZ, 16_000)
    # 7040 samples are left beside one frame: 15 gaps of at most 480.
    starts = [round(number * 7040 / 15) for number in range(16)]
    wanted = np.mean([samples[start : start + 960] @ WEIGHTS for start in starts], axis=0)
    np.testing.assert_allclose(_encoder(folder, runtime).embed(WINDOWS)[0], wanted, atol=1e-3)


@pytest.mark.parametrize("runtime", ["onnx", "litert"])
def test_encoder__a_batch_equals_one_by_one(folder: Path, runtime: str) -> None:
    encoder = _encoder(folder, runtime)
    one_by_one = np.concatenate([encoder.embed(WINDOWS[i : i + 1]) for i in range(len(WINDOWS))])
    np.testing.assert_allclose(encoder.embed(WINDOWS), one_by_one, rtol=0, atol=1e-5)


def test_encoder__both_runtimes_agree(folder: Path) -> None:
    by_onnx, by_litert = (_encoder(folder, runtime).embed(WINDOWS) for runtime in ("onnx", "litert"))
    np.testing.assert_allclose(by_onnx, by_litert, atol=1e-5)


def test_encoder__speeds_stand_one_after_another(folder: Path) -> None:
    both = _encoder(folder, "onnx", speeds=(1.0, 0.5)).embed(WINDOWS)
    for position, speed in enumerate((1.0, 0.5)):
        alone = _encoder(folder, "onnx", speeds=(speed,)).embed(WINDOWS)
        np.testing.assert_array_equal(both[:, 4 * position : 4 * position + 4], alone)


def test_frames__at_half_speed_sound_an_octave_lower_and_last_twice_as_long(folder: Path) -> None:
    time_s = np.arange(RATE_HZ // 2) / RATE_HZ
    tone = (8_000 * np.sin(2 * np.pi * 4_000 * time_s)).astype(np.int16)
    encoder = _encoder(folder, "onnx", frame_samples=960, hop_samples=960)
    for speed, used_hz, n_frames in ((1.0, 4_000, 9), (0.5, 2_000, 17)):
        frames = encoder.frames(tone, speed)
        assert len(frames) == n_frames
        assert np.abs(np.fft.rfft(frames[n_frames // 2])).argmax() * 16_000 / 960 == pytest.approx(used_hz, abs=17)


@pytest.mark.parametrize(
    ("n_samples", "expected"),
    [(0, [0]), (100, [0]), (101, [0, 1]), (150, [0, 50]), (151, [0, 26, 51]), (250, [0, 50, 100, 150])],
)
def test_frame_starts__cover_everything_as_evenly_as_they_can(n_samples: int, expected: list[int]) -> None:
    assert frame_starts(n_samples, frame_samples=100, hop_samples=50) == expected


@pytest.mark.parametrize("runtime", ["onnx", "litert"])
def test_encoder__other_outputs_than_its_spec_says(folder: Path, runtime: str) -> None:
    with pytest.raises(BundleIntegrityError, match=r"gives 4 numbers a frame, 5 are expected"):
        _encoder(folder, runtime, n_outputs=5)


@pytest.mark.parametrize("runtime", ["onnx", "litert"])
def test_encoder__a_file_that_is_none(folder: Path, runtime: str) -> None:
    (folder / f"tiny.{runtime}").write_bytes(b"nothing")
    with pytest.raises(BundleIntegrityError, match="is not a"):
        _encoder(folder, runtime)


@pytest.mark.parametrize("runtime", ["onnx", "litert"])
def test_encoder__an_output_that_the_file_has_not(folder: Path, runtime: str) -> None:
    with pytest.raises(BundleIntegrityError, match="has no output 'other'"):
        _encoder(folder, runtime, output="other")
