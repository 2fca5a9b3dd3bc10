"""EncoderSpec: how a frozen embedding model takes a window, and what it gives."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

# Before an encoder's name in the name of a head's input.
EMBEDDING = "embedding:"
Speed = Annotated[float, Field(gt=0.1, le=2.0)]


class EncoderSpec(BaseModel):
    """One encoder.

    Attributes:
        name: As heads call it: the input `embedding:<name>`.
        runtime: What runs its file.
        sample_rate_hz: Sample rate that the encoder takes.
        frame_samples: Samples that it takes at once; a window is cut into as few frames as cover it, evenly spread.
        hop_samples: Most samples from one frame to the next.
        n_outputs: Numbers a frame.
        output: Name of the file's output that is the embedding; empty: the first of `n_outputs` numbers.
        peak: Peak to which a frame is scaled after its mean was taken off; None: it is taken as it is.
        speeds: Speeds at which a window is played to it: at 0.5 calls sound an octave lower and last twice as long. The
            embeddings of all speeds are put one after another.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9_]+$")
    runtime: Literal["onnx", "litert"]
    sample_rate_hz: int = Field(ge=1)
    frame_samples: int = Field(ge=1)
    hop_samples: int = Field(ge=1)
    n_outputs: int = Field(ge=1)
    output: str = ""
    peak: float | None = Field(None, gt=0.0, le=1.0)
    speeds: tuple[Speed, ...] = Field((1.0,), min_length=1)

    @property
    def input_name(self) -> str:
        """What a head calls its embedding."""
        return EMBEDDING + self.name

    @property
    def n_dimensions(self) -> int:
        """Numbers a window: those of all speeds."""
        return self.n_outputs * len(self.speeds)

    def identity(self, weights_sha256: str, window_sha256: str) -> str:
        """Equal exactly where the embeddings are.

        Args:
            weights_sha256: SHA-256 of the encoder's file.
            window_sha256: SHA-256 of the definition by which windows are cut.
        """
        # Named one by one: an entry of a bundle has more fields, and is the same encoder.
        own = {name: getattr(self, name) for name in EncoderSpec.model_fields}
        text = json.dumps([own, weights_sha256, window_sha256], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()
