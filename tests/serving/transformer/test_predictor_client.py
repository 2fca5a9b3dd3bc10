"""The transformer's way to the predictor: what is sent, what is tried again, and what each failure becomes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import numpy as np
import pytest
from kserve.errors import InferenceError
from kserve.protocol.grpc.grpc_predict_v2_pb2 import ModelInferRequest, ModelInferResponse
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import (
    GRPCInferenceServiceServicer,
    add_GRPCInferenceServiceServicer_to_server,
)
from numpy.typing import NDArray

from serving.local import LocalServers
from serving.server.errors import Unavailable
from serving.transformer.predictor_client import PredictorClient
from silencio.bundle import Scorer
from silencio.bundle.graph import MAX_RUN_WINDOWS
from tests.waiting import HANG_S

Context = grpc.aio.ServicerContext[Any, Any]
Answer = Callable[[ModelInferRequest, Context], Awaitable[ModelInferResponse]]
Tensors = dict[str, NDArray[Any]]
CODES = [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK]


class StandIn(GRPCInferenceServiceServicer):
    """A predictor that answers as it is told to: what the real one does only when something breaks.

    Attributes:
        requests: What came.
    """

    def __init__(self, answer: Answer) -> None:
        self.requests: list[ModelInferRequest] = []
        self._answer = answer

    async def ModelInfer(self, request: ModelInferRequest, context: Context) -> ModelInferResponse:
        self.requests.append(request)
        return await self._answer(request, context)


def _send(answer: Answer, tensors: Tensors, **how: Any) -> tuple[NDArray[np.float32], StandIn]:
    """Raises what the client raises; the stand-in is in its notes."""
    stand_in = StandIn(answer)

    async def send() -> NDArray[np.float32]:
        server = grpc.aio.server(options=[("grpc.max_receive_message_length", 8 << 20)])
        add_GRPCInferenceServiceServicer_to_server(stand_in, server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            return await PredictorClient(f"127.0.0.1:{port}").probabilities("silencio", tensors, **how)
        except Exception as error:
            error.stand_in = stand_in  # type: ignore[attr-defined]
            raise
        finally:
            await server.stop(None)

    return asyncio.run(send()), stand_in


async def _sums(request: ModelInferRequest, context: Context) -> ModelInferResponse:
    """Two classes: the sum of each window, and how many windows the call had."""
    shape = request.inputs[0].shape
    rows = np.frombuffer(request.raw_input_contents[0], np.int16).reshape(shape).sum(axis=1)
    answer = ModelInferResponse(model_name=request.model_name)
    answer.outputs.add(name="probabilities", datatype="FP32", shape=[len(rows), 2])
    answer.raw_output_contents.append(np.stack([rows, np.full(len(rows), len(rows))], 1).astype(np.float32).tobytes())
    return answer


def _refuses(code: grpc.StatusCode, text: str = "secret of the inside") -> Answer:
    async def answer(request: ModelInferRequest, context: Context) -> ModelInferResponse:
        await context.abort(code, text)
        raise AssertionError

    return answer


@pytest.fixture
def one_window() -> Tensors:
    return {"waveform": np.ones((1, 160_000), np.int16)}


def test_probabilities__of_many_windows_come_in_several_calls_and_in_order() -> None:
    waveform = np.arange(2 * MAX_RUN_WINDOWS + 3, dtype=np.int16)[:, None].repeat(10, axis=1)
    got, stand_in = _send(_sums, {"waveform": waveform})
    np.testing.assert_array_equal(got[:, 0], waveform.sum(axis=1))
    assert [request.inputs[0].shape[0] for request in stand_in.requests] == [MAX_RUN_WINDOWS, MAX_RUN_WINDOWS, 3]


def test_probabilities__of_long_windows_stay_below_what_one_message_may_hold() -> None:
    got, stand_in = _send(_sums, {"waveform": np.ones((5, 1_500_000), np.int16)})
    assert len(got) == 5
    assert [request.inputs[0].shape[0] for request in stand_in.requests] == [2, 2, 1]


@pytest.mark.parametrize("how", [{}, {"priority": "interactive"}, {"priority": "batch"}])
def test_priority__is_a_parameter_of_the_request(how: dict[str, str], one_window: Tensors) -> None:
    _, stand_in = _send(_sums, one_window, **how)
    sent = stand_in.requests[0].parameters["priority"].string_param
    assert sent == how.get("priority", "interactive")


@pytest.mark.parametrize("code", CODES)
def test_failure__is_503_if_it_passes_else_500_and_says_nothing_of_the_inside(
    code: grpc.StatusCode, one_window: Tensors
) -> None:
    passes = {"UNAVAILABLE", "ABORTED", "CANCELLED", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "NOT_FOUND"}
    with pytest.raises(Unavailable if code.name in passes else InferenceError) as caught:
        _send(_refuses(code), one_window)
    assert str(caught.value.reason).startswith("the predictor")  # type: ignore[attr-defined]
    assert "secret" not in str(caught.value)
    n_tries = len(caught.value.stand_in.requests)  # type: ignore[attr-defined]
    assert n_tries == (3 if code is grpc.StatusCode.UNAVAILABLE else 1)


def test_retry__of_a_call_with_all_its_windows_is_answered() -> None:
    """gRPC quietly retries no message beyond 256 KiB unless it is told to; a window has more."""
    n_left = 1

    async def once_away(request: ModelInferRequest, context: Context) -> ModelInferResponse:
        nonlocal n_left
        n_left -= 1
        if n_left >= 0:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "starting")
        return await _sums(request, context)

    got, stand_in = _send(once_away, {"waveform": np.ones((MAX_RUN_WINDOWS, 160_000), np.int16)})
    assert (len(got), len(stand_in.requests)) == (MAX_RUN_WINDOWS, 2)


def test_deadline__ends_a_call_and_its_retries(one_window: Tensors) -> None:
    async def never(request: ModelInferRequest, context: Context) -> ModelInferResponse:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(Unavailable, match="did not answer in time") as caught:
        _send(never, one_window, deadline_s=0.2)
    assert len(caught.value.stand_in.requests) == 1  # type: ignore[attr-defined]


def test_deadline__is_each_calls_own() -> None:
    """Ten minutes beside others take longer than one call may."""
    timeouts_s: list[float] = []

    class Stub:
        async def ModelInfer(self, request: ModelInferRequest, timeout: float) -> ModelInferResponse:
            timeouts_s.append(timeout)
            return await _sums(request, None)  # type: ignore[arg-type]

    async def run() -> None:
        client = PredictorClient("127.0.0.1:9", deadline_s=7.0)
        client._connected = Stub()
        await client.probabilities("silencio", {"waveform": np.ones((3 * MAX_RUN_WINDOWS, 10), np.int16)})

    asyncio.run(run())
    assert timeouts_s == [7.0, 7.0, 7.0]


def test_probabilities__two_calls_are_under_way_at_once_and_no_more() -> None:
    """One is worked on while the next is on its way; more would only fill the predictor's queue."""
    n_open, n_most = 0, 0
    both = asyncio.Event()

    async def counted(request: ModelInferRequest, context: Context) -> ModelInferResponse:
        nonlocal n_open, n_most
        n_open += 1
        n_most = max(n_most, n_open)
        if n_open == 2:
            both.set()
        async with asyncio.timeout(HANG_S):
            await both.wait()
        n_open -= 1
        return await _sums(request, context)

    got, stand_in = _send(counted, {"waveform": np.ones((6 * MAX_RUN_WINDOWS, 10), np.int16)}, deadline_s=HANG_S)
    assert (len(got), len(stand_in.requests), n_most) == (6 * MAX_RUN_WINDOWS, 6, 2)


