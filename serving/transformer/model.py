"""The transformer: recordings in, species by window out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from kserve.errors import InvalidInput
from numpy.typing import NDArray

from serving.readiness import BundleModel
from serving.transformer.predictor_client import PredictorClient
from serving.transformer.request import EncodedRecording, read_request
from silencio.audio import window_starts_s
from silencio.bundle import Bundle
from silencio.bundle.graph import MOST_WINDOWS
from silencio.detections import recording_document
from silencio.detections.documents import TopK
from silencio.errors import DecodeError
from silencio.features import FrontEnd

MOST_AUDIO_S = 600.0


@dataclass(frozen=True)
class DecodedRequest:
    """A request whose recordings are sound.

    Attributes:
        waveforms: int16, each (n_samples,), at the spec's rate.
        top_k: How many species a window lists.
    """

    waveforms: list[NDArray[np.int16]]
    top_k: TopK


@dataclass(frozen=True)
class ScoredRequest:
    """A request with its numbers.

    Attributes:
        starts_s: By recording, the second at which each window begins.
        probabilities: By recording, float32 (n_windows, n_classes).
        top_k: How many species a window lists.
    """

    starts_s: list[list[float]]
    probabilities: list[NDArray[np.float32]]
    top_k: TopK


class Transformer(BundleModel):
    """Decodes, windows, featurizes; asks the predictor for probabilities; names species.

    Whatever takes longer than a moment runs in a thread, so that health probes are answered meanwhile.

    Args:
        name: As on the routes, here and at the predictor.
        directory: The bundle's folder.
        predictor_address: `HOST:PORT` of the predictor's gRPC side.
    """

    def __init__(self, name: str, directory: Path, predictor_address: str) -> None:
        super().__init__(name, directory)
        self._predictor = PredictorClient(predictor_address)
        self._bundle: Bundle
        self._front_end: FrontEnd
        self._needed: tuple[str, ...]

    def adopt(self, bundle: Bundle) -> None:
        self._front_end = FrontEnd(bundle.manifest.spec)
        bundle.replay_features(self._front_end)
        self._needed = tuple(entry.name for entry in bundle.manifest.inputs)
        self._bundle = bundle

    async def upstream_reason(self) -> str:
        return await self._predictor.reason_not_ready(self.pinned_name)

    async def preprocess(self, payload: object, headers: Mapping[str, str] | None = None) -> DecodedRequest:
        """From a body to waveforms.

        Raises:
            InvalidInput: Something in it cannot be used; the message names the field.
        """
        question = read_request(payload, headers)
        waveforms = []
        n_samples_left = int(MOST_AUDIO_S * self._front_end.spec.sample_rate_hz)
        for recording in question.recordings:
            waveform = await asyncio.to_thread(self._decode, recording)
            n_samples_left -= len(waveform)
            if n_samples_left < 0 and len(question.recordings) > 1:
                raise InvalidInput(
                    f"instances: the recordings are longer than {MOST_AUDIO_S:g} s together, the most that one "
                    "request takes; send fewer at once"
                )
            waveforms.append(waveform)
        return DecodedRequest(waveforms, question.top_k)

    async def predict(
        self,
        payload: DecodedRequest,
        headers: Mapping[str, str] | None = None,
        response_headers: dict[str, str] | None = None,
    ) -> ScoredRequest:
        """From waveforms to probabilities, a few windows a call."""
        spec = self._front_end.spec
        starts_s = [
            window_starts_s(len(waveform), spec.window_samples, spec.hop_samples, spec.sample_rate_hz)
            for waveform in payload.waveforms
        ]
        probabilities = [await self._score(waveform) for waveform in payload.waveforms]
        return ScoredRequest(starts_s, probabilities, payload.top_k)

    async def postprocess(
        self,
        result: ScoredRequest,
        headers: Mapping[str, str] | None = None,
        response_headers: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """From probabilities to the answer."""
        manifest = self._bundle.manifest
        documents = [
            recording_document(starts_s, probabilities, manifest.spec.window_s, manifest.classes, result.top_k)
            for starts_s, probabilities in zip(result.starts_s, result.probabilities, strict=True)
        ]
        return {
            "predictions": [document.model_dump() for document in documents],
            "bundle": {"name": manifest.name, "version": manifest.version, "spec_sha256": manifest.spec_sha256},
        }

    def _decode(self, recording: EncodedRecording) -> NDArray[np.int16]:
        try:
            return self._front_end.waveform(recording.encoded(), max_duration_s=MOST_AUDIO_S)
        except DecodeError as error:
            raise InvalidInput(f"{recording.field}: {error}") from error

    async def _score(self, waveform: NDArray[np.int16]) -> NDArray[np.float32]:
        windows = await asyncio.to_thread(self._front_end.windows, waveform)
        parts = []
        for first in range(0, len(windows), MOST_WINDOWS):
            tensors = await asyncio.to_thread(self._tensors, windows[first : first + MOST_WINDOWS])
            parts.append(await self._predictor.probabilities(self.pinned_name, tensors))
        return np.concatenate(parts)

    def _tensors(self, windows: NDArray[np.int16]) -> dict[str, NDArray[np.generic]]:
        """What the graph needs, and nothing that would only be carried."""
        tensors: dict[str, NDArray[np.generic]] = {}
        if "waveform" in self._needed:
            tensors["waveform"] = windows
        if "log_mel" in self._needed:
            tensors["log_mel"] = self._front_end.log_mel(windows)
        return tensors
