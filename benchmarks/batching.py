"""The predictor's queue against a plain thread pool: windows a second, and what a long upload costs a short one.

`python -m benchmarks.batching --bundle DIR` measures another graph than the made one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.result import Result
from serving.predictor.scheduler import Priority, Scheduler, Tensors
from serving.settings.predictor import PredictorSettings
from silencio.bundle import Bundle
from silencio.bundle.graph import MAX_RUN_WINDOWS, Graph
from silencio.bundle.manifest import GRAPH, GraphInput
from silencio.bundle.placeholder import PLACEHOLDER_CLASSES as CLASSES
from silencio.bundle.placeholder import write_placeholder_bundle
from silencio.config import preset_text, resolve
from silencio.evaluation.calibration import Calibration
from silencio.export.ensemble_graph import EnsembleGraph, write_graph
from silencio.models.head import HeadContext
from silencio.models.registry import head_class
from silencio.models.supervisors.weighted_average import WeightedAverage

Predict = Callable[[Tensors, Priority], Awaitable[NDArray[np.float32]]]
_N_CLIENTS = 8
_BATCHES = (1, 2, 4, 8)
# As the transformer sends a long recording.
_UPLOAD_CALLS_AT_ONCE = 2
_EVERY_S = 0.1


def window_ms(graph: Callable[[int], Graph], quick: bool) -> dict[str, float]:
    """Least time of a window by threads of a session and windows of a run; in turn, so that all are hit alike."""
    graphs = {n_threads: graph(n_threads) for n_threads in (1, 2)}
    times_s: dict[tuple[int, int], list[float]] = {}
    for _ in range(2 if quick else 30):
        for n_threads, one in graphs.items():
            for n_windows in _BATCHES:
                tensors = _windows(one.inputs, n_windows)
                began_s = time.perf_counter()
                one.run(tensors)
                times_s.setdefault((n_threads, n_windows), []).append(time.perf_counter() - began_s)
    return {f"{t} threads, {n} windows": 1e3 * min(some) / n for (t, n), some in times_s.items()}


@dataclass(frozen=True)
class Crowd:
    """What clients got.

    Attributes:
        processor_ms: Processor time of a window, all threads together: what else the machine does hardly changes it.
        per_s: Windows a second.
    """

    processor_ms: float
    per_s: float


@contextmanager
def by_scheduler(graph: Graph, settings: PredictorSettings) -> Iterator[Predict]:
    """Ours."""
    with Scheduler(
        graph.run,
        n_workers=settings.n_workers,
        max_batch_windows=settings.max_batch_windows,
        max_batch_delay_ms=settings.max_batch_delay_ms,
        max_queued_windows=settings.max_queued_windows,
    ) as scheduler:
        yield scheduler.submit


@contextmanager
def by_thread_pool(graph: Graph, settings: PredictorSettings) -> Iterator[Predict]:
    """What is there without it: first come, first served, each call by itself."""
    with ThreadPoolExecutor(settings.n_workers) as pool:

        async def predict(tensors: Tensors, priority: Priority) -> NDArray[np.float32]:
            return await asyncio.get_running_loop().run_in_executor(pool, graph.run, tensors)

        yield predict


async def crowd(
    predict: Predict, inputs: tuple[GraphInput, ...], n_clients: int, n_windows: int
) -> tuple[Crowd, list[float]]:
    """Clients that each ask for one window after another.

    Returns:
        What a window took, and how long each client waited.
    """
    window, took_s = _windows(inputs, 1), []

    async def client() -> None:
        for _ in range(n_windows // n_clients):
            began_s = time.perf_counter()
            await predict(window, "interactive")
            took_s.append(time.perf_counter() - began_s)

    began_s, began_processor_s = time.perf_counter(), time.process_time()
    await asyncio.gather(*(client() for _ in range(n_clients)))
    metrics = Crowd(
        processor_ms=1e3 * (time.process_time() - began_processor_s) / len(took_s),
        per_s=len(took_s) / (time.perf_counter() - began_s),
    )
    return metrics, took_s


async def visitor(
    predict: Predict, inputs: tuple[GraphInput, ...], n_requests: int, *, beside_upload: bool
) -> list[float]:
    """One who asks for a window now and then: how long each takes, alone or beside uploads that never end."""
    window, part = _windows(inputs, 1), _windows(inputs, MAX_RUN_WINDOWS)

    async def uploads() -> None:
        while True:
            await predict(part, "batch")

    others = [asyncio.ensure_future(uploads()) for _ in range(_UPLOAD_CALLS_AT_ONCE if beside_upload else 0)]
    took_s = []
    for _ in range(n_requests):
        began_s = time.perf_counter()
        await predict(window, "interactive")
        took_s.append(time.perf_counter() - began_s)
        await asyncio.sleep(_EVERY_S)
    for one in others:
        one.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    return took_s


def throughput(graph: Graph, settings: PredictorSettings, quick: bool, details: Mapping[str, object]) -> Result:
    """Eight clients, ours and the pool in turn."""
    crowds: dict[str, list[Crowd]] = {"ours": [], "pool": []}
    took_s: dict[str, list[float]] = {"ours": [], "pool": []}
    for _ in range(1 if quick else 4):
        for name, how in (("ours", by_scheduler), ("pool", by_thread_pool)):
            with how(graph, settings) as predict:
                metrics, some_s = asyncio.run(crowd(predict, graph.inputs, _N_CLIENTS, 16 if quick else 80))
            crowds[name].append(metrics)
            took_s[name] += some_s
    min_ms = {name: min(one.processor_ms for one in some) for name, some in crowds.items()}
    per_s = {name: max(one.per_s for one in some) for name, some in crowds.items()}
    words = {name: f"{min_ms[name]:.1f} ms, {per_s[name]:.0f}/s, p95 {_p95_ms(took_s[name]):.0f} ms" for name in crowds}
    turns = {name: [asdict(one) for one in some] for name, some in crowds.items()}
    return Result(
        what=f"processor time of a window, {_N_CLIENTS} clients at once",
        value=min_ms["pool"] / min_ms["ours"],
        unit="times",
        target=0.95,
        at_least=True,
        ours=words["ours"],
        reference=f"thread pool {words['pool']}",
        details={**details, "turns": turns, "settings": _sizes(settings)},
    )


def beside_upload(graph: Graph, settings: PredictorSettings, quick: bool) -> Result:
    """What uploads add to the p95 of one who asks for single windows."""
    n_requests = 3 if quick else 40
    added_ms, alone_ms = {}, {}
    for name, how in (("ours", by_scheduler), ("pool", by_thread_pool)):
        with how(graph, settings) as predict:
            alone_ms[name], beside_ms = (
                _p95_ms(asyncio.run(visitor(predict, graph.inputs, n_requests, beside_upload=uploading)))
                for uploading in (False, True)
            )
        added_ms[name] = beside_ms - alone_ms[name]
    return Result(
        what="what long uploads add to a window's p95",
        value=added_ms["ours"],
        unit="ms",
        target=50.0,
        at_least=False,
        ours=f"{alone_ms['ours']:.0f} + {added_ms['ours']:.0f} ms",
        reference=f"thread pool {alone_ms['pool']:.0f} + {added_ms['pool']:.0f} ms",
        details={"added_ms": added_ms, "alone_ms": alone_ms, "settings": _sizes(settings)},
    )


def _sizes(settings: PredictorSettings) -> dict[str, int]:
    names = ("session_threads", "n_workers", "max_batch_windows", "max_batch_delay_ms")
    return {name: getattr(settings, name) for name in names}


def _p95_ms(took_s: list[float]) -> float:
    return 1e3 * float(np.percentile(took_s, 95))


def _windows(inputs: tuple[GraphInput, ...], n_windows: int) -> Tensors:
    """Noise, as loud as a recording."""
    rng = np.random.default_rng(0)
    scales = {"log_mel": (12.0, -40.0), "waveform": (2_000.0, 0.0)}
    tensors = {}
    for entry in inputs:
        scale, mean = scales[entry.name]
        tensors[entry.name] = (scale * rng.standard_normal((n_windows, *entry.shape)) + mean).astype(entry.dtype)
    return tensors


def _made_graph(path: Path) -> Callable[[int], Graph]:
    """The heads of the preset `reserve-fast`, untrained and in fp32: as much work as trained ones."""
    config = resolve(preset_text("reserve-fast"))
    heads = [
        head_class(one.kind).build(one, HeadContext(config.features, len(CLASSES), initialize=False))
        for one in config.heads.values()
    ]
    module = EnsembleGraph(
        [head.deployable().eval() for head in heads],
        [head.input_names for head in heads],
        [one.loss for one in config.heads.values()],
        WeightedAverage([1 / len(heads)] * len(heads)),
        Calibration.none(len(CLASSES)),
    ).eval()
    shapes = {
        "log_mel": ("float32", config.features.log_mel_shape),
        "waveform": ("int16", (config.features.window_samples,)),
    }
    inputs = tuple(GraphInput(name=n, dtype=shapes[n][0], shape=shapes[n][1]) for n in module.input_names)
    write_graph(module, inputs, config.features, CLASSES, path)
    return lambda n_threads: Graph(path, inputs, n_threads)


def measure(graph: Callable[[int], Graph], quick: bool) -> list[Result]:
    """Both figures; the times by batch and threads stand in the details of the first."""
    settings = PredictorSettings()
    one = graph(settings.session_threads)
    return [
        throughput(one, settings, quick, {"window_ms": window_ms(graph, quick)}),
        beside_upload(one, settings, quick),
    ]


def run(quick: bool) -> list[Result]:
    """On a made graph; on the placeholder's where it shall only run."""
    with tempfile.TemporaryDirectory() as folder:
        if quick:
            return measure(Bundle(write_placeholder_bundle(Path(folder) / "bundle")).graph, quick)
        return measure(_made_graph(Path(folder) / GRAPH), quick)


def main() -> None:
    """Print what is found with a bundle."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batching", description=__doc__)
    parser.add_argument("--bundle", type=Path, required=True, metavar="DIR")
    for result in measure(Bundle(parser.parse_args().bundle).graph, quick=False):
        sys.stdout.write(json.dumps(result.to_dict(), indent=1) + "\n")


if __name__ == "__main__":
    main()