def test_probabilities__where_one_call_fails_no_further_one_is_sent() -> None:
    with pytest.raises(InferenceError) as caught:
        _send(_refuses(grpc.StatusCode.INTERNAL), {"waveform": np.ones((9 * MAX_RUN_WINDOWS, 10), np.int16)})
    assert len(caught.value.stand_in.requests) < 9  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "damage",
    [
        lambda answer: answer.ClearField("outputs"),
        lambda answer: answer.ClearField("raw_output_contents"),
        lambda answer: answer.outputs[0].shape.__setitem__(0, 3),
        lambda answer: setattr(answer.outputs[0], "name", "scores"),
        lambda answer: setattr(answer.outputs[0], "datatype", "BYTES"),
    ],
)
def test_answer__that_cannot_be_read_is_a_failure_of_the_predictor(
    damage: Callable[[ModelInferResponse], None], one_window: Tensors
) -> None:
    async def damaged(request: ModelInferRequest, context: Context) -> ModelInferResponse:
        answer = await _sums(request, context)
        damage(answer)
        return answer

    with pytest.raises(InferenceError, match="the predictor's answer"):
        _send(damaged, one_window)


def test_probabilities__for_another_number_of_windows_are_no_answer(one_window: Tensors) -> None:
    async def one_too_many(request: ModelInferRequest, context: Context) -> ModelInferResponse:
        answer = await _sums(request, context)
        answer.outputs[0].shape[0] = 2
        answer.raw_output_contents[0] *= 2
        return answer

    with pytest.raises(InferenceError, match="the predictor's answer"):
        _send(one_too_many, one_window)


@pytest.mark.parametrize("priority", ["interactive", "batch"])
def test_client__gets_the_bundles_own_numbers_from_the_real_predictor(
    servers: LocalServers, scorer: Scorer, priority: Any
) -> None:
    clip = scorer.bundle.parity.clips[0]
    arguments = servers.predictor.process.args
    assert isinstance(arguments, list)
    client = PredictorClient(f"127.0.0.1:{arguments[arguments.index('--grpc_port') + 1]}")
    n_windows = 2 * MAX_RUN_WINDOWS + 1
    tensors = {
        name: np.resize(array, (n_windows, *array.shape[1:]))
        for name, array in (("log_mel", clip.log_mel), ("waveform", clip.waveform))
    }
    got = asyncio.run(client.probabilities("silencio", tensors, priority=priority))
    np.testing.assert_allclose(
        got, np.resize(clip.probabilities, (n_windows, clip.probabilities.shape[1])), rtol=0, atol=1e-6
    )
