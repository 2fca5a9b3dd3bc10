"""Encoders by name: a new one is a file in the folder `known` with an `ENCODER`, and nothing else."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from silencio.encoders import known as room
from silencio.encoders.config import EncoderConfig
from silencio.encoders.spec import EncoderSpec
from silencio.encoders.weights import Weights, locate, prepared
from silencio.errors import ConfigError

_SUFFIXES = {"onnx": ".onnx", "litert": ".tflite"}
_RUNTIMES: dict[str, Literal["onnx", "litert"]] = {".onnx": "onnx", ".tflite": "litert"}


@dataclass(frozen=True)
class KnownEncoder:
    """An encoder that a configuration may name.

    Attributes:
        spec: Its input; its `speeds` are those that were measured best.
        title: What people call it.
        licence: Licence of its weights.
        weights: Its official file, and where that is.
        prepare: Writes the file that `spec.runtime` reads (second path) from the official one (first); None: the
            official one is read as it is.
    """

    spec: EncoderSpec
    title: str
    licence: str
    weights: Weights
    prepare: Callable[[Path, Path], None] | None = None


def encoder_names() -> list[str]:
    """Every encoder that there is."""
    return sorted(module.name for module in pkgutil.iter_modules(room.__path__))


def known_encoder(name: str) -> KnownEncoder:
    """The encoder of that name.

    Raises:
        ConfigError: There is none.
    """
    if name not in encoder_names():
        raise ConfigError(f"{name!r} is no encoder: there are {', '.join(encoder_names())}")
    known: KnownEncoder = importlib.import_module(f"{room.__name__}.{name}").ENCODER
    return known


def encoder_spec(name: str, config: EncoderConfig) -> EncoderSpec:
    """The encoder's input, as configured. Its weights need not be there.

    Raises:
        ConfigError: There is no such encoder.
    """
    spec = known_encoder(name).spec
    runtime = _RUNTIMES.get(Path(config.weights).suffix, spec.runtime)
    return spec.model_copy(update={"runtime": runtime, "speeds": config.speeds or spec.speeds})


def encoder_file(name: str, config: EncoderConfig) -> Path:
    """The file that the encoder's runtime reads, fetched and prepared if it was not.

    Raises:
        ConfigError: There is no such encoder.
        PretrainedWeightsError: Its weights are not here and cannot be fetched, or are not the official ones.
        StorageError: The cache cannot be written.
    """
    known = known_encoder(name)
    official = locate(name, known.weights, config.weights)
    if known.prepare is None:
        return official
    return prepared(name, official, _SUFFIXES[encoder_spec(name, config).runtime], known.prepare)
