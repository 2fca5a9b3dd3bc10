"""embed_mlp: a small network on a frozen encoder's embedding of a window."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

import torch
from pydantic import Field
from torch import nn

from silencio.encoders import EncoderSpec
from silencio.models.head import Head, HeadConfig, HeadContext


class EmbedMlpConfig(HeadConfig):
    """What embed_mlp is made of.

    Attributes:
        encoder: Encoder whose embedding the head takes.
        widths: Widths of the hidden layers; none: a linear classifier.
        dropout: Dropout before every layer.
        normalize: `root` takes the signed square root of each number and brings each speed's part to length 1 (as is
            done to make large counts of a feature count less); `none` takes the embedding as it is.
    """

    kind: str = "embed_mlp"
    epochs: int = Field(60, ge=1)
    batch_size: int = Field(64, ge=1)
    learning_rate: float = Field(2e-3, gt=0)
    crops_per_recording: float = Field(4.0, gt=0)
    encoder: str = Field("panns_cnn14", min_length=1)
    widths: tuple[Annotated[int, Field(ge=1)], ...] = (512,)
    dropout: float = Field(0.3, ge=0, lt=1)
    normalize: Literal["root", "none"] = "root"

    @property
    def encoder_names(self) -> tuple[str, ...]:
        return (self.encoder,)


class EmbedMlp(Head[EmbedMlpConfig]):
    """Normalisation, hidden layers with ReLU, and a linear classifier.

    Args:
        config: What it is made of.
        encoder: Encoder whose embedding the head takes.
        n_classes: Number of outputs.
    """

    Config: ClassVar[type[HeadConfig]] = EmbedMlpConfig

    def __init__(self, config: EmbedMlpConfig, encoder: EncoderSpec, n_classes: int) -> None:
        super().__init__()
        self.input_names = (encoder.input_name,)
        self._n_speeds = len(encoder.speeds)
        self._normalize = config.normalize
        layers: list[nn.Module] = [nn.BatchNorm1d(encoder.n_dimensions)]
        previous = encoder.n_dimensions
        for width in config.widths:
            layers += [nn.Dropout(config.dropout), nn.Linear(previous, width), nn.BatchNorm1d(width), nn.ReLU()]
            previous = width
        self.layers = nn.Sequential(*layers, nn.Dropout(config.dropout))
        self.classifier = nn.Linear(previous, n_classes)

    @classmethod
    def build(cls, config: EmbedMlpConfig, context: HeadContext) -> Self:
        return cls(config, context.encoders[config.encoder], context.n_classes)

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Embedding (batch, n_dimensions) to logits (batch, n_classes)."""
        x = inputs[0]
        if self._normalize == "root":
            rooted = torch.sign(x) * torch.sqrt(torch.abs(x))
            # Not `reshape(len(x), …)`: the exported graph would keep the batch that it was traced with.
            parts = rooted.unflatten(1, (self._n_speeds, -1))  # type: ignore[no-untyped-call]
            x = (parts / (parts.square().sum(dim=2, keepdim=True).sqrt() + 1e-6)).flatten(1)
        logits: torch.Tensor = self.classifier(self.layers(x))
        return logits
