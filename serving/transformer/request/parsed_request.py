"""A request that was parsed, whatever protocol it came by."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from kserve import InferRequest
from numpy.typing import NDArray

from serving.transformer.request.fields import PredictOptions, RecordingMetadata


@dataclass(frozen=True)
class EncodedRecording:
    """A recording as it came.

    Attributes:
        field: Its place in the request, for messages.
        content: The file's bytes: OGG, WAV, FLAC or MP3.
        metadata: The client's metadata.
    """

    field: str
    content: bytes
    metadata: RecordingMetadata = dataclasses.field(default_factory=RecordingMetadata)


@dataclass(frozen=True)
class GivenFeatures:
    """Features that a device computed by the bundle's own definition.

    Attributes:
        log_mel: float32, shape (n_windows, n_mels, n_frames).
        metadata: The client's metadata.
    """

    log_mel: NDArray[np.float32]
    metadata: RecordingMetadata = dataclasses.field(default_factory=RecordingMetadata)


@dataclass(frozen=True)
class ParsedRequest:
    """A request of V1, of an upload or of V2.

    Attributes:
        recordings: Encoded recordings; none where features came instead.
        features: Features of one recording; None where recordings came.
        options: How to answer.
        v2: The V2 request, which is answered by V2; None for V1 and uploads.
    """

    recordings: tuple[EncodedRecording, ...] = ()
    features: GivenFeatures | None = None
    options: PredictOptions = dataclasses.field(default_factory=PredictOptions)
    v2: InferRequest | None = None

    @property
    def metadata(self) -> list[RecordingMetadata]:
        """Metadata of each recording, in order."""
        if self.features is not None:
            return [self.features.metadata]
        return [one.metadata for one in self.recordings]
