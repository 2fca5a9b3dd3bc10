"""Which variant of a graph is released: fp32, or int8 where validation and the clock allow it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from silencio.bundle.graph import Graph
from silencio.bundle.manifest import GRAPH, GraphInput, Tolerances
from silencio.config.quantization import QuantizeConfig
from silencio.data.shards import ShardSet, targets
from silencio.evaluation.metrics import average_precisions, mean_of_present
from silencio.evaluation.recording_scores import recording_scores
from silencio.export.quantize import Features, QuantizationReport, choose_variant, has_convolution, quantize_graph
from silencio.features import FrontEnd
from silencio.storage import replace_file
from silencio.taxonomy import ClassList

# 8-bit kernels round otherwise on processors without VNNI; loaders also ask for the same most probable species.
_INT8 = Tolerances(cpu=0.02)
_BATCH = 16
_ROUNDING_RECORDINGS, _ROUNDING_MARGIN = 16, 20.0


def released_variant(
    directory: Path,
    inputs: tuple[GraphInput, ...],
    training: ShardSet,
    validation: ShardSet,
    classes: ClassList,
    config: QuantizeConfig,
) -> tuple[Tolerances, QuantizationReport | None]:
    """Try int8 beside the exported graph, and put it in its place where it is kept.

    Args:
        directory: Holds the graph.
        inputs: What it is fed.
        training: Its windows are what activations are measured on.
        validation: Validation recordings, which decide.
        classes: What the outputs mean.
        config: What int8 may cost; it may be switched off.

    Returns:
        What parity means for the released graph, and both variants' metrics; None where int8 was not tried, or there
        is no convolution to try it on.
    """
    front_end = FrontEnd(validation.spec)
    features = [validation.inputs(index, front_end) for index in range(len(validation))]
    exact = Tolerances(cpu=_rounding(Graph(directory / GRAPH, inputs, n_threads=1), features))
    if not config.enabled or not has_convolution(directory / GRAPH):
        return exact, None
    graph, candidate = directory / GRAPH, directory / ".int8.onnx"
    quantize_graph(graph, _batches(training, config.n_calibration_windows), candidate)
    target = targets(validation.table, classes.index)
    recording = np.repeat(np.arange(len(features)), [len(one["waveform"]) for one in features])

    def macro_map(probabilities: NDArray[np.float32]) -> float:
        return mean_of_present(average_precisions(recording_scores(probabilities, recording), target))

    report = choose_variant(graph, candidate, inputs, features, macro_map, config)
    if report.kept:
        replace_file(candidate, graph)
        return _INT8, report
    candidate.unlink()
    return exact, report


def _rounding(graph: Graph, features: Iterable[Features]) -> float:
    """How far another processor's rounding may take a probability, from how far another order of sums does here.

    A window alone is summed in another order than among others; a head that takes logarithms, say, makes more of it.
    In powers of ten: bundle.json is to be the same wherever it is written.
    """
    largest = 0.0
    for recording in itertools.islice(features, _ROUNDING_RECORDINGS):
        among_others = graph.run(recording)
        for number, expected in enumerate(among_others):
            alone = graph.run({name: value[number : number + 1] for name, value in recording.items()})
            largest = max(largest, float(np.abs(alone[0] - expected).max()))
    wanted = max(Tolerances().cpu, _ROUNDING_MARGIN * largest)
    return float(f"1e{math.ceil(round(math.log10(wanted), 6))}")


def _batches(training: ShardSet, n_windows: int) -> Iterator[Features]:
    """One window of each recording in turn, so that a long recording does not decide the ranges."""
    front_end = FrontEnd(training.spec)
    chosen: Iterable[int] = np.linspace(0, len(training) - 1, min(n_windows, len(training))).astype(int)
    middles = []
    for index in map(int, chosen):
        inputs = training.inputs(index, front_end)
        middle = len(inputs["waveform"]) // 2
        middles.append({name: value[middle] for name, value in inputs.items()})
    for begin in range(0, len(middles), _BATCH):
        batch = middles[begin : begin + _BATCH]
        yield {name: np.stack([one[name] for one in batch]) for name in batch[0]}
