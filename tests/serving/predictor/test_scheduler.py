"""Who is computed next: the predictor's queue by itself, with a graph whose every run is watched."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable, Coroutine, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from serving.predictor import scheduler as scheduler_module
from serving.predictor.scheduler import Priority, QueueFullError, Scheduler
from silencio.bundle.graph import Graph
from silencio.bundle.manifest import GraphInput
from tests.waiting import HANG_S, until

Tensors = dict[str, NDArray[np.float32]]
N_CLASSES = 3
MAX_BATCH = 4


class WatchedGraph:
    """Doubles what it is given, and runs only when it may.

    Attributes:
        runs: The marks of the windows of each run, in order of beginning.
        may_run: Clear it, and runs wait.
        begun: Released at the beginning of each run.
    """

    def __init__(self) -> None:
        self.runs: list[list[float]] = []
        self.may_run = threading.Event()
        self.may_run.set()
        self.begun = threading.Semaphore(0)

    def __call__(self, tensors: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        self.runs.append([float(mark) for mark in tensors["sound"][:, 0]])
        self.begun.release()
        assert self.may_run.wait(HANG_S)
        if (tensors["sound"] < 0).any():
            raise RuntimeError("a negative sound")
        return np.repeat(2 * tensors["sound"][:, :1], N_CLASSES, axis=1)


def _windows(*marks: float) -> Tensors:
    return {"sound": np.array(marks, np.float32)[:, None].repeat(5, axis=1)}


@pytest.fixture
def graph() -> WatchedGraph:
    return WatchedGraph()


@pytest.fixture
def make(graph: WatchedGraph) -> Iterator[Callable[..., Scheduler]]:
    made: list[Scheduler] = []

    def make(**changes: Any) -> Scheduler:
        sizes = {"n_workers": 1, "max_batch_windows": MAX_BATCH, "max_batch_delay_ms": 0, "max_queued_windows": 1_000}
        made.append(Scheduler(graph, **(sizes | changes)))
        return made[-1]

    yield make
    graph.may_run.set()
    for scheduler in made:
        scheduler.close()


def _later(scheduler: Scheduler, priority: Priority, *marks: float) -> asyncio.Task[NDArray[np.float32]]:
    return asyncio.ensure_future(scheduler.submit(_windows(*marks), priority))


async def _held(scheduler: Scheduler, graph: WatchedGraph) -> asyncio.Task[NDArray[np.float32]]:
    """A window in the only worker that ends when it is told to: what is asked meanwhile waits."""
    graph.may_run.clear()
    first = _later(scheduler, "interactive", 0.0)
    await asyncio.to_thread(graph.begun.acquire)
    return first


async def _queued(*tasks: asyncio.Task[Any]) -> None:
    """Until every task has put its windows into the queue: a turn of the loop is enough."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not any(task.done() for task in tasks)


def run(steps: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(steps, HANG_S))


def test_submit__gives_each_request_its_own_rows_in_order(make: Callable[..., Scheduler]) -> None:
    async def steps() -> None:
        scheduler = make(n_workers=3)
        requests = [[float(10 * i + j) for j in range(1 + i % 7)] for i in range(60)]
        priorities: list[Priority] = ["interactive", "batch"]
        answers = await asyncio.gather(*(_later(scheduler, priorities[i % 2], *one) for i, one in enumerate(requests)))
        for marks, answer in zip(requests, answers, strict=True):
            assert answer.dtype == np.float32
            np.testing.assert_array_equal(answer, np.repeat(2 * np.array(marks)[:, None], N_CLASSES, axis=1))
        assert scheduler.queue_length() == 0

    run(steps())


