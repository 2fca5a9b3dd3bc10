"""The transformer's client of the predictor: Open Inference Protocol V2 over gRPC, tensors as raw bytes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence

import grpc
import numpy as np
from kserve import InferInput, InferRequest
from kserve.errors import InferenceError
from kserve.logging import logger
from kserve.protocol.grpc.grpc_predict_v2_pb2 import ModelInferResponse, ModelReadyRequest
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub
from kserve.utils.numpy_codec import from_np_dtype
from numpy.typing import NDArray

from serving.server.errors import Unavailable
from serving.server.protocol import LARGE_MESSAGES, LOADING, REFUSED, Priority
from serving.settings.transformer import DEFAULT_DEADLINE_S
from silencio.bundle.graph import MAX_RUN_WINDOWS, OUTPUT

_PROBE_DEADLINE_S = 2.0
# A call is held as a whole; windows of other lengths than 5 s may be large.
_MAX_CALL_BYTES = 6 << 20
# Of one recording: one is worked on while the next is on its way. More would only fill the predictor's queue.
_MAX_CONCURRENT_CALLS = 2
_Code = grpc.StatusCode
# What passes by itself. A full queue is not tried again: the retries of all would keep it full.
_TRY_LATER = {
    _Code.UNAVAILABLE: "the predictor is not available; try again",
    _Code.ABORTED: "the predictor is not available; try again",
    _Code.CANCELLED: "the predictor is not available; try again",
    _Code.DEADLINE_EXCEEDED: "the predictor did not answer in time; try again",
    _Code.RESOURCE_EXHAUSTED: "the predictor is busy; try again",
    _Code.NOT_FOUND: "the predictor has another bundle than the transformer; try again",
}
_RETRIES = {
    "methodConfig": [
        {
            "name": [{"service": "inference.GRPCInferenceService", "method": "ModelInfer"}],
            "retryPolicy": {
                "maxAttempts": 3,
                "initialBackoff": "0.1s",
                "maxBackoff": "0.5s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}
_OPTIONS = [
    ("grpc.service_config", json.dumps(_RETRIES)),
    # A call that is larger is not retried; by default that is 256 KiB, less than one window.
    ("grpc.per_rpc_retry_buffer_size", 2 * _MAX_CALL_BYTES),
    LARGE_MESSAGES,
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
]


class PredictorClient:
    """A client of one predictor.

    The SDK's `InferenceGRPCClient` is this same stub; it logs a stack trace for every probe that finds the predictor
    away, and after a restart finds it again up to two minutes late.

    Args:
        address: `HOST:PORT` of its gRPC side.
        deadline_s: How long one call may take with its retries.
        credentials: TLS credentials; None connects without TLS.
    """

    def __init__(
        self,
        address: str,
        deadline_s: float = DEFAULT_DEADLINE_S,
        *,
        credentials: grpc.ChannelCredentials | None = None,
    ) -> None:
        self._address = address
        self._credentials = credentials
        self._deadline_s = deadline_s
        self._connected: GRPCInferenceServiceStub | None = None

    @property
    def _stub(self) -> GRPCInferenceServiceStub:
        if self._connected is None:  # not in __init__: a channel belongs to the event loop in which it is made
            if self._credentials is None:
                channel = grpc.aio.insecure_channel(self._address, options=_OPTIONS)
            else:
                channel = grpc.aio.secure_channel(self._address, self._credentials, options=_OPTIONS)
            self._connected = GRPCInferenceServiceStub(channel)
        return self._connected

    async def reason_not_ready(self, model_name: str) -> str:
        """Why the predictor is not ready for this model; empty when it is."""
        try:
            await self._stub.ModelReady(ModelReadyRequest(name=model_name), timeout=_PROBE_DEADLINE_S)
        except grpc.aio.AioRpcError as error:
            if error.code() is _Code.NOT_FOUND:
                return f"the predictor does not serve {model_name}: it was given another bundle"
            if _is_of_the_predictor(error):
                return f"the predictor is not ready: {error.details()}"
            if "handshake" in (error.details() or ""):
                return f"the predictor at {self._address} speaks no TLS, or one of both certificates is not trusted"
            return f"the predictor at {self._address} does not answer ({error.code().name})"
        return ""

    async def probabilities(
        self,
        model_name: str,
        tensors: Mapping[str, NDArray[np.generic]],
        *,
        priority: Priority = "interactive",
        deadline_s: float | None = None,
    ) -> NDArray[np.float32]:
        """Compute the probabilities of windows: a few windows a call, two calls at a time.

        Args:
            model_name: The model's name at the predictor.
            tensors: The graph's inputs, each (n_windows, …), at least one window.
            priority: Batch windows wait at the predictor for interactive ones.
            deadline_s: Deadline of each call, in place of the client's own.

        Returns:
            float32, shape (n_windows, n_classes).

        Raises:
            Unavailable: The predictor cannot be reached, is not ready, is too busy or too slow.
            InferenceError: It failed, or does not understand this transformer.
        """
        timeout_s = self._deadline_s if deadline_s is None else deadline_s
        may_call = asyncio.Semaphore(_MAX_CONCURRENT_CALLS)

        async def call(part: Mapping[str, NDArray[np.generic]]) -> NDArray[np.float32]:
            async with may_call:
                inputs = [_tensor(name, array) for name, array in part.items()]
                request = InferRequest(model_name, inputs, parameters={"priority": priority})
                answer = await self._call(request, timeout_s)
            return self._read(answer, len(next(iter(part.values()))))

        parts = _parts(tensors)
        if len(parts) == 1:
            return await call(parts[0])
        calls = [asyncio.ensure_future(call(part)) for part in parts]
        try:
            return np.concatenate(await asyncio.gather(*calls))
        finally:
            # Where one failed, nobody waits for the others any more.
            for one in calls:
                one.cancel()

    async def _call(self, request: InferRequest, timeout_s: float) -> ModelInferResponse:
        try:
            return await self._stub.ModelInfer(request.to_grpc(), timeout=timeout_s)
        except grpc.aio.AioRpcError as error:
            logger.error("predictor at %s: %s: %s", self._address, error.code().name, error.details())
            if error.code() in _TRY_LATER:
                raise Unavailable(_TRY_LATER[error.code()]) from error
            raise InferenceError("the predictor failed; the server's log says more") from error

    def _read(self, answer: ModelInferResponse, n_windows: int) -> NDArray[np.float32]:
        described = [(output.name, output.datatype, *output.shape[:1]) for output in answer.outputs]
        try:
            place = described.index((OUTPUT, "FP32", n_windows))
            rows = np.frombuffer(answer.raw_output_contents[place], np.float32)
            return rows.reshape(tuple(answer.outputs[place].shape))
        except (ValueError, IndexError) as error:
            logger.error("predictor at %s: an answer of %s for %d windows", self._address, described, n_windows)
            raise InferenceError("the predictor's answer cannot be read; the server's log says more") from error


def _parts(tensors: Mapping[str, NDArray[np.generic]]) -> Sequence[Mapping[str, NDArray[np.generic]]]:
    """The windows in order, as many in each part as one call may carry."""
    n_windows = len(next(iter(tensors.values())))
    window_bytes = sum(array.nbytes for array in tensors.values()) // n_windows
    max_windows = max(1, min(MAX_RUN_WINDOWS, _MAX_CALL_BYTES // max(window_bytes, 1)))
    return [
        {name: array[first : first + max_windows] for name, array in tensors.items()}
        for first in range(0, n_windows, max_windows)
    ]


def _tensor(name: str, array: NDArray[np.generic]) -> InferInput:
    tensor = InferInput(name, list(array.shape), from_np_dtype(array.dtype))
    tensor.set_data_from_numpy(array, binary_data=True)
    return tensor


def _is_of_the_predictor(error: grpc.aio.AioRpcError) -> bool:
    """Whether the details are the predictor's own; a channel that is down reports what happened to the connection."""
    return (error.details() or "").startswith((LOADING, REFUSED))
