"""Settings of an encoder."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from silencio.encoders.spec import Speed


class EncoderConfig(BaseModel):
    """How an encoder is used.

    Attributes:
        speeds: Speeds at which windows are played to it; empty: as measured best for it.
        weights: Its file; empty: where its package or the cache has it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    speeds: tuple[Speed, ...] = ()
    weights: str = Field("", max_length=4096)
