"""Sections of a run's configuration that belong to no room alone."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

from silencio.config.quantization import QuantizeConfig
from silencio.data.soundscapes import SoundscapeConfig
from silencio.evaluation.failure_modes import FailureModeConfig
from silencio.evaluation.slices import SliceConfig


class ExportConfig(BaseModel):
    """What goes into the bundle beside the graph.

    Attributes:
        n_parity_clips: Real clips that every loader replays before it is ready.
        max_clip_bytes: A longer encoded recording is no parity clip.
        quantize: Whether int8 is tried, and what it may cost.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    n_parity_clips: int = Field(4, ge=1, le=32)
    max_clip_bytes: int = Field(400_000, ge=1_000)
    quantize: QuantizeConfig = QuantizeConfig()


class EvaluationConfig(BaseModel):
    """How the test set is evaluated.

    Attributes:
        n_resamples: Number of bootstrap resamples.
        slices: Bounds of the slices.
        soundscapes: The annotated soundscapes into which test calls are mixed.
        failure_modes: How recordings are made worse.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    n_resamples: int = Field(1000, ge=100)
    slices: SliceConfig = SliceConfig()
    soundscapes: SoundscapeConfig = SoundscapeConfig()
    failure_modes: FailureModeConfig = FailureModeConfig()


class StackingConfig(BaseModel):
    """From what the supervisor learns, and whether it is used.

    Attributes:
        n_folds: Each head is trained that many times more, without a fold of the training split each, and the
            supervisor learns from their predictions of these folds as well; 0: from validation alone.
        keep_all_heads: The bundle holds all heads even where the best of them alone is as good.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    n_folds: int = Field(0, ge=0, le=20)
    keep_all_heads: bool = False

    @field_validator("n_folds")
    @classmethod
    def _not_one(cls, n_folds: int) -> int:
        if n_folds == 1:
            raise ValueError("one fold leaves nothing to train on: 0 for none, or at least 2")
        return n_folds


class DistillationConfig(BaseModel):
    """What a student learns from the ensemble.

    Attributes:
        temperature: Above 1, the ensemble's second guesses count more in the targets, below 1 less.
        label_share: Share of the target that is the recording's own label instead of the ensemble's word.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    temperature: float = Field(1.0, gt=0)
    label_share: float = Field(0.0, ge=0, le=1)
