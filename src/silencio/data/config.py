"""What the steps before training need to know; it loads without torch, in a second."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

from silencio.data.split import SplitConfig
from silencio.data.unlabelled_pool import SelfTrainingConfig
from silencio.data.validate import ValidationConfig
from silencio.encoders.config import EncoderConfig
from silencio.encoders.registry import known_encoder
from silencio.errors import ConfigError
from silencio.features import FeatureSpec

# In a part: the settings that it has, and by what the content of files that they name is known.
READS, FILES = "reads", "files"
Model = TypeVar("Model", bound=BaseModel)


class DataConfig(BaseModel):
    """The part of a run's configuration that decides what becomes of recordings before anything is trained.

    Attributes:
        features: How sound becomes numbers.
        min_recordings: A label with fewer recordings is left out, and they are named: it could not be learned,
            validated and tested.
        validation: What counts as a fault of a recording.
        split: How recordings are divided.
        seconds_per_shard: Sound in one piece of `featurize`'s work.
        encoders: Frozen embedding models that heads take, by name; those with defaults need not be listed.
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
    def of_part(cls, text: str) -> Self:
        """A configuration of which a step reads a part, and that has no more than this part.

        Args:
            text: As `silencio.config.parts` writes it.
        """
        values = json.loads(text)
        values.pop(FILES, None)
        names = values.pop(READS)
        return only(cls.model_validate({**cls.stand_ins(), **values}, strict=False), names)

    @classmethod
    def stand_ins(cls) -> dict[str, Any]:
        """For sections without a default that a part does not have."""
        return {}


def only(model: Model, names: Iterable[str]) -> Model:
    """The model without whatever is not named: to read another field is an AttributeError, and gives no default.

    Args:
        model: Any pydantic model.
        names: Names of fields; `a.b` is one field of a section.
    """
    below: dict[str, list[str]] = {}
    for name in names:
        field, _, rest = name.partition(".")
        below.setdefault(field, []).append(rest)
    values = {field: getattr(model, field) for field in below}
    values = {
        field: value if "" in below[field] or value is None else only(value, below[field])
        for field, value in values.items()
    }
    part = model.model_copy()
    object.__setattr__(part, "__dict__", values)  # frozen models refuse the plain way
    return part
