"""What the steps before training need to know; it loads without torch, in a second."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, Field

from silencio.data.split import SplitConfig
from silencio.data.validate import ValidationConfig
from silencio.features import FeatureSpec


class DataConfig(BaseModel):
    """The part of a run's configuration that decides what becomes of recordings before anything is trained.

    Attributes:
        features: How sound becomes numbers.
        validation: What counts as a fault of a recording.
        split: How recordings are divided.
        seconds_per_shard: Sound in one piece of `featurize`'s work.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    features: FeatureSpec = FeatureSpec()
    validation: ValidationConfig = ValidationConfig()
    split: SplitConfig = SplitConfig()
    seconds_per_shard: float = Field(600.0, gt=0)

    @classmethod
    def of_run(cls, path: str | Path) -> Self:
        """Read its part of a run's resolved configuration."""
        values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        return cls.model_validate({k: v for k, v in values.items() if k in DataConfig.model_fields}, strict=False)
