"""texture: statistics that say what a sound is like, whatever its distance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from silencio.bundle.graph import Graph
from silencio.bundle.manifest import GraphInput, Tolerances
from silencio.errors import ModelError
from silencio.evaluation.calibration import Calibration
from silencio.export.ensemble_graph import EnsembleGraph, write_graph
from silencio.features import FeatureSpec
from silencio.models.head import HeadContext
from silencio.models.heads.texture import Texture, TextureConfig
from silencio.models.supervisors.weighted_average import WeightedAverage
from silencio.taxonomy import ClassList, Species

SPEC = FeatureSpec()
RATE_HZ = SPEC.sample_rate_hz
N_BINS, N_BANDS = 128, 16


def build(spec: FeatureSpec = SPEC, **settings: object) -> Texture:
    torch.manual_seed(0)
    return Texture.build(TextureConfig(**settings), HeadContext(spec, n_classes=5)).eval()


def statistics(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of one window in [-1, 1]: levels (4, n_bins) and flutter (n_bands, n_groups)."""
    waveform = torch.from_numpy(np.round(samples * 32767).astype(np.int16))[None]
    shown = build().statistics(waveform)[0].numpy()
    return shown[: 4 * N_BINS].reshape(4, N_BINS), shown[4 * N_BINS :].reshape(N_BANDS, -1)


def song(carrier_hz: float, pulses_hz: float, noise: float = 0.003) -> np.ndarray:
    t = np.arange(SPEC.window_samples) / RATE_HZ
    pulses = 0.5 * (1.0 - np.cos(2 * np.pi * pulses_hz * t))
    hiss = np.random.default_rng(0).normal(0, noise, len(t))
    return 0.3 * pulses * np.sin(2 * np.pi * carrier_hz * t) + hiss


@pytest.mark.parametrize("carrier_hz", [1_000.0, 6_000.0, 14_000.0])
def test_levels__are_highest_where_the_song_is(carrier_hz: float) -> None:
    levels, _ = statistics(song(carrier_hz, 10.0))
    band = round(carrier_hz / 125.0) - 1  # the first is 125 Hz, not the constant part
    assert levels[0].argmax() == levels[3].argmax() == band
    # It comes and goes; the hiss elsewhere does not.
    assert levels[1, band] > 2 * np.median(levels[1])


@pytest.mark.parametrize("pulses_hz", [5.0, 20.0, 80.0])
def test_flutter__is_strongest_at_the_rate_of_the_pulses(pulses_hz: float) -> None:
    _, flutter = statistics(song(6_000.0, pulses_hz))
    edges = [0.0, *(build().grouping > 0).sum(dim=0).cumsum(0).numpy() * 0.5]  # half a hertz each
    group = flutter[5].argmax()  # 5 to 6 kHz, and a band's edge
    assert edges[group] - 0.5 <= pulses_hz <= edges[group + 1] + 0.5


def test_distance__does_not_change_what_is_heard() -> None:
    near, far = song(6_000.0, 20.0, noise=0.01), 0.25 * song(6_000.0, 20.0, noise=0.01)
    for ours, theirs in zip(statistics(near), statistics(far), strict=True):
        assert np.abs(ours - theirs).max() < 0.3  # dB, or natural logarithms


def test_silence__is_finite() -> None:
    with torch.inference_mode():
        assert torch.isfinite(build()(torch.zeros(1, SPEC.window_samples, dtype=torch.int16))).all()


def test_what_follows_from_the_configuration__is_not_saved() -> None:
    assert not {"fourier", "modulation", "grouping"} & set(build().state_dict())


def test_window_that_is_too_short__is_one_sentence() -> None:
    short = SPEC.model_copy(update={"window_s": 0.05, "hop_s": 0.05})
    with pytest.raises(ModelError, match="texture cannot take windows of 1600 samples with n_fft=256, n_bands=16"):
        build(short)
    with pytest.raises(ModelError, match="frames of 16 bands"):
        build(n_fft=32, n_bands=17)


def test_short_windows__hear_flutter_as_long_as_they_are() -> None:
    half_a_second = SPEC.model_copy(update={"window_s": 0.5, "hop_s": 0.5})
    assert build(half_a_second).grouping.shape[0] == 62
    assert build().grouping.shape[0] == 250


def test_statistics__are_as_exact_in_mixed_precision() -> None:
    waveform = torch.from_numpy(np.round(song(6_000.0, 20.0) * 32767).astype(np.int16))[None]
    head = build()
    exact = head.statistics(waveform)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(head.statistics(waveform), exact)


def test_exported__says_the_same_of_a_song_and_of_silence(tmp_path: Path) -> None:
    # An exporter may take a small constant for nothing: the logarithm of silence would be no number.
    waveform = np.stack([np.round(song(6_000.0, 20.0) * 32767), np.zeros(SPEC.window_samples)]).astype(np.int16)
    inputs = (GraphInput(name="waveform", dtype="int16", shape=(SPEC.window_samples,)),)
    names = [f"species{number}" for number in range(5)]
    classes = ClassList.of(
        Species(code=name, scientific_name=name, common_name=name, class_name="Insecta") for name in names
    )
    head = build()
    module = EnsembleGraph(
        [head], [head.input_names], ["cross_entropy"], WeightedAverage([1.0]), Calibration.none(5)
    ).eval()
    write_graph(module, inputs, SPEC, classes, tmp_path / "model.onnx")
    shown = Graph(tmp_path / "model.onnx", inputs, n_threads=1).run({"waveform": waveform})
    with torch.inference_mode():
        expected = head(torch.from_numpy(waveform)).softmax(dim=1).numpy()
    assert np.abs(shown - expected).max() < Tolerances().torch_to_onnx
