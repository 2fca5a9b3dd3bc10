"""Static int8 of a graph, and the choice between it and the exact one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from pydantic import ValidationError

from silencio.bundle.graph import OUTPUT, Graph
from silencio.bundle.manifest import GraphInput
from silencio.bundle.placeholder import write_placeholder_bundle
from silencio.errors import BundleError
from silencio.export.quantize import QuantizationReport, QuantizeConfig, choose_variant, quantize_graph

INPUTS = (
    GraphInput(name="log_mel", dtype="float32", shape=(1, 16, 24)),
    GraphInput(name="waveform", dtype="int16", shape=(1, 512)),
)
FACTS = {"spec_sha256": "ab" * 32, "classes_sha256": "cd" * 32, "codes": '["0126247", "grekis", "41970"]'}
FAST = QuantizeConfig(n_timed=10)
Features = dict[str, NDArray[np.generic]]


def _write_graph(path: Path, channels: int = 8) -> Path:
    """Two heads of two convolutions each, as export writes them: scaling before, classifier and average after."""
    rng = np.random.default_rng(0)
    weights = {
        "full_scale": np.array(32768, np.float32),
        "mel_1": rng.standard_normal((channels, 1, 3, 3)),
        "mel_2": rng.standard_normal((channels, channels, 3, 3)) / channels,
        "mel_classifier": rng.standard_normal((channels, 3)),
        "wave_1": rng.standard_normal((channels, 1, 9)),
        "wave_2": rng.standard_normal((channels, channels, 9)) / channels,
        "wave_classifier": rng.standard_normal((channels, 3)),
        "image_axes": np.array([2, 3]),
        "time_axis": np.array([2]),
        "half": np.array(0.5, np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["log_mel", "mel_1"], ["m1"], "mel_conv_1", strides=[2, 2]),
        helper.make_node("Relu", ["m1"], ["m2"], "mel_relu"),
        helper.make_node("Conv", ["m2", "mel_2"], ["m3"], "mel_conv_2"),
        helper.make_node("ReduceMean", ["m3", "image_axes"], ["m4"], "mel_pool", keepdims=0),
        helper.make_node("MatMul", ["m4", "mel_classifier"], ["m5"], "mel_classifier_node"),
        helper.make_node("Softmax", ["m5"], ["m6"], "mel_softmax", axis=1),
        helper.make_node("Cast", ["waveform"], ["w0"], "cast", to=TensorProto.FLOAT),
        helper.make_node("Div", ["w0", "full_scale"], ["w1"], "scale"),
        helper.make_node("Conv", ["w1", "wave_1"], ["w2"], "wave_conv_1", strides=[4]),
        helper.make_node("Relu", ["w2"], ["w3"], "wave_relu"),
        helper.make_node("Conv", ["w3", "wave_2"], ["w4"], "wave_conv_2"),
        helper.make_node("ReduceMean", ["w4", "time_axis"], ["w5"], "wave_pool", keepdims=0),
        helper.make_node("MatMul", ["w5", "wave_classifier"], ["w6"], "wave_classifier_node"),
        helper.make_node("Softmax", ["w6"], ["w7"], "wave_softmax", axis=1),
        helper.make_node("Add", ["m6", "w7"], ["sum"], "sum_of_heads"),
        helper.make_node("Mul", ["sum", "half"], [OUTPUT], "average"),
    ]
    types = {"float32": TensorProto.FLOAT, "int16": TensorProto.INT16}
    graph = helper.make_graph(
        nodes,
        "two_heads",
        [helper.make_tensor_value_info(e.name, types[e.dtype], ["batch", *e.shape]) for e in INPUTS],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch", 3])],
        [
            numpy_helper.from_array(w if w.dtype == np.int64 else w.astype(np.float32), name)
            for name, w in weights.items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    helper.set_model_props(model, FACTS)
    onnx.save(model, path)
    return path


def _features(n_windows: int, seed: int) -> Features:
    rng = np.random.default_rng(seed)
    return {
        "log_mel": rng.standard_normal((n_windows, 1, 16, 24)).astype(np.float32),
        "waveform": rng.integers(-8000, 8000, (n_windows, 1, 512)).astype(np.int16),
        "starts_s": np.arange(n_windows),  # not an input of the graph
    }


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _write_graph(tmp_path_factory.mktemp("exact") / "model.onnx")


@pytest.fixture(scope="module")
def rounded(exact: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rounded") / "model.onnx"
    quantize_graph(exact, (_features(4, seed) for seed in range(8)), path)
    return path


def _makers(path: Path) -> tuple[dict[str, onnx.NodeProto], dict[str, onnx.NodeProto]]:
    nodes = onnx.load(path).graph.node
    return {node.name: node for node in nodes}, {output: node for node in nodes for output in node.output}


def test_quantize__keeps_inputs_output_and_facts(exact: Path, rounded: Path) -> None:
    graph = Graph(rounded, INPUTS, n_threads=1)
    assert graph.facts == FACTS
    assert graph.n_classes == 3
    assert onnx.load(rounded).graph.input == onnx.load(exact).graph.input


def test_quantize__every_convolution_is_fed_and_weighted_by_8_bits(rounded: Path) -> None:
    nodes, maker = _makers(rounded)
    integers = {tensor.name: tensor.data_type for tensor in onnx.load(rounded).graph.initializer}
    convolutions = [node for node in nodes.values() if node.op_type == "Conv"]
    assert len(convolutions) == 4
    for node in convolutions:
        sound, weight = (maker[name] for name in node.input[:2])
        assert (sound.op_type, weight.op_type) == ("DequantizeLinear", "DequantizeLinear")
        assert integers[weight.input[0]] == TensorProto.INT8
        assert integers[sound.input[2]] == TensorProto.UINT8


def test_quantize__each_channel_has_a_scale_of_its_own(rounded: Path) -> None:
    scales = {t.name: tuple(t.dims) for t in onnx.load(rounded).graph.initializer if t.name.endswith("_scale")}
    assert scales["mel_1_scale"] == scales["wave_2_scale"] == (8,)


@pytest.mark.parametrize(
    "name", ["scale", "mel_classifier_node", "wave_classifier_node", "mel_softmax", "sum_of_heads", "average"]
)
def test_quantize__what_is_before_and_after_the_convolutions_stays_float(rounded: Path, name: str) -> None:
    nodes, maker = _makers(rounded)
    made = [maker[tensor].op_type for tensor in nodes[name].input if tensor in maker]
    assert "DequantizeLinear" not in made


def test_quantize__says_nearly_the_same(exact: Path, rounded: Path) -> None:
    features = _features(64, seed=99)
    shown = [Graph(path, INPUTS, n_threads=1).run(features) for path in (exact, rounded)]
    assert 0 < np.abs(shown[0] - shown[1]).max() < 0.05


def test_quantize__ranges_come_from_the_feeds(exact: Path, tmp_path: Path) -> None:
    # Calibrated on sound a hundred times quieter, louder sound is cut off: the feeds decide, nothing else does.
    quiet = {**_features(8, seed=0)}
    quiet["log_mel"] = quiet["log_mel"] / 100
    quantize_graph(exact, [quiet], tmp_path / "model.onnx")
    features = _features(32, seed=99)
    shown = [Graph(path, INPUTS, n_threads=1).run(features) for path in (exact, tmp_path / "model.onnx")]
    assert np.abs(shown[0] - shown[1]).max() > 0.05


def test_quantize__without_windows_nothing_is_written(exact: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no training window"):
        quantize_graph(exact, iter([]), tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_quantize__without_a_convolution_says_so(tmp_path: Path) -> None:
    bundle = write_placeholder_bundle(tmp_path / "bundle")
    with pytest.raises(BundleError, match=r"model.onnx has no convolution"):
        quantize_graph(bundle / "model.onnx", iter([]), tmp_path / "int8.onnx")


def _choose(
    fp32: Path, int8: Path, evaluate: Callable[[NDArray[np.float32]], float], config: QuantizeConfig = FAST
) -> QuantizationReport:
    return choose_variant(fp32, int8, INPUTS, iter([_features(3, 1), _features(1, 2)]), evaluate, config)


def _takes(monkeypatch: pytest.MonkeyPatch, fp32_ms: float, int8_ms: float) -> None:
    """The clock is taken out of it: which of two graphs is faster depends on the processor and on what else it does."""
    monkeypatch.setattr("silencio.export.quantize._median_ms", lambda *_: (fp32_ms, int8_ms))


def test_choose__faster_and_as_good_is_kept(exact: Path, rounded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _takes(monkeypatch, 2.0, 1.0)
    report = _choose(exact, rounded, lambda shown: 0.7)
    assert report.kept
    assert report.int8.p50_ms < report.fp32.p50_ms
    assert report.reason.startswith("int8 is faster (")


def test_choose__slower_is_not_kept(exact: Path, rounded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _takes(monkeypatch, 1.0, 2.0)
    report = _choose(exact, rounded, lambda shown: 0.7)
    assert not report.kept
    assert report.reason.startswith("int8 is not faster here: ")


@pytest.mark.parametrize(("loss", "kept"), [(-0.1, True), (0.004, True), (0.006, False), (float("nan"), False)])
def test_choose__validation_may_lose_as_much_as_is_allowed(
    exact: Path, rounded: Path, loss: float, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    _takes(monkeypatch, 2.0, 1.0)
    metrics = iter([0.7, 0.7 - loss])
    report = _choose(exact, rounded, lambda shown: next(metrics))
    assert report.kept is kept
    assert report.fp32.macro_map == 0.7
    assert kept or "validation macro mAP, 0.005 is the most" in report.reason


def test_choose__the_judge_hears_every_window_of_each_graph(exact: Path, rounded: Path) -> None:
    used: list[NDArray[np.float32]] = []

    def evaluate(shown: NDArray[np.float32]) -> float:
        used.append(shown)
        return 0.5

    report = _choose(exact, rounded, evaluate)
    shown = [
        np.concatenate([Graph(path, INPUTS, n_threads=1).run(_features(n, seed)) for n, seed in ((3, 1), (1, 2))])
        for path in (exact, rounded)
    ]
    np.testing.assert_array_equal(used, shown)
    assert min(report.fp32.p50_ms, report.int8.p50_ms) > 0
    assert report.largest_difference == np.abs(shown[0] - shown[1]).max()
    assert report.equal_top1_share == (shown[0].argmax(axis=1) == shown[1].argmax(axis=1)).mean()
    assert (report.fp32.size_bytes, report.int8.size_bytes) == (exact.stat().st_size, rounded.stat().st_size)


def test_choose__without_validation_says_so(exact: Path) -> None:
    with pytest.raises(BundleError, match="no validation window"):
        choose_variant(exact, exact, INPUTS, iter([]), lambda shown: 0.5, FAST)


def test_report__survives_json(exact: Path) -> None:
    report = _choose(exact, exact, lambda shown: 0.5)
    assert QuantizationReport.model_validate_json(report.model_dump_json()) == report


@pytest.mark.parametrize("values", [{"max_map_loss": -0.1}, {"n_timed": 1}, {"n_calibration_windows": 0}, {"on": True}])
def test_config__wrong_values_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        QuantizeConfig(**values)  # type: ignore[arg-type]
