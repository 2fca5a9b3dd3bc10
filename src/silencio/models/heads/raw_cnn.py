"""raw_cnn: a one-dimensional CNN on the waveform itself."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

import torch
from pydantic import Field
from torch import nn

from silencio.models.head import Head, HeadConfig, HeadContext


class RawCnnConfig(HeadConfig):
    """What raw_cnn is made of.

    Attributes:
        widths: Channels of the convolutions, one after another.
        kernel_size: Taps of every convolution.
        dropout: Dropout before the classifier.
    """

    kind: str = "raw_cnn"
    learning_rate: float = 3e-3
    weight_decay: float = 0.01
    widths: tuple[Annotated[int, Field(ge=1)], ...] = Field((16, 32, 64, 128), min_length=1)
    kernel_size: int = Field(15, ge=1)
    dropout: float = Field(0.1, ge=0, lt=1)


class RawCnn(Head[RawCnnConfig]):
    """Convolutions 16-32-64-128 of 15 taps; the first steps by 4 and is pooled by 4, the others step by 2."""

    input_names = ("waveform",)
    Config: ClassVar[type[HeadConfig]] = RawCnnConfig

    def __init__(self, config: RawCnnConfig, n_classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        previous = 1
        for position, width in enumerate(config.widths):
            stride = 4 if position == 0 else 2
            layers += [
                nn.Conv1d(previous, width, config.kernel_size, stride, config.kernel_size // 2, bias=False),
                nn.BatchNorm1d(width),
                nn.ReLU(),
            ]
            if position == 0:
                layers.append(nn.MaxPool1d(4))
            previous = width
        self.features = nn.Sequential(*layers)
        self.dropout = nn.Dropout(config.dropout)
        self.classifier = nn.Linear(previous, n_classes)

    @classmethod
    def build(cls, config: RawCnnConfig, context: HeadContext) -> Self:
        return cls(config, context.n_classes)

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Int16 (batch, window_samples), z-scored per window, to logits (batch, n_classes)."""
        samples = inputs[0].to(torch.float32) / 32768.0
        mean = samples.mean(dim=1, keepdim=True)
        centred = samples - mean
        deviation = centred.square().mean(dim=1, keepdim=True).sqrt()
        # 1e-4 is three steps of 16 bits: silence stays silence instead of becoming amplified dither.
        scored = centred / (deviation + 1e-4)
        pooled = self.features(scored.unsqueeze(1)).mean(dim=2)
        logits: torch.Tensor = self.classifier(self.dropout(pooled))
        return logits
