"""The predictor: a few windows in, probabilities out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kserve import InferOutput, InferRequest, InferResponse
from kserve.errors import InvalidInput
from kserve.logging import logger

from serving.metrics import RUN_STAGES, Metrics
from serving.predictor.scheduler import QueueFullError, Scheduler
from serving.predictor.tensors import datatype_of, read_priority, read_tensors
from serving.server.errors import Overloaded
from serving.server.readiness import BundleModel
from serving.server.v2_outputs import wanted_outputs
from serving.settings.predictor import PredictorSettings
from silencio.bundle import Bundle
from silencio.bundle.encoders import check_runtimes
from silencio.bundle.graph import OUTPUT, Graph
from silencio.bundle.manifest import read_manifest
from silencio.errors import BundleError


def check_runtimes_of(directory: Path) -> None:
    """Whether this environment has what runs a bundle's encoders.

    A bundle that is broken is another matter: with one, the server stays up and says so. Where the environment or the
    image is the wrong one, nothing will change that while the server runs.

    Args:
        directory: The bundle's folder.

    Raises:
        ConfigError: A runtime is missing; the message has it, the encoders that need it, and what to do.
    """
    try:
        manifest = read_manifest(directory)
    except BundleError:
        return
    check_runtimes(manifest)


class Predictor(BundleModel):
    """Runs the graph in threads of its own, by priority; health probes are answered meanwhile.

    Args:
        name: The model's name on the routes.
        directory: The bundle's folder.
        settings: Provider, threads, sizes; by default those of the environment.
    """

    def __init__(self, name: str, directory: Path, settings: PredictorSettings | None = None) -> None:
        super().__init__(name, directory)
        self._settings = settings or PredictorSettings()
        self._graph: Graph
        self._scheduler: Scheduler

    def adopt(self, bundle: Bundle) -> None:
        settings = self._settings
        # First on the processor: what the file says of itself is checked before a provider compiles it for minutes.
        graph = bundle.graph(settings.session_threads).on(settings.provider)
        bundle.replay_probabilities(graph)
        logger.info(
            "%s: provider %s runs %d of %d nodes; %d workers of %d threads, at most %d windows a run, %d ms of waiting",
            self.name,
            graph.provider,
            graph.n_provider_nodes,
            graph.n_nodes,
            settings.n_workers,
            settings.session_threads,
            settings.max_batch_windows,
            settings.max_batch_delay_ms,
        )
        self._graph = graph
        self._scheduler = Scheduler(
            graph.run,
            n_workers=settings.n_workers,
            max_batch_windows=settings.max_batch_windows,
            max_batch_delay_ms=settings.max_batch_delay_ms,
            max_queued_windows=settings.max_queued_windows,
        )
        metrics = Metrics(bundle.manifest, RUN_STAGES, provider=graph.provider)
        metrics.queue_length_from(self._scheduler.queue_length)
        self._scheduler.on_batch = metrics.batch

    @property
    def platform(self) -> str:
        """What runs the graph, for the metadata."""
        return f"onnxruntime_{self._graph.provider}"

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
        """Probabilities of the windows in a V2 request, whose parameter `priority` says when.

        Raises:
            InvalidInput: Not a V2 request, or its tensors are not what the graph takes.
            Overloaded: Too many windows wait already.
        """
        if not isinstance(payload, InferRequest):
            raise InvalidInput(f"the predictor takes tensors by V2, at /v2/models/{self.name}/infer or over gRPC")
        wanted_outputs(payload, (OUTPUT,))
        priority, tensors = read_priority(payload), read_tensors(payload, self._graph.inputs)
        try:
            probabilities = await self._scheduler.submit(tensors, priority)
        except QueueFullError as error:
            raise Overloaded(f"the predictor is busy: {error}; try again") from error
        output = InferOutput(OUTPUT, list(probabilities.shape), "FP32")
        # Over gRPC always raw; over REST as the request asks.
        output.set_data_from_numpy(probabilities, binary_data=payload.from_grpc or payload.use_binary_outputs)
        return InferResponse(
            response_id=payload.id or "",
            model_name=payload.model_name,
            model_version=self.version,
            infer_outputs=[output],
            use_binary_outputs=payload.use_binary_outputs,
            requested_outputs=payload.request_outputs,
        )
