"""The predictor: a few windows in, probabilities out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kserve import InferOutput, InferRequest, InferResponse
from kserve.errors import InvalidInput

from serving.predictor.tensors import datatype_of, read_tensors
from serving.readiness import BundleModel
from silencio.bundle import Bundle
from silencio.bundle.graph import OUTPUT, Graph


class Predictor(BundleModel):
    """Runs the graph in a thread: ONNX Runtime lets go of the interpreter, so health probes are answered meanwhile.

    Args:
        name: As on the routes.
        directory: The bundle's folder.
    """

    def __init__(self, name: str, directory: Path) -> None:
        super().__init__(name, directory)
        self._graph: Graph

    def adopt(self, bundle: Bundle) -> None:
        graph = bundle.graph()
        bundle.replay_probabilities(graph)
        self._graph = graph

    def get_input_types(self) -> list[dict[str, Any]]:
        return [
            {"name": entry.name, "datatype": datatype_of(entry), "shape": [-1, *entry.shape]}
            for entry in self._graph.inputs
        ]

    def get_output_types(self) -> list[dict[str, Any]]:
        return [{"name": OUTPUT, "datatype": "FP32", "shape": [-1, self._graph.n_classes]}]

    async def predict(
        self,
        payload: object,
        headers: Mapping[str, str] | None = None,
        response_headers: dict[str, str] | None = None,
    ) -> InferResponse:
        """Probabilities of the windows in a V2 request.

        Raises:
            InvalidInput: Not a V2 request, or its tensors are not what the graph takes.
        """
        if not isinstance(payload, InferRequest):
            raise InvalidInput(f"the predictor takes tensors by V2, at /v2/models/{self.name}/infer or over gRPC")
        tensors = read_tensors(payload, self._graph.inputs)
        probabilities = await asyncio.to_thread(self._graph.run, tensors)
        output = InferOutput(OUTPUT, list(probabilities.shape), "FP32")
        # Over gRPC always raw; over REST as the request asks.
        output.set_data_from_numpy(probabilities, binary_data=payload.from_grpc or payload.use_binary_outputs)
        return InferResponse(
            response_id=payload.id or "",
            model_name=payload.model_name,
            infer_outputs=[output],
            use_binary_outputs=payload.use_binary_outputs,
            requested_outputs=payload.request_outputs,
        )
