"""Before anything is trained: can every head of a configuration be made, and does it take what the spec gives?"""

from __future__ import annotations

import warnings

import torch

from silencio.config import RunConfig
from silencio.encoders import EMBEDDING, EncoderSpec
from silencio.encoders.registry import encoder_file, encoder_spec
from silencio.errors import ConfigError, SilencioError
from silencio.features import FeatureSpec
from silencio.models.head import HeadConfig, HeadContext
from silencio.models.registry import head_class

# Any number: how many species there are is known only when recordings were read.
_N_CLASSES = 2


def check_run(config: RunConfig) -> None:
    """Find the weights of every encoder and backbone, and make and run every head once.

    Weights that have an address are fetched now. A head takes about a second.

    Args:
        config: The resolved configuration.

    Raises:
        ConfigError: One sentence a fault: an encoder without weights, a backbone whose weights are missing or do not
            fit, low-rank updates that match no layer or do not fit one, a window that is too short for a head, batches
            that a head's norms cannot be trained on.
    """
    specs = {name: encoder_spec(name, one) for name, one in config.encoders.items()}
    faults = []
    for name, encoder in sorted(config.encoders.items()):  # featurize runs all of them, taken by a head or not
        try:
            encoder_file(name, encoder)
        except SilencioError as error:
            faults.append(str(error))
    for name, head in config.heads.items():
        try:
            _check_head(head, config.features, specs)
        except SilencioError as error:
            faults.append(f"heads.{name}: {error}")
    if faults:
        raise ConfigError("; ".join(faults))
    if config.student:
        check_run(config.of_student())


def _check_head(config: HeadConfig, spec: FeatureSpec, encoders: dict[str, EncoderSpec]) -> None:
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]), torch.inference_mode():
        warnings.simplefilter("ignore")  # peft's about layers that are refused below, in words of ours
        head = head_class(config.kind).build(config, HeadContext(spec, _N_CLASSES, encoders)).eval()
        inputs = [_silence(name, spec, encoders) for name in head.input_names]
        try:
            shape = tuple(head(*inputs).shape)
        except RuntimeError as error:
            names = ", ".join(head.input_names)
            raise ConfigError(f"cannot take windows of {spec.window_s:g} s as {names}: {error}") from error
        batch = [torch.cat([one] * min(config.batch_size, 2)) for one in inputs]
        try:
            head.train()(*batch)
        except (RuntimeError, ValueError) as error:
            raise ConfigError(f"cannot be trained with batch_size={config.batch_size}: {error}") from error
    if shape != (1, _N_CLASSES):
        raise ConfigError(f"gives {shape} for one window and {_N_CLASSES} classes")


def _silence(name: str, spec: FeatureSpec, encoders: dict[str, EncoderSpec]) -> torch.Tensor:
    if name == "waveform":
        return torch.zeros((1, spec.window_samples), dtype=torch.int16)
    if name == "log_mel":
        return torch.zeros((1, *spec.log_mel_shape))
    return torch.zeros((1, encoders[name.removeprefix(EMBEDDING)].n_dimensions))
