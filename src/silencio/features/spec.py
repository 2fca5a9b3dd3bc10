"""FeatureSpec: every number that decides what a model takes."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from silencio.audio import LastWindow, Padding

# The rule of every specification that says none: there was no other.
_FIRST_RULE: LastWindow = "padded"


class FeatureSpec(BaseModel):
    """How a recording becomes windows and a window becomes `waveform` and `log_mel`.

    Two services with the same `sha256` compute the same features. The scaling is
    `(max(decibels, floor_db) + offset_db) / scale_db`: fixed numbers, so that loud stays louder than quiet.

    Attributes:
        sample_rate_hz: Rate to which every recording is brought.
        window_s: Length of a window.
        hop_s: Seconds from the start of one window to the start of the next.
        padding: How a window that the recording does not fill is filled.
        last_window: What becomes of the rest after the last full window (`silencio.audio.window_starts`). A
            specification that does not say it was made when there was one rule, and keeps it, its JSON and its sha256.
        n_fft: Samples of one STFT frame (Hann window).
        hop_length: Samples from one frame to the next.
        n_mels: Mel bands (Slaney's scale and area normalisation).
        f_min_hz: Lower edge of the lowest band.
        f_max_hz: Upper edge of the highest band.
        min_power: Power below which a band counts as this much; 1e-10 is -100 dB.
        floor_db: Decibels below which there is only noise of the recorder.
        offset_db: Added before scaling.
        scale_db: Decibels that the log-mel is divided by.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    sample_rate_hz: int = Field(32_000, ge=8_000, le=192_000)
    window_s: float = Field(5.0, gt=0, le=60)
    hop_s: float = Field(5.0, gt=0, le=60)
    padding: Padding = "repeat"
    last_window: LastWindow = _FIRST_RULE
    n_fft: int = Field(2048, ge=64, le=16_384)
    hop_length: int = Field(512, ge=16, le=16_384)
    n_mels: int = Field(128, ge=8, le=512)
    # -0.0 is 0.0, and has to have its sha256.
    f_min_hz: Annotated[float, AfterValidator(abs)] = Field(50.0, ge=0)
    f_max_hz: float = Field(16_000.0, gt=0)
    min_power: float = Field(1e-10, gt=0)
    floor_db: float = -90.0
    offset_db: float = 39.0
    scale_db: float = Field(20.0, gt=0)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.f_max_hz > self.sample_rate_hz / 2:
            raise ValueError(
                f"f_max_hz={self.f_max_hz:g} is above half the sample rate ({self.sample_rate_hz / 2:g} Hz)"
            )
        if self.f_min_hz >= self.f_max_hz:
            raise ValueError(f"f_min_hz={self.f_min_hz:g} is not below f_max_hz={self.f_max_hz:g}")
        if self.hop_s > self.window_s:
            raise ValueError(f"hop_s={self.hop_s:g} is above window_s={self.window_s:g}: sound would be dropped")
        if self.hop_samples < 1:
            raise ValueError(f"hop_s={self.hop_s:g} is less than one sample")
        if self.n_fft % 2:
            raise ValueError(f"n_fft={self.n_fft} is odd: frames could not be centred")
        if self.hop_length > self.n_fft:
            raise ValueError(f"hop_length={self.hop_length} is above n_fft={self.n_fft}: sound would be dropped")
        return self

    @model_serializer(mode="wrap")
    def _without_the_first_rule(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """As it was written before there was a second rule: hashes of whatever holds a specification stay as well."""
        values: dict[str, Any] = serialize(self)
        if values.get("last_window") == _FIRST_RULE:
            del values["last_window"]
        return values

    @property
    def window_samples(self) -> int:
        return round(self.window_s * self.sample_rate_hz)

    @property
    def hop_samples(self) -> int:
        return round(self.hop_s * self.sample_rate_hz)

    @property
    def n_frames(self) -> int:
        """STFT frames of one window (frames are centred, so one more than the hops that fit)."""
        return 1 + self.window_samples // self.hop_length

    @property
    def log_mel_shape(self) -> tuple[int, int]:
        """(n_mels, n_frames) of one window."""
        return self.n_mels, self.n_frames

    @property
    def sha256(self) -> str:
        """Identity of the definition: equal exactly where every number is equal."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()
