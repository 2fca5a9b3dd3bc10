"""What the steps before training need to know; it loads without torch, in a second."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator

from silencio.data.pool import SelfTrainingConfig
from silencio.data.split import SplitConfig
from silencio.data.validate import ValidationConfig
from silencio.encoders.config import EncoderConfig
from silencio.encoders.registry import known_encoder
from silencio.errors import ConfigError
from silencio.features import FeatureSpec


class DataConfig(BaseModel):
    """The part of a run's configuration that decides what becomes of recordings before anything is trained.

    Attributes:
        features: How sound becomes numbers.
        min_recordings: A label with fewer recordings is left out, and they are named: it could not be learned,
            validated and judged.
        validation: What counts as a fault of a recording.
        split: How recordings are divided.
        seconds_per_shard: Sound in one piece of `featurize`'s work.
        encoders: Frozen embedding models that heads hear, by name; those with defaults need not be listed.
        self_training: Whether heads learn from recordings without labels as well, and from which.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    features: FeatureSpec = FeatureSpec()
    min_recordings: int = Field(1, ge=1)
    validation: ValidationConfig = ValidationConfig()
    split: SplitConfig = SplitConfig()
    seconds_per_shard: float = Field(600.0, gt=0)
    encoders: dict[str, EncoderConfig] = {}
    self_training: SelfTrainingConfig | None = None

    @field_validator("encoders", mode="before")
    @classmethod
    def _with_defaults(cls, encoders: Any) -> Any:
        return {name: one or {} for name, one in encoders.items()} if isinstance(encoders, Mapping) else encoders

    @field_validator("encoders")
    @classmethod
    def _are_known(cls, encoders: dict[str, EncoderConfig]) -> dict[str, EncoderConfig]:
        for name in encoders:
            try:
                known_encoder(name)
            except ConfigError as error:
                raise ValueError(str(error)) from error
        return encoders

    @classmethod
    def of_run(cls, path: str | Path) -> Self:
        """Read its part of a run's resolved configuration."""
        values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        return cls.model_validate({k: v for k, v in values.items() if k in DataConfig.model_fields}, strict=False)
