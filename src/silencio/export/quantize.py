"""Static int8 of a bundle's graph, kept only where it costs next to no accuracy and is faster here.

Weights and activations of the convolutional bodies become 8-bit integers with ranges found on training windows (Jacob
et al. 2018, arXiv:1712.05877), written as QDQ nodes that ONNX Runtime fuses. Dynamic int8 is no choice: it makes CNNs
slower.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from pydantic import BaseModel, ConfigDict

from silencio.bundle.graph import Graph
from silencio.bundle.manifest import GraphInput
from silencio.config.quantization import QuantizeConfig
from silencio.errors import BundleError
from silencio.storage import write_atomically

Features = Mapping[str, NDArray[np.generic]]
Score = Callable[[NDArray[np.float32]], float]

_WARM_UP = 3


class VariantMetrics(BaseModel):
    """One graph, measured.

    Attributes:
        size_bytes: Bytes of its file.
        p50_ms: Median time of one window, one thread.
        macro_map: Macro mAP on validation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    size_bytes: int
    p50_ms: float
    macro_map: float


class QuantizationReport(BaseModel):
    """Both graphs side by side, and which one is released.

    Attributes:
        fp32: Metrics of the exported graph.
        int8: Metrics of the quantized graph.
        largest_difference: Largest difference of a probability, over all validation windows.
        equal_top1_share: Share of the validation windows in which both name the same species first.
        kept: int8 is released.
        reason: Why, or why not.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    fp32: VariantMetrics
    int8: VariantMetrics
    largest_difference: float
    equal_top1_share: float
    kept: bool
    reason: str


def has_convolution(graph_path: Path) -> bool:
    """Whether there is anything in a graph that int8 makes faster."""
    return any(node.op_type == "Conv" for node in onnx.load(graph_path, load_external_data=False).graph.node)


def quantize_graph(graph_path: Path, feeds: Iterable[Features], out_path: Path) -> None:
    """Write the int8 variant of a graph, with the same inputs, output and facts.

    What stands before a head's first convolution (the waveform's scaling) and after its last one (classifier,
    supervisor, calibration) stays float: it costs no time, and 8 bits there would cost accuracy.

    Args:
        graph_path: The exported graph.
        feeds: Training windows in batches: at least the graph's inputs, each (n_windows, …).
        out_path: The new graph; nothing is written there before it is whole.

    Raises:
        BundleError: The graph has no convolution, or there is no feed.
    """
    with tempfile.TemporaryDirectory(prefix="silencio-quantize-") as temporary:
        prepared, quantized = Path(temporary) / "prepared.onnx", Path(temporary) / "quantized.onnx"
        quant_pre_process(str(graph_path), str(prepared))
        model = onnx.load(prepared)
        body = _convolutional_body(model)
        if not body:
            raise BundleError(f"{graph_path.name} has no convolution: there is nothing in it to quantize")
        quantize_static(
            str(prepared),
            str(quantized),
            _Feeds(feeds, [node.name for node in model.graph.input]),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            nodes_to_quantize=body,
        )
        finished = onnx.load(quantized)
        facts = {entry.key: entry.value for entry in onnx.load(graph_path, load_external_data=False).metadata_props}
        onnx.helper.set_model_props(finished, facts)
        onnx.save(finished, quantized)
        write_atomically(out_path, quantized)


class _Feeds(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime is untyped
    """Batches as ONNX Runtime's calibrator asks for them."""

    def __init__(self, feeds: Iterable[Features], names: list[str]) -> None:
        self._feeds: Iterator[Features] = iter(feeds)
        self._names = names
        self._n_read = 0

    def get_next(self) -> dict[str, NDArray[np.generic]] | None:
        batch = next(self._feeds, None)
        if batch is None:
            if not self._n_read:
                raise BundleError("there is no training window to calibrate int8 on")
            return None
        self._n_read += 1
        return {name: batch[name] for name in self._names}


def _convolutional_body(model: onnx.ModelProto) -> list[str]:
    """Names of the convolutions and of every node on a path from one to another."""
    nodes = list(model.graph.node)
    after = _reached(nodes, lambda node: (node.input, node.output))
    before = _reached(list(reversed(nodes)), lambda node: (node.output, node.input))
    return [node.name for node in nodes if node.name in after and node.name in before]


