"""What int8 may cost: apart from the tools that quantize, which take seconds to import."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class QuantizeConfig(BaseModel):
    """Whether an int8 graph is tried, and what it may cost.

    Attributes:
        enabled: Whether an int8 graph is tried.
        n_calibration_windows: Training windows from which the activations' ranges are found.
        max_map_loss: Validation macro mAP that int8 may lose.
        n_timed: Windows that both graphs are timed on, in turn.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    enabled: bool = True
    n_calibration_windows: int = Field(128, ge=1)
    max_map_loss: float = Field(0.005, ge=0)
    n_timed: int = Field(100, ge=10)
