"""The transformer: recordings in, species by window out."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from kserve import InferResponse
from kserve.logging import logger
from kserve.model import InferenceVerb
from numpy.typing import NDArray

from serving.metrics import REQUEST_STAGES, Metrics
from serving.server.accounting import current_account
from serving.server.protocol import OWN_REQUEST_ID
from serving.server.readiness import BundleModel
from serving.settings.transformer import DEFAULT_MAX_FEATURE_BYTES
from serving.transformer.feature_memory import FeatureMemory, FeatureReservation
from serving.transformer.postprocessing import Postprocessor
from serving.transformer.predictor_client import PredictorClient
from serving.transformer.preprocessing import PreprocessedRequest, Preprocessor
from serving.transformer.request import parse_request
from serving.transformer.request.v2 import AUDIO, LOG_MEL
from serving.transformer.responses import DOCUMENT, N_WINDOWS, v1_body, v2_response
from serving.transformer.shadow import ShadowTraffic
from serving.transformer.telemetry import PredictionRecorder
from serving.transformer.timings import Timings
from silencio.bundle import Bundle

# Of the request that is being answered: the SDK passes the body alone to each stage.
_reservation: ContextVar[FeatureReservation] = ContextVar("feature_reservation")


@dataclass(frozen=True)
class ScoredRequest:
    """A request with the probabilities of its windows.

    Attributes:
        preprocessed: The request with its features.
        probabilities: Probabilities by recording, float32 (n_windows, n_classes).
        predictor_s: Seconds that it waited for the predictor.
    """

    preprocessed: PreprocessedRequest
    probabilities: list[NDArray[np.float32]]
    predictor_s: float


class Transformer(BundleModel):
    """Preprocesses recordings, has the predictor score their windows, and turns probabilities into detections.

    Args:
        name: The model's name on the routes, here and at the predictor.
        directory: The bundle's folder.
        predictor: The client of the predictor.
        recorder: Counts and logs every prediction.
        n_processes: Processes that decode and featurize.
        max_feature_bytes: Limit on decoded sound, over all requests at once.
        site_list: A site's species list, for place and season.
        birdnet_range: Take place and season from BirdNET's range model instead.
        shadow: Sends copies of requests to another transformer; None sends none.
    """

    def __init__(
        self,
        name: str,
        directory: Path,
        predictor: PredictorClient,
        recorder: PredictionRecorder,
        *,
        n_processes: int = 2,
        max_feature_bytes: int = DEFAULT_MAX_FEATURE_BYTES,
        site_list: Path | None = None,
        birdnet_range: bool = False,
        shadow: ShadowTraffic | None = None,
    ) -> None:
        super().__init__(name, directory)
        # A text answer has a content type of its own.
        self.required_response_headers = True
        self._predictor = predictor
        self._recorder = recorder
        self._shadow = shadow
        self._n_processes = n_processes
        self._site_list, self._birdnet_range = site_list, birdnet_range
        self._preprocessor: Preprocessor | None = None
        self._max_feature_bytes = max_feature_bytes
        self._memory: FeatureMemory
        self._postprocessor: Postprocessor

    def adopt(self, bundle: Bundle) -> None:
        self._postprocessor = Postprocessor(bundle.manifest, self._site_list, self._birdnet_range)
        metrics = Metrics(bundle.manifest, REQUEST_STAGES)

        def decode_failed(kind: str) -> None:
            if current_account().is_visitor:
                metrics.decode_failed(kind)

        self._preprocessor = Preprocessor(bundle, self._n_processes, decode_failed)
        self._memory = FeatureMemory(self._max_feature_bytes, self._preprocessor.max_request_bytes)
        if self._memory.max_bytes > self._max_feature_bytes:
            text = "%s: --max_feature_bytes %d is less than one request may need: it is %d"
            logger.warning(text, self.name, self._max_feature_bytes, self._memory.max_bytes)
        metrics.feature_memory_from(
            self._memory.max_bytes, lambda: self._memory.n_bytes, lambda: self._memory.n_waiting
        )
        self._recorder.set_bundle(bundle.manifest, metrics)

    def stop(self) -> None:
        super().stop()
        if self._preprocessor is not None:
            self._preprocessor.stop()

    async def upstream_reason(self) -> str:
        return await self._predictor.reason_not_ready(self.pinned_name)

    def get_input_types(self) -> list[dict[str, Any]]:
        spec = self._postprocessor.manifest.spec
        types = [{"name": AUDIO, "datatype": "BYTES", "shape": [-1]}]
        if self._loaded_preprocessor.inputs == (LOG_MEL,):
            types.append({"name": LOG_MEL, "datatype": "FP32", "shape": [-1, *spec.log_mel_shape]})
        return types

    def get_output_types(self) -> list[dict[str, Any]]:
        n_classes = len(self._postprocessor.manifest.classes)
        return [
            {"name": "probabilities", "datatype": "FP32", "shape": [-1, n_classes]},
            {"name": DOCUMENT, "datatype": "BYTES", "shape": [-1]},
            {"name": N_WINDOWS, "datatype": "INT32", "shape": [-1]},
        ]

    async def __call__(
        self,
        body: Any,
        headers: dict[str, str] | None = None,
        verb: InferenceVerb = InferenceVerb.PREDICT,
    ) -> Any:
        """The SDK's own, with a bound on how much decoded sound is held at once.

        Raises:
            Overloaded: There is no room for the request's.
        """
        with FeatureReservation(self._memory) as reservation:
            _reservation.set(reservation)
            return await super().__call__(body, headers, verb)

    async def preprocess(self, payload: object, headers: Mapping[str, str] | None = None) -> PreprocessedRequest:
        """Parse a body, decode its recordings and compute their features.

        Raises:
            InvalidInput: Something in it cannot be used; the message names the field.
            Overloaded: There is no room for so much sound now.
        """
        received_at, preprocessor = datetime.now(UTC), self._loaded_preprocessor
        parsed = await parse_request(payload, headers, preprocessor.spec, preprocessor.inputs, preprocessor.max_windows)
        account = current_account()
        account.note_session(parsed.session_id)
        account.recorder = parsed.recorder
        account.priority = parsed.options.priority
        request_id = (headers or {}).get(OWN_REQUEST_ID) or uuid.uuid4().hex
        preprocessed = await preprocessor.preprocess(
            parsed, _reservation.get(), request_id=request_id, received_at=received_at
        )
        account.priority = preprocessed.priority  # long recordings are batch work, whatever their sender says
        return preprocessed

    async def predict(
        self,
        payload: PreprocessedRequest,
        headers: Mapping[str, str] | None = None,
        response_headers: dict[str, str] | None = None,
    ) -> ScoredRequest:
        """Have the predictor score the windows of each recording."""
        begun_s = time.perf_counter()
        probabilities = [
            await self._predictor.probabilities(self.pinned_name, one.inputs, priority=payload.priority)
            for one in payload.recordings
        ]
        return ScoredRequest(payload, probabilities, time.perf_counter() - begun_s)

    async def postprocess(
        self,
        result: ScoredRequest,
        headers: Mapping[str, str] | None = None,
        response_headers: dict[str, str] | None = None,
    ) -> dict[str, Any] | InferResponse | str:
        """Turn probabilities into the response, and record them."""
        request, postprocessor, begun_s = result.preprocessed, self._postprocessor, time.perf_counter()
        if postprocessor.takes_long(request):
            documents = await asyncio.to_thread(postprocessor.documents, request, result.probabilities)
        else:
            documents = postprocessor.documents(request, result.probabilities)
        names_s = time.perf_counter() - begun_s
        timings = Timings(request.decode_s, request.features_s, result.predictor_s, names_s)
        self._recorder.record(request, result.probabilities, documents, timings, headers or {})
        if self._shadow is not None:
            self._shadow.follow(current_account(), request.parsed, request.request_id, headers or {})
        manifest = postprocessor.manifest
        if request.parsed.v2 is not None:
            return v2_response(request.parsed.v2, documents, result.probabilities, manifest, request.request_id)
        if (text := postprocessor.text(request, documents)) is not None:
            if response_headers is not None:
                response_headers["content-type"] = text[1]
            return text[0]
        return v1_body(documents, manifest, request.request_id, timings)

    @property
    def _loaded_preprocessor(self) -> Preprocessor:
        assert self._preprocessor is not None, "no request reaches a model that is not ready"
        return self._preprocessor
