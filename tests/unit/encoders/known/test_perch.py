"""Perch 2.0 is read from either of its conversions: made files with their names and shapes, and made weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from silencio.encoders import Encoder
from silencio.encoders.config import EncoderConfig
from silencio.encoders.registry import encoder_file, encoder_spec
from silencio.errors import PretrainedWeightsError
from tests.unit.encoders.made_litert import MadeLitert

N_CLASSES = 14_795
WEIGHTS = np.random.default_rng(1).standard_normal((1, 1536)).astype(np.float32)


def perch_onnx() -> bytes:
    """Outputs as in justinchuby/Perch-onnx: the embedding is the first 1,536 samples and made weights."""
    shapes = {
        "embedding": ["batch", 1536],
        "spatial_embedding": ["batch", 16, 4, 1536],
        "spectrogram": ["batch", 500, 128],
        "label": ["batch", N_CLASSES],
    }
    constants = {"from": [0], "axis": [1], "spatial": [-1, 16, 4, 1536], "mel": [-1, 500, 128]}
    constants |= {f"n{n}": [n] for n in (1536, 98_304, 64_000, N_CLASSES)}
    initializers = [numpy_helper.from_array(np.int64(values), name) for name, values in constants.items()]
    initializers += [numpy_helper.from_array(WEIGHTS, "weights")]
    initializers += [numpy_helper.from_array(np.ones((1, N_CLASSES), np.float32), "classifier")]
    slices = [
        helper.make_node("Slice", ["inputs", "from", f"n{n}", "axis"], [f"first{n}"])
        for n in (1536, 98_304, 64_000, N_CLASSES)
    ]
    nodes = [
        *slices,
        helper.make_node("Add", ["first1536", "weights"], ["embedding"]),
        helper.make_node("Reshape", ["first98304", "spatial"], ["spatial_embedding"]),
        helper.make_node("Reshape", ["first64000", "mel"], ["spectrogram"]),
        helper.make_node("Add", [f"first{N_CLASSES}", "classifier"], ["label"]),
    ]
    described = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    used = helper.make_tensor_value_info("inputs", TensorProto.FLOAT, ["batch", 160_000])
    graph = helper.make_graph(nodes, "perch", [used], described, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def perch_tflite() -> bytes:
    """Outputs called `StatefulPartitionedCall:n`, and the unpooled embedding first."""
    made = MadeLitert(160_000)
    embedding = made.plus("StatefulPartitionedCall:0", made.slice("first", 1536), WEIGHTS)
    spatial = made.reshaped("StatefulPartitionedCall:2", made.slice("more", 98_304), (1, 16, 4, 1536))
    label = made.plus(
        "StatefulPartitionedCall:1", made.slice("some", N_CLASSES), np.ones((1, N_CLASSES), dtype=np.float32)
    )
    return made.content([spatial, label, embedding])


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILENCIO_CACHE", str(tmp_path / "cache"))


@pytest.fixture(params=["perch_v2.onnx", "perch_v2.tflite"])
def config(request: pytest.FixtureRequest, tmp_path: Path) -> EncoderConfig:
    path = tmp_path / request.param
    path.write_bytes(perch_onnx() if path.suffix == ".onnx" else perch_tflite())
    return EncoderConfig(weights=str(path))


def as_google_gives_it(window: NDArray[np.int16]) -> NDArray[np.float64]:
    samples = window / 32_768 - (window / 32_768).mean()
    return samples / np.abs(samples).max() * 0.25


def test_perch__hears_windows_without_mean_at_a_peak_of_a_quarter(config: EncoderConfig) -> None:
    windows = np.random.default_rng(0).integers(-900, 1_200, (3, 160_000)).astype(np.int16)
    encoder = Encoder(encoder_file("perch", config), encoder_spec("perch", config), 32_000, 1)
    expected = np.stack([as_google_gives_it(window)[:1536] for window in windows]) + WEIGHTS
    np.testing.assert_allclose(encoder.embed(windows), expected, atol=1e-6)


def test_perch__silence_is_heard_as_silence(config: EncoderConfig) -> None:
    encoder = Encoder(encoder_file("perch", config), encoder_spec("perch", config), 32_000, 1)
    np.testing.assert_allclose(encoder.embed(np.full((1, 160_000), 70, np.int16)), WEIGHTS, atol=1e-6)


def test_perch__leaves_its_classifier_behind(config: EncoderConfig) -> None:
    made = encoder_file("perch", config)
    assert made.suffix == Path(config.weights).suffix
    assert made.stat().st_size < Path(config.weights).stat().st_size - 4 * N_CLASSES


def test_perch__the_suffix_says_what_runs_it() -> None:
    assert encoder_spec("perch", EncoderConfig()).runtime == "onnx"
    assert encoder_spec("perch", EncoderConfig(weights="/x/perch_v2.tflite")).runtime == "litert"


def test_perch__another_onnx_file_is_one_sentence(tmp_path: Path) -> None:
    model = onnx.load_from_string(perch_onnx())
    del model.graph.output[0]
    onnx.save(model, tmp_path / "other.onnx")
    with pytest.raises(PretrainedWeightsError, match=r"other.onnx' is not Perch 2.0: one output of 1536 numbers"):
        encoder_file("perch", EncoderConfig(weights=str(tmp_path / "other.onnx")))


@pytest.mark.parametrize("name", ["page.onnx", "page.tflite"])
def test_perch__what_is_no_model_is_one_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"<html>not found</html>" * 9)
    with pytest.raises(PretrainedWeightsError, match=rf"{name}' is not an? (ONNX file|TFLite model)"):
        encoder_file("perch", EncoderConfig(weights=str(tmp_path / name)))
