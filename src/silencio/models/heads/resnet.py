"""resnet: a ResNet from scratch on the log-mel; where an encoder detects the animals, a band of it may be raised."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import nn

from silencio.encoders import EMBEDDING
from silencio.errors import ConfigError
from silencio.features import FeatureSpec
from silencio.features.mel import hz_to_mel, mel_to_hz
from silencio.models.head import Head, HeadConfig, HeadContext
from silencio.models.timm_net import channels_last, timm_net


class BandBoostConfig(BaseModel):
    """Which band is raised, and what decides when.

    Attributes:
        encoder: Encoder from whose embedding of the window the gate is learned.
        low_hz: Lower end of the band.
        high_hz: Upper end of the band.
        gain_db: How much it is raised where the gate is open.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    encoder: str = Field(min_length=1)
    low_hz: float = Field(2_000.0, ge=0)
    high_hz: float = Field(8_000.0, gt=0)
    gain_db: float = Field(9.5, gt=0, le=40)

    @model_validator(mode="after")
    def _is_a_band(self) -> Self:
        if self.low_hz >= self.high_hz:
            raise ValueError(f"low_hz={self.low_hz:g} is not below high_hz={self.high_hz:g}")
        return self


class ResNetConfig(HeadConfig):
    """What resnet is made of.

    Attributes:
        backbone: The timm model.
        dropout: Dropout before the classifier.
        drop_path: Stochastic depth.
        boost: Band that is raised where an encoder finds animals; none: the log-mel is taken as it is.
    """

    kind: str = "resnet"
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    backbone: Literal["resnet18", "resnet50"] = "resnet50"
    dropout: float = Field(0.2, ge=0, lt=1)
    drop_path: float = Field(0.0, ge=0, lt=1)
    boost: BandBoostConfig | None = None

    @property
    def encoder_names(self) -> tuple[str, ...]:
        return () if self.boost is None else (self.boost.encoder,)


class ResNet(Head[ResNetConfig]):
    """A timm ResNet with one input channel and random initial weights (He et al. 2016).

    Args:
        net: Network that makes logits of a log-mel.
        boost: What is done to the log-mel before.
    """

    Config: ClassVar[type[HeadConfig]] = ResNetConfig

    def __init__(self, net: nn.Module, boost: BandBoost | None) -> None:
        super().__init__()
        self.net = net
        self.boost = boost
        self.input_names = ("log_mel",) if boost is None else ("log_mel", boost.input_name)

    @classmethod
    def build(cls, config: ResNetConfig, context: HeadContext) -> Self:
        net = timm_net(config, context.n_classes)
        boost = None
        if config.boost is not None:
            boost = BandBoost(config.boost, context.features, context.encoders[config.boost.encoder].n_dimensions)
        return cls(channels_last(net), boost)

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Scaled log-mel (batch, n_mels, n_frames) and, with a boost, the embedding to logits (batch, n_classes)."""
        log_mel = inputs[0] if self.boost is None else self.boost(inputs[0], inputs[1])
        logits: torch.Tensor = self.net(log_mel.unsqueeze(1))
        return logits


class BandBoost(nn.Module):
    """Raises a band of the log-mel by a gain times a gate; the gate is a logistic regression on the embedding.

    A forerunner amplified 2 to 8 kHz threefold (9.5 dB) in the seconds for which PANNs predicted "bird". Here what
    opens the gate is learned with the head, so it may be any animal; at first the gate is half open.

    Args:
        config: Band, and how much it is raised.
        spec: Feature spec of the log-mel.
        n_dimensions: Number of dimensions of the embedding.

    Raises:
        ConfigError: No mel band lies between the frequencies.
    """

    band: torch.Tensor

    def __init__(self, config: BandBoostConfig, spec: FeatureSpec, n_dimensions: int) -> None:
        super().__init__()
        self.input_name = EMBEDDING + config.encoder
        self._norm = nn.BatchNorm1d(n_dimensions)
        self._gate = nn.Linear(n_dimensions, 1)
        nn.init.zeros_(self._gate.weight)
        nn.init.zeros_(self._gate.bias)
        centres_hz = mel_centres_hz(spec)
        inside = (centres_hz >= config.low_hz) & (centres_hz <= config.high_hz)
        if not inside.any():
            raise ConfigError(
                f"boost: none of the {spec.n_mels} mel bands from {spec.f_min_hz:g} to {spec.f_max_hz:g} Hz lies "
                f"between low_hz={config.low_hz:g} and high_hz={config.high_hz:g}"
            )
        gain = np.where(inside, config.gain_db / spec.scale_db, 0.0)
        self.register_buffer("band", torch.tensor(gain, dtype=torch.float32), persistent=False)

    def forward(self, log_mel: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        """Log-mel (batch, n_mels, n_frames) and embedding (batch, n_dimensions) to a log-mel of the same shape."""
        gate = torch.sigmoid(self._gate(self._norm(embedding)))
        return log_mel + (gate * self.band).unsqueeze(2)


def mel_centres_hz(spec: FeatureSpec) -> np.ndarray:
    """The frequency at which each mel band is most sensitive, (n_mels,)."""
    edges = np.linspace(hz_to_mel(spec.f_min_hz), hz_to_mel(spec.f_max_hz), spec.n_mels + 2)
    return mel_to_hz(edges[1:-1])
