"""The way from transformer to predictor: Open Inference Protocol V2 over gRPC, tensors as raw bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping

import grpc
import numpy as np
from kserve import InferInput, InferRequest, InferResponse
from kserve.errors import InferenceError
from kserve.logging import logger
from kserve.protocol.grpc.grpc_predict_v2_pb2 import ModelReadyRequest
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub
from kserve.utils.numpy_codec import from_np_dtype
from numpy.typing import NDArray

from serving.agreement import LOADING, REFUSED
from serving.errors import Unavailable
from silencio.bundle.graph import OUTPUT

# A call carries a few windows, milliseconds of work: beyond this the predictor is stuck or drowned.
_CALL_DEADLINE_S = 30.0
_PROBE_DEADLINE_S = 2.0
_TRY_LATER = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED}
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


class PredictorClient:
    """One predictor.

    The SDK's `InferenceGRPCClient` is this same stub; it logs a stack trace for every probe that finds the predictor
    away, and after a restart finds it again up to two minutes late.

    Args:
        address: `HOST:PORT` of its gRPC side.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._connected: GRPCInferenceServiceStub | None = None

    @property
    def _stub(self) -> GRPCInferenceServiceStub:
        if self._connected is None:  # not in __init__: a channel belongs to the event loop in which it is made
            options = [
                ("grpc.service_config", json.dumps(_RETRIES)),
                ("grpc.initial_reconnect_backoff_ms", 100),
                ("grpc.min_reconnect_backoff_ms", 100),
                ("grpc.max_reconnect_backoff_ms", 1000),
            ]
            self._connected = GRPCInferenceServiceStub(grpc.aio.insecure_channel(self._address, options=options))
        return self._connected

    async def reason_not_ready(self, model_name: str) -> str:
        """Why the predictor is not ready for this model; empty when it is."""
        try:
            await self._stub.ModelReady(ModelReadyRequest(name=model_name), timeout=_PROBE_DEADLINE_S)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                return f"the predictor does not serve {model_name}: it was given another bundle"
            if _is_own_word(error):
                return f"the predictor is not ready: {error.details()}"
            return f"the predictor at {self._address} does not answer ({error.code().name})"
        return ""

    async def probabilities(self, model_name: str, tensors: Mapping[str, NDArray[np.generic]]) -> NDArray[np.float32]:
        """Ask for the probabilities of a few windows.

        Args:
            model_name: As registered at the predictor.
            tensors: The graph's inputs, each (n_windows, …).

        Returns:
            float32, shape (n_windows, n_classes).

        Raises:
            Unavailable: The predictor cannot be reached, is not ready or is too busy.
            InferenceError: It failed, or does not understand this transformer.
        """
        request = InferRequest(model_name, [_tensor(name, array) for name, array in tensors.items()])
        try:
            answer = await self._stub.ModelInfer(request.to_grpc(), timeout=_CALL_DEADLINE_S)
        except grpc.aio.AioRpcError as error:
            logger.error("predictor at %s: %s: %s", self._address, error.code().name, error.details())
            if error.code() in _TRY_LATER:
                raise Unavailable("the predictor is not available; try again") from error
            raise InferenceError("the predictor failed; the server's log says more") from error
        for output in InferResponse.from_grpc(answer).outputs:
            if output.name == OUTPUT:
                return np.asarray(output.as_numpy(), np.float32)
        raise InferenceError(f"the predictor's answer holds no {OUTPUT!r}")


def _tensor(name: str, array: NDArray[np.generic]) -> InferInput:
    tensor = InferInput(name, list(array.shape), from_np_dtype(array.dtype))
    tensor.set_data_from_numpy(array, binary_data=True)
    return tensor


def _is_own_word(error: grpc.aio.AioRpcError) -> bool:
    """Whether the predictor said so itself; a channel that is down reports what happened to the connection."""
    return (error.details() or "").startswith((LOADING, REFUSED))