def _reached(
    nodes: list[onnx.NodeProto], ends: Callable[[onnx.NodeProto], tuple[Iterable[str], Iterable[str]]]
) -> set[str]:
    """Names of the convolutions and of what is fed by one, in the direction in which `nodes` and `ends` look."""
    names: set[str] = set()
    tensors: set[str] = set()
    for node in nodes:
        near, far = ends(node)
        if node.op_type == "Conv" or tensors.intersection(near):
            names.add(node.name)
            tensors.update(far)
    return names


def choose_variant(
    fp32_path: Path,
    int8_path: Path,
    inputs: tuple[GraphInput, ...],
    validation: Iterable[Features],
    score: Score,
    config: QuantizeConfig,
) -> QuantizationReport:
    """Measure both graphs on validation windows and choose which one is released.

    Args:
        fp32_path: The exported graph.
        int8_path: As `quantize_graph` wrote it.
        inputs: What both are fed.
        validation: Validation windows, usually one recording at a time; read once.
        score: Function from all probabilities, (n_windows, n_classes), to validation's macro mAP.
        config: What int8 may cost.

    Raises:
        BundleError: There is no validation window.
    """
    fp32, int8 = (Graph(path, inputs, n_threads=1) for path in (fp32_path, int8_path))
    pairs: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []
    timed: list[Features] = []
    for features in validation:
        pairs.append((fp32.run(features), int8.run(features)))
        timed += _single_windows(features, inputs, config.n_timed - len(timed))
    if not timed:
        raise BundleError("there is no validation window to compare int8 on")
    exact, rounded = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    p50_ms = _median_ms((fp32, int8), timed, config.n_timed)
    metrics = [
        VariantMetrics(size_bytes=path.stat().st_size, p50_ms=ms, macro_map=float(score(probabilities)))
        for path, ms, probabilities in zip((fp32_path, int8_path), p50_ms, (exact, rounded), strict=True)
    ]
    kept, reason = _verdict(metrics[0], metrics[1], config.max_map_loss)
    return QuantizationReport(
        fp32=metrics[0],
        int8=metrics[1],
        largest_difference=float(np.abs(exact - rounded).max()),
        equal_top1_share=float((exact.argmax(axis=1) == rounded.argmax(axis=1)).mean()),
        kept=kept,
        reason=reason,
    )


def _single_windows(features: Features, inputs: tuple[GraphInput, ...], max_windows: int) -> list[Features]:
    n_windows = len(features[inputs[0].name])
    return [
        {entry.name: features[entry.name][number : number + 1] for entry in inputs}
        for number in range(min(max_windows, n_windows))
    ]


def _median_ms(graphs: tuple[Graph, Graph], windows: list[Features], n_timed: int) -> tuple[float, float]:
    """Median time of one window by each graph; in turn, so that what else the machine does hits both."""
    times_s: tuple[list[float], list[float]] = ([], [])
    for number in range(-_WARM_UP, n_timed):
        for graph, own in zip(graphs, times_s, strict=True):
            began_s = time.perf_counter()
            graph.run(windows[number % len(windows)])
            if number >= 0:
                own.append(time.perf_counter() - began_s)
    return 1e3 * float(np.median(times_s[0])), 1e3 * float(np.median(times_s[1]))


def _verdict(fp32: VariantMetrics, int8: VariantMetrics, max_map_loss: float) -> tuple[bool, str]:
    loss = fp32.macro_map - int8.macro_map
    times = f"{int8.p50_ms:.1f} ms a window against {fp32.p50_ms:.1f} ms"
    # Written so that a metric that is no number never passes.
    if not loss <= max_map_loss:
        return False, f"int8 loses {loss:.4f} validation macro mAP, {max_map_loss:g} is the most that is allowed"
    if not int8.p50_ms < fp32.p50_ms:
        return False, f"int8 is not faster here: {times}"
    return True, f"int8 is faster ({times}) and loses {max(0.0, loss):.4f} validation macro mAP"
