"""The way from transformer to predictor: Open Inference Protocol V2 over gRPC, tensors as raw bytes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Literal

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
from serving.server.protocol import LARGE_MESSAGES, LOADING, REFUSED
from silencio.bundle.graph import MAX_RUN_WINDOWS, OUTPUT
from silencio.settings import Settings

_PROBE_DEADLINE_S = 2.0
# A call is held as a whole; windows of other lengths than 5 s may be large.
_MOST_CALL_BYTES = 6 << 20
_Code = grpc.StatusCode
# What passes by itself. A queue that is full is not asked again: the retries of all would keep it full.
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
    ("grpc.per_rpc_retry_buffer_size", 2 * _MOST_CALL_BYTES),
    LARGE_MESSAGES,
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
]


class PredictorClient:
    """One predictor.

    The SDK's `InferenceGRPCClient` is this same stub; it logs a stack trace for every probe that finds the predictor
    away, and after a restart finds it again up to two minutes late.

    Args:
        address: `HOST:PORT` of its gRPC side.
        deadline_s: How long a request may take with all its calls and retries; as the settings say by default.
        credentials: For TLS; None asks in clear.
    """

    def __init__(
        self, address: str, deadline_s: float | None = None, *, credentials: grpc.ChannelCredentials | None = None
    ) -> None:
        self._address = address
        self._credentials = credentials
        self._deadline_s = Settings().predictor_deadline_s if deadline_s is None else deadline_s
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
            if _is_own_word(error):
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
        priority: Literal["interactive", "batch"] = "interactive",
        deadline_s: float | None = None,
    ) -> NDArray[np.float32]:
        """Ask for the probabilities of windows, a few a call, one call after another.

        Args:
            model_name: As registered at the predictor.
            tensors: The graph's inputs, each (n_windows, …), at least one window.
            priority: Batch windows wait at the predictor for interactive ones.
            deadline_s: In place of the client's own.

        Returns:
            float32, shape (n_windows, n_classes).

        Raises:
            Unavailable: The predictor cannot be reached, is not ready, is too busy or too slow.
            InferenceError: It failed, or does not understand this transformer.
        """
        ends_s = time.monotonic() + (self._deadline_s if deadline_s is None else deadline_s)
        parts = []
        for part in _parts(tensors):
            inputs = [_tensor(name, array) for name, array in part.items()]
            request = InferRequest(model_name, inputs, parameters={"priority": priority})
            answer = await self._call(request, ends_s - time.monotonic())
            parts.append(self._read(answer, len(next(iter(part.values())))))
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    async def _call(self, request: InferRequest, timeout_s: float) -> ModelInferResponse:
        try:
            return await self._stub.ModelInfer(request.to_grpc(), timeout=max(timeout_s, 0.0))
        except grpc.aio.AioRpcError as error:
            logger.error("predictor at %s: %s: %s", self._address, error.code().name, error.details())
            if error.code() in _TRY_LATER:
                raise Unavailable(_TRY_LATER[error.code()]) from error
            raise InferenceError("the predictor failed; the server's log says more") from error

    def _read(self, answer: ModelInferResponse, n_windows: int) -> NDArray[np.float32]:
        said = [(output.name, output.datatype, *output.shape[:1]) for output in answer.outputs]
        try:
            place = said.index((OUTPUT, "FP32", n_windows))
            rows = np.frombuffer(answer.raw_output_contents[place], np.float32)
            return rows.reshape(tuple(answer.outputs[place].shape))
        except (ValueError, IndexError) as error:
            logger.error("predictor at %s: an answer of %s for %d windows", self._address, said, n_windows)
            raise InferenceError("the predictor's answer cannot be read; the server's log says more") from error


def _parts(tensors: Mapping[str, NDArray[np.generic]]) -> Iterator[dict[str, NDArray[np.generic]]]:
    """As many windows as one call may carry, and the next."""
    n_windows = len(next(iter(tensors.values())))
    window_bytes = sum(array.nbytes for array in tensors.values()) // n_windows
    most_windows = max(1, min(MAX_RUN_WINDOWS, _MOST_CALL_BYTES // max(window_bytes, 1)))
    for first in range(0, n_windows, most_windows):
        yield {name: array[first : first + most_windows] for name, array in tensors.items()}


def _tensor(name: str, array: NDArray[np.generic]) -> InferInput:
    tensor = InferInput(name, list(array.shape), from_np_dtype(array.dtype))
    tensor.set_data_from_numpy(array, binary_data=True)
    return tensor


def _is_own_word(error: grpc.aio.AioRpcError) -> bool:
    """Whether the predictor said so itself; a channel that is down reports what happened to the connection."""
    return (error.details() or "").startswith((LOADING, REFUSED))
