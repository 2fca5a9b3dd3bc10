"""A request that was parsed, whatever protocol it came by."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from kserve import InferRequest
from numpy.typing import NDArray

from serving.server.recorder_ids import RecorderIds
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

    @property
    def session_id(self) -> str | None:
        """The session of the first recording that names one: a request is counted as part of one session."""
        return next((one.session_id for one in self.metadata if one.session_id), None)

    @property
    def recorder(self) -> RecorderIds:
        """Site and recorder, each of the first recording that names one."""
        site_id, device_id = (
            next((known for one in self.metadata if (known := getattr(one, name))), "")
            for name in ("site_id", "device_id")
        )
        return RecorderIds(site_id, device_id)

    def with_metadata(self, name: str, value: str) -> ParsedRequest:
        """The same, with this value where a recording's metadata has none.

        Args:
            name: Name of a field of `RecordingMetadata`.
            value: Its value.
        """
        if self.features is not None:
            return dataclasses.replace(self, features=_with_metadata(self.features, name, value))
        return dataclasses.replace(self, recordings=tuple(_with_metadata(one, name, value) for one in self.recordings))


Sent = TypeVar("Sent", EncodedRecording, GivenFeatures)


def _with_metadata(one: Sent, name: str, value: str) -> Sent:
    if getattr(one.metadata, name) is not None:
        return one
    return dataclasses.replace(one, metadata=one.metadata.model_copy(update={name: value}))
