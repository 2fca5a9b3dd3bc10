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
from serving.server.protocol import OWN_REQUEST_ID
from serving.server.readiness import BundleModel
from serving.transformer.feature_memory import DEFAULT_MAX_BYTES, FeatureMemory, FeatureShare
from serving.transformer.postprocessing import Naming
from serving.transformer.predictor_client import PredictorClient
from serving.transformer.preprocessing import HeardRequest, Hearing
from serving.transformer.request import understand
from serving.transformer.request.v2 import AUDIO, LOG_MEL
from serving.transformer.responses import DOCUMENT, N_WINDOWS, v1_body, v2_response
from serving.transformer.scoring import score_windows
from serving.transformer.telemetry import Records
from silencio.bundle import Bundle

# Of the request that is worked on: the SDK hands each of its stages the body alone.
_share: ContextVar[FeatureShare] = ContextVar("feature_share")


@dataclass(frozen=True)
class ScoredRequest:
    """A request with its numbers.

    Attributes:
        heard: The request.
        probabilities: By recording, float32 (n_windows, n_classes).
    """

    heard: HeardRequest
    probabilities: list[NDArray[np.float32]]


class Transformer(BundleModel):
    """Hears recordings, asks the predictor for probabilities, names species.

    Args:
        name: As on the routes, here and at the predictor.
        directory: The bundle's folder.
        predictor: Whom to ask.
        records: Where predictions are kept.
        n_processes: That decode and featurize.
        max_feature_bytes: Of decoded sound, over all requests at once.
        site_list: A site's species list, for place and season.
        birdnet_range: Ask BirdNET's range model instead.
    """

    def __init__(
        self,
        name: str,
        directory: Path,
        predictor: PredictorClient,
        records: Records,
        *,
        n_processes: int = 2,
        max_feature_bytes: int = DEFAULT_MAX_BYTES,
        site_list: Path | None = None,
        birdnet_range: bool = False,
    ) -> None:
        super().__init__(name, directory)
        # A text answer has a content type of its own.
        self.required_response_headers = True
        self._predictor = predictor
        self._records = records
        self._n_processes = n_processes
        self._site_list, self._birdnet_range = site_list, birdnet_range
        self._hearing: Hearing | None = None
        self._max_feature_bytes = max_feature_bytes
        self._memory: FeatureMemory
        self._naming: Naming

    def adopt(self, bundle: Bundle) -> None:
        self._naming = Naming(bundle.manifest, self._site_list, self._birdnet_range)
        metrics = Metrics(bundle.manifest, REQUEST_STAGES)
        self._hearing = Hearing(bundle, self._n_processes, metrics.decode_failed)
        self._memory = FeatureMemory(self._max_feature_bytes, self._hearing.max_request_bytes)
        if self._memory.max_bytes > self._max_feature_bytes:
            text = "%s: --max_feature_bytes %d is less than one request may need: it is %d"
            logger.warning(text, self.name, self._max_feature_bytes, self._memory.max_bytes)
        metrics.feature_memory_from(
            self._memory.max_bytes, lambda: self._memory.n_bytes, lambda: self._memory.n_waiting
        )
        self._records.begin(bundle.manifest, metrics)

    def stop(self) -> None:
        super().stop()
        if self._hearing is not None:
            self._hearing.stop()

    async def upstream_reason(self) -> str:
        return await self._predictor.reason_not_ready(self.pinned_name)

    def get_input_types(self) -> list[dict[str, Any]]:
        spec = self._naming.manifest.spec
        types = [{"name": AUDIO, "datatype": "BYTES", "shape": [-1]}]
        if self._open_hearing.inputs == (LOG_MEL,):
            types.append({"name": LOG_MEL, "datatype": "FP32", "shape": [-1, *spec.log_mel_shape]})
        return types

    def get_output_types(self) -> list[dict[str, Any]]:
        n_classes = len(self._naming.manifest.classes)
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
        with FeatureShare(self._memory) as share:
            _share.set(share)
            return await super().__call__(body, headers, verb)

    async def preprocess(self, payload: object, headers: Mapping[str, str] | None = None) -> HeardRequest:
        """From a body to features.

        Raises:
            InvalidInput: Something in it cannot be used; the message names the field.
            Overloaded: There is no room for so much sound now.
        """
        received_at, hearing = datetime.now(UTC), self._open_hearing
        question = await understand(payload, headers, hearing.spec, hearing.inputs, hearing.most_windows)
        recordings, stage_s = await hearing.hear(question, _share.get())
        request_id = (headers or {}).get(OWN_REQUEST_ID) or uuid.uuid4().hex
        return HeardRequest(question, recordings, request_id, received_at, stage_s)

    async def predict(
        self,
        payload: HeardRequest,
        headers: Mapping[str, str] | None = None,
        response_headers: dict[str, str] | None = None,
    ) -> ScoredRequest:
        """From features to probabilities, a few windows a call."""
        begun_s = time.perf_counter()
        probabilities = [
            await score_windows(self._predictor, self.pinned_name, one.inputs, payload.priority)
            for one in payload.recordings
        ]
        payload.stage_s["predictor"] = time.perf_counter() - begun_s
        return ScoredRequest(payload, probabilities)

    async def postprocess(
        self,
        result: ScoredRequest,
        headers: Mapping[str, str] | None = None,
        response_headers: dict[str, str] | None = None,
    ) -> dict[str, Any] | InferResponse | str:
        """From probabilities to the answer."""
        heard, naming, begun_s = result.heard, self._naming, time.perf_counter()
        if naming.takes_long(heard):
            documents = await asyncio.to_thread(naming.documents, heard, result.probabilities)
        else:
            documents = naming.documents(heard, result.probabilities)
        heard.stage_s["names"] = time.perf_counter() - begun_s
        self._records.keep(heard, result.probabilities, documents, headers or {})
        if heard.question.v2 is not None:
            return v2_response(heard.question.v2, documents, result.probabilities, naming.manifest, heard.request_id)
        if (text := naming.text(heard, documents)) is not None:
            if response_headers is not None:
                response_headers["content-type"] = text[1]
            return text[0]
        stage_ms = {name: round(1e3 * seconds, 3) for name, seconds in heard.stage_s.items()}
        return v1_body(documents, naming.manifest, heard.request_id, stage_ms)

    @property
    def _open_hearing(self) -> Hearing:
        assert self._hearing is not None, "no request reaches a model that is not ready"
        return self._hearing
