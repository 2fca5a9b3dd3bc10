"""A request that was understood, whatever protocol it came by."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import numpy as np
from kserve import InferRequest
from numpy.typing import NDArray

from silencio.audio import Truncated
from silencio.detections.documents import TopK

Format = Literal["json", "csv", "raven", "audacity", "birdclef"]
Priority = Literal["interactive", "batch"]
DEFAULT_TOP_K = 5


@dataclass(frozen=True)
class Known:
    """What the client knows of a recording besides its sound.

    Attributes:
        name: Of the file, for formats that name it.
        latitude: Degrees north.
        longitude: Degrees east.
        recorded_at: When its first sample was recorded.
        session_id: What ties the recordings of one walk, one stream or one device together.
    """

    name: str = "recording"
    latitude: float | None = None
    longitude: float | None = None
    recorded_at: datetime | None = None
    session_id: str | None = None


@dataclass(frozen=True)
class Options:
    """How to answer.

    Attributes:
        top_k: How many species a window lists at least; those that pass their threshold always are.
        format: Of the answer.
        priority: Batch work waits for everybody else's.
        truncated: What becomes of a file that ends before its recording does.
    """

    top_k: TopK = DEFAULT_TOP_K
    format: Format = "json"
    priority: Priority = "interactive"
    truncated: Truncated = "note"


@dataclass(frozen=True)
class EncodedRecording:
    """A recording as it came.

    Attributes:
        field: Where in the request it stood.
        content: Its own bytes.
        known: What else is known of it.
    """

    field: str
    content: bytes
    known: Known = Known()


@dataclass(frozen=True)
class GivenFeatures:
    """Features that a device computed by the bundle's own definition.

    Attributes:
        log_mel: float32, shape (n_windows, n_mels, n_frames).
        known: What else is known of the recording.
    """

    log_mel: NDArray[np.float32]
    known: Known = Known()


@dataclass(frozen=True)
class Question:
    """A request.

    Attributes:
        recordings: What came encoded.
        features: What came as features instead.
        options: How to answer.
        v2: The request, where it came by V2 and is answered so.
    """

    recordings: tuple[EncodedRecording, ...] = ()
    features: GivenFeatures | None = None
    options: Options = field(default_factory=Options)
    v2: InferRequest | None = None