def _convolutional_graph(path: Path) -> Graph:
    """Small, but of the kernels that may add up in another order in a batch."""
    rng = np.random.default_rng(3)
    shapes = {"first": (8, 1, 3, 3), "second": (16, 8, 3, 3), "classes": (16, N_CLASSES)}
    weights = [
        numpy_helper.from_array(0.3 * rng.standard_normal(shape).astype(np.float32), name)
        for name, shape in shapes.items()
    ]
    weights.append(numpy_helper.from_array(np.array([1], np.int64), "channel_axis"))
    nodes = [
        helper.make_node("Unsqueeze", ["log_mel", "channel_axis"], ["image"]),
        helper.make_node("Conv", ["image", "first"], ["a"]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Conv", ["b", "second"], ["c"], strides=[2, 2]),
        helper.make_node("GlobalAveragePool", ["c"], ["d"]),
        helper.make_node("Flatten", ["d"], ["e"]),
        helper.make_node("MatMul", ["e", "classes"], ["f"]),
        helper.make_node("Sigmoid", ["f"], ["probabilities"]),
    ]
    inputs = [helper.make_tensor_value_info("log_mel", TensorProto.FLOAT, ["batch", 32, 64])]
    outputs = [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", N_CLASSES])]
    graph = helper.make_graph(nodes, "small", inputs, outputs, weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return Graph(path, (GraphInput(name="log_mel", dtype="float32", shape=(32, 64)),), n_threads=1)


@pytest.mark.parametrize("max_batch_windows", [1, 2, 3, 8])
def test_submit__gives_the_numbers_of_the_window_alone(tmp_path: Path, max_batch_windows: int) -> None:
    graph = _convolutional_graph(tmp_path / "small.onnx")
    windows = np.random.default_rng(0).standard_normal((40, 32, 64)).astype(np.float32)
    alone = np.concatenate([graph.run({"log_mel": windows[i : i + 1]}) for i in range(40)])

    async def steps() -> None:
        sizes = {"max_batch_windows": max_batch_windows, "max_batch_delay_ms": 0, "max_queued_windows": 100}
        with Scheduler(graph.run, n_workers=2, **sizes) as scheduler:
            sent = [scheduler.submit({"log_mel": windows[i : i + 4]}) for i in range(0, 40, 4)]
            together = np.concatenate(await asyncio.gather(*sent))
        np.testing.assert_allclose(together, alone, rtol=0, atol=1e-5)

    run(steps())
    assert np.ptp(alone, axis=0).min() > 0.01


def test_run__takes_windows_of_several_requests_and_never_more_than_it_may(
    make: Callable[..., Scheduler], graph: WatchedGraph
) -> None:
    async def steps() -> None:
        scheduler = make()
        waiting = [await _held(scheduler, graph)]
        waiting += [_later(scheduler, "interactive", *marks) for marks in ([1, 2], [3], [4, 5, 6], [7])]
        await _queued(*waiting)
        assert scheduler.queue_length() == 7
        graph.may_run.set()
        await asyncio.gather(*waiting)

    run(steps())
    assert graph.runs == [[0], [1, 2, 3, 4], [5, 6, 7]]


def test_run__interactive_windows_go_before_batch_ones_that_came_first(
    make: Callable[..., Scheduler], graph: WatchedGraph
) -> None:
    async def steps() -> None:
        scheduler = make()
        waiting = [await _held(scheduler, graph), _later(scheduler, "batch", 1, 2, 3, 4, 5)]
        waiting.append(_later(scheduler, "interactive", 6))
        await _queued(*waiting)
        graph.may_run.set()
        await asyncio.gather(*waiting)

    run(steps())
    # An interactive run is not filled up with batch windows either: they would make it longer.
    assert graph.runs == [[0], [6], [1, 2, 3, 4], [5]]


def test_run__a_long_batch_request_holds_nobody_up_for_longer_than_one_run(
    make: Callable[..., Scheduler], graph: WatchedGraph
) -> None:
    async def steps() -> None:
        scheduler = make()
        graph.may_run.clear()
        batch = _later(scheduler, "batch", *range(100, 220))
        await asyncio.to_thread(graph.begun.acquire)
        interactive = _later(scheduler, "interactive", 1)
        await _queued(interactive)
        graph.may_run.set()
        await interactive
        await batch

    run(steps())
    assert graph.runs[1] == [1]
    assert len(graph.runs[0]) == MAX_BATCH


def test_run__batch_windows_keep_a_tenth_under_interactive_load(
    make: Callable[..., Scheduler], graph: WatchedGraph
) -> None:
    async def steps() -> None:
        scheduler = make()
        waiting = [await _held(scheduler, graph), _later(scheduler, "batch", *range(10, 18))]
        waiting += [_later(scheduler, "interactive", 1_000 + i) for i in range(200)]
        await _queued(*waiting)
        graph.may_run.set()
        await asyncio.gather(*waiting)

    run(steps())
    before_last_interactive = [mark for marks in graph.runs[:50] for mark in marks]
    n_batch = sum(mark < 1_000 for mark in before_last_interactive[1:])
    assert n_batch == 8
    first = next(i for i, marks in enumerate(graph.runs[1:]) if marks[0] < 1_000)
    assert first * MAX_BATCH == 36


def test_run__threads_share_what_waits(make: Callable[..., Scheduler], graph: WatchedGraph) -> None:
    async def steps() -> None:
        scheduler = make(n_workers=2)
        graph.may_run.clear()
        answer = _later(scheduler, "interactive", 1, 2)
        for _ in range(2):
            assert await asyncio.to_thread(graph.begun.acquire, timeout=HANG_S)
        graph.may_run.set()
        np.testing.assert_array_equal((await answer)[:, 0], [2, 4])

    run(steps())
    assert sorted(graph.runs) == [[1], [2]]


def test_wait__is_for_company_and_ends_when_the_run_is_full(
    make: Callable[..., Scheduler], graph: WatchedGraph
) -> None:
    async def steps() -> None:
        scheduler = make(max_batch_delay_ms=3_600_000)
        await asyncio.gather(*(_later(scheduler, "interactive", i) for i in range(MAX_BATCH)))

    run(steps())
    assert graph.runs == [[0, 1, 2, 3]]


def test_wait__is_bounded(make: Callable[..., Scheduler], graph: WatchedGraph) -> None:
    async def steps() -> None:
        scheduler = make(max_batch_delay_ms=50)
        await scheduler.submit(_windows(1))

    run(steps())
    assert graph.runs == [[1]]


def test_queue__that_is_full_refuses_and_takes_again_when_there_is_room(
    make: Callable[..., Scheduler], graph: WatchedGraph
) -> None:
    async def steps() -> None:
        scheduler = make(max_queued_windows=5)
        waiting = [await _held(scheduler, graph), _later(scheduler, "batch", *range(10, 15))]
        await _queued(*waiting)
        with pytest.raises(QueueFullError, match="5 batch windows wait already, 5 are the most"):
            await scheduler.submit(_windows(20), "batch")
        # Batch work that fills its own queue leaves the other's alone.
        waiting.append(_later(scheduler, "interactive", 1))
        await _queued(*waiting)
        assert scheduler.queue_length() == 6
        graph.may_run.set()
        await asyncio.gather(*waiting)
        await scheduler.submit(_windows(20), "batch")

    run(steps())


def test_queue__takes_a_request_that_is_larger_than_itself_when_nothing_waits(make: Callable[..., Scheduler]) -> None:
    async def steps() -> None:
        assert len(await make(max_queued_windows=2).submit(_windows(1, 2, 3))) == 3

    run(steps())


def test_cancel__takes_a_request_out_of_the_queue(make: Callable[..., Scheduler], graph: WatchedGraph) -> None:
    async def steps() -> None:
        scheduler = make()
        waiting = [await _held(scheduler, graph), _later(scheduler, "interactive", 7)]
        gone = _later(scheduler, "interactive", *range(10, 20))
        await _queued(gone)
        assert scheduler.queue_length() == 11
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        assert gone.cancelled()
        assert scheduler.queue_length() == 1
        graph.may_run.set()
        await asyncio.gather(*waiting)

    run(steps())
    assert graph.runs == [[0], [7]]


def test_cancel__of_a_request_that_half_ran_leaves_the_rest_unrun(
    make: Callable[..., Scheduler], graph: WatchedGraph
) -> None:
    async def steps() -> None:
        scheduler = make()
        graph.may_run.clear()
        gone = _later(scheduler, "batch", *range(10, 20))
        await asyncio.to_thread(graph.begun.acquire)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        assert scheduler.queue_length() == 0
        graph.may_run.set()
        np.testing.assert_array_equal((await scheduler.submit(_windows(1)))[0], [2, 2, 2])

    run(steps())
    assert graph.runs == [[10, 11, 12, 13], [1]]


def test_failure__of_the_graph_reaches_who_asked_and_nobody_later(
    make: Callable[..., Scheduler], graph: WatchedGraph
) -> None:
    async def steps() -> None:
        scheduler = make()
        with pytest.raises(RuntimeError, match="a negative sound"):
            await scheduler.submit(_windows(-1, 1, 1, 1, 1, 1))
        assert scheduler.queue_length() == 0
        np.testing.assert_array_equal((await scheduler.submit(_windows(4)))[0], [8, 8, 8])

    run(steps())
    assert len(graph.runs) == 2


def test_on_batch__is_told_of_each_run(
    make: Callable[..., Scheduler], graph: WatchedGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = [100.0]
    monkeypatch.setattr(scheduler_module, "time", SimpleNamespace(monotonic=lambda: now_s[0]))
    reported: list[tuple[int, float, float]] = []

    async def steps() -> None:
        scheduler = make()
        scheduler.on_batch = lambda *metrics: reported.append(metrics)
        waiting = [await _held(scheduler, graph), _later(scheduler, "interactive", 1, 2)]
        await _queued(*waiting)
        now_s[0] += 7.0
        graph.may_run.set()
        await asyncio.gather(*waiting)
        scheduler.close()

    run(steps())
    (n_first, _, first_ran_s), (n_second, second_waited_s, second_ran_s) = reported
    assert (n_first, n_second) == (1, 2)
    assert (first_ran_s, second_waited_s, second_ran_s) == (7.0, 7.0, 0.0)


def test_on_batch__that_fails_ends_no_thread(make: Callable[..., Scheduler]) -> None:
    async def steps() -> None:
        scheduler = make()
        scheduler.on_batch = lambda *metrics: 1 / 0
        for mark in (1, 2):
            np.testing.assert_array_equal((await scheduler.submit(_windows(mark)))[0], [2 * mark] * N_CLASSES)

    run(steps())


def test_close__answers_what_waits(graph: WatchedGraph) -> None:
    async def steps() -> None:
        with Scheduler(
            graph, n_workers=1, max_batch_windows=2, max_batch_delay_ms=0, max_queued_windows=100
        ) as scheduler:
            waiting = [_later(scheduler, "batch", *range(9))]
            await _queued()
        assert len(await waiting[0]) == 9

    run(steps())


def test_answered__its_windows_are_let_go_at_once(graph: WatchedGraph) -> None:
    """Not when the interpreter next looks for circles: at half a megabyte a window, memory would creep."""
    scheduler = Scheduler(graph, n_workers=1, max_batch_windows=2, max_batch_delay_ms=0, max_queued_windows=64)

    async def send() -> weakref.ref[NDArray[np.float32]]:
        tensors = _windows(1.0, 2.0, 3.0)
        held = weakref.ref(tensors["sound"])
        await scheduler.submit(tensors)
        return held

    gc.disable()
    try:
        held = asyncio.run(send())
        # The thread that answered has a line to go when the answer is here; once it waits for more, it keeps nothing.
        until(lambda: scheduler._n_free == 1)
        assert held() is None
    finally:
        gc.enable()
        scheduler.close()
