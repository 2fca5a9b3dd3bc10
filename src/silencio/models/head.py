"""What every head is: a torch module from named inputs to logits, with a configuration of its own."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Generic, Literal, Self, TypeVar

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from silencio.data.augment import AugmentConfig
from silencio.data.window_choice import WindowChoice
from silencio.encoders import EncoderSpec
from silencio.features import FeatureSpec

Loss = Literal["cross_entropy", "bce", "focal"]


class HeadConfig(BaseModel):
    """How a head is trained; each head adds what it is made of.

    Attributes:
        kind: The head's name in the registry: that of its file.
        epochs: Passes over the training recordings.
        batch_size: Windows at once.
        accumulate: Batches a step: their gradients are averaged, as if they were one batch (batch norms still see each
            alone).
        ema_decay: The head that is kept is the exponential moving average of its weights over the steps, and of the
            statistics of its batch norms, with this decay (it rises to it, so that a short training does not keep
            the first weights); 0 keeps the last weights.
        learning_rate: Peak of the one-cycle schedule.
        weight_decay: Weight decay of AdamW; biases and norms have none.
        warmup_share: Share of the steps in which the learning rate rises.
        clip_norm: Gradients are scaled down to this norm.
        loss: `cross_entropy` spreads one unit over the labels (and gives a softmax), `bce` scores each alone, and so
            does `focal`, which counts what is right already less (Lin et al. 2017).
        focal_gamma: How much less; 0 makes `focal` the same as `bce`.
        label_smoothing: Share of the target that is spread over all classes.
        crops_per_recording: Windows drawn in an epoch, per training recording.
        class_power: 0 keeps the long tail, 1 draws all species equally often.
        window_choice: `random`, or `loud`: of four random windows of a recording the one with most sound, since
            a file's label does not hold in every window.
        precision: Lightning's name of the arithmetic; `bf16-mixed` is for GPUs.
        n_workers: Processes that prepare windows; 0 prepares them in the training process.
        augment: How strongly windows are varied.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    kind: str

    @property
    def encoder_names(self) -> tuple[str, ...]:
        """Encoders whose embeddings the head takes."""
        return ()

    epochs: int = Field(25, ge=1)
    batch_size: int = Field(16, ge=1)
    accumulate: int = Field(1, ge=1)
    ema_decay: float = Field(0.0, ge=0, lt=1)
    learning_rate: float = Field(1e-3, gt=0)
    weight_decay: float = Field(0.02, ge=0)
    warmup_share: float = Field(0.05, ge=0, lt=1)
    clip_norm: float = Field(5.0, gt=0)
    loss: Loss = "cross_entropy"
    focal_gamma: float = Field(2.0, ge=0)
    label_smoothing: float = Field(0.05, ge=0, lt=1)
    crops_per_recording: float = Field(1.0, gt=0)
    class_power: float = Field(0.5, ge=0, le=1)
    window_choice: WindowChoice = "random"
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    n_workers: int = Field(0, ge=0)
    augment: AugmentConfig = AugmentConfig()


ConfigT = TypeVar("ConfigT", bound=HeadConfig)


@dataclass(frozen=True)
class HeadContext:
    """What a head is made for, whatever it is made of.

    Attributes:
        features: The features that it will be given.
        n_classes: Number of outputs.
        encoders: Encoders by name, at least those whose embeddings the head takes.
        initialize: Load pretrained weights. False where trained weights are loaded next.
    """

    features: FeatureSpec
    n_classes: int
    encoders: Mapping[str, EncoderSpec] = field(default_factory=dict)
    initialize: bool = True


class Head(nn.Module, Generic[ConfigT]):
    """Base of all heads.

    Attributes:
        input_names: What is taken: `log_mel` (batch, n_mels, n_frames), `waveform` (batch, window_samples) int16, or
            `embedding:` and an encoder's name (batch, n_dimensions).
        Config: The head's own configuration.
    """

    input_names: tuple[str, ...]
    Config: ClassVar[type[HeadConfig]]

    @classmethod
    @abstractmethod
    def build(cls, config: ConfigT, context: HeadContext) -> Self:
        """Make the module.

        Args:
            config: An instance of `Config`.
            context: What it is made for.

        Raises:
            ModelError: It cannot be made as configured.
        """

    @abstractmethod
    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """What `input_names` says, each (batch, …), to logits (batch, n_classes)."""

    def deployable(self) -> nn.Module:
        """The module that is exported: the same function, without what only training needs."""
        return self


def probabilities(logits: torch.Tensor, loss: Loss) -> torch.Tensor:
    """Logits to probabilities, as the loss understands them. Any (…, n_classes)."""
    return logits.softmax(dim=-1) if loss == "cross_entropy" else logits.sigmoid()


def loss_of(logits: torch.Tensor, target: torch.Tensor, config: HeadConfig) -> torch.Tensor:
    """The training loss.

    Args:
        logits: (batch, n_classes).
        target: Multi-label, possibly mixed: (batch, n_classes) in [0, 1]. Under `cross_entropy` a row that sums to less
            than one, a teacher's doubtful word, counts for that much less.
        config: Loss, and how much its labels are smoothed.

    Returns:
        A scalar.
    """
    n_classes = logits.shape[-1]
    if config.loss == "cross_entropy":
        n_labels = target.sum(dim=-1)
        target = target / n_labels.clamp_min(1e-6).unsqueeze(-1)
        target = target * (1 - config.label_smoothing) + config.label_smoothing / n_classes
        return (n_labels.clamp_max(1.0) * nn.functional.cross_entropy(logits, target, reduction="none")).mean()
    target = target * (1 - config.label_smoothing) + config.label_smoothing / 2
    each = nn.functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    if config.loss == "focal":
        # Lin's weight is |label - p| ** gamma; a mixed target has the expected distance.
        p = logits.sigmoid()
        each = each * (target * (1 - p) + (1 - target) * p) ** config.focal_gamma
    return each.mean()
