"""The encoders that a bundle carries: they run where the graph runs.

So what travels between the two servers is the waveform, and not one copy of it an encoder.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from silencio.bundle.manifest import BundleManifest, GraphInput, sent_inputs
from silencio.encoders import EMBEDDING, Encoder
from silencio.errors import BundleIntegrityError, ConfigError
from silencio.extras import install_command

# What runs a file, by the runtime that bundle.json names: its module, what people call it, and the extra that has it.
RUNTIMES = {
    "onnx": ("onnxruntime", "ONNX Runtime", "serve-cpu"),
    "litert": ("ai_edge_litert.interpreter", "LiteRT", "litert"),
}


def check_runtimes(manifest: BundleManifest) -> None:
    """Whether this environment can run all encoders of a bundle; nothing is loaded.

    Raises:
        ConfigError: What runs one is not installed; the message says what to install.
    """
    missing: dict[str, list[str]] = {}
    for encoder in manifest.encoders:
        if not _is_here(RUNTIMES[encoder.runtime][0]):
            missing.setdefault(encoder.runtime, []).append(encoder.name)
    if missing:
        needs = ", ".join(f"{RUNTIMES[runtime][1]} for {' and '.join(names)}" for runtime, names in missing.items())
        command = install_command(*(RUNTIMES[runtime][2] for runtime in missing))
        raise ConfigError(
            f"bundle {manifest.version} needs {needs}, and this environment ({sys.prefix}) has none: {command}, "
            "or make the environment from requirements/serve-cpu.txt or serve-gpu.txt, which have it, as has the image "
            "`predictor` of `make images`"
        )


def _is_here(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # of the package that the module is in
        return False


class Encoders:
    """All encoders of a bundle.

    Args:
        directory: The bundle's folder.
        manifest: The bundle's manifest.
        n_threads: Threads of each session.

    Raises:
        BundleIntegrityError: A file is no such model, or the graph is fed an embedding that no encoder makes.
        ConfigError: What runs an encoder is not installed.
    """

    def __init__(self, directory: Path, manifest: BundleManifest, n_threads: int) -> None:
        check_runtimes(manifest)
        self._spec = manifest.spec
        rate_hz = manifest.spec.sample_rate_hz
        self._encoders = {
            entry.input_name: Encoder(directory / entry.file, entry, rate_hz, n_threads) for entry in manifest.encoders
        }
        for fed in manifest.inputs:
            if fed.name.startswith(EMBEDDING) and fed.name not in self._encoders:
                raise BundleIntegrityError(f"the graph is fed {fed.name}, and the bundle has no such encoder")

    def sent(self, inputs: tuple[GraphInput, ...]) -> tuple[GraphInput, ...]:
        """What is to be given in place of the graph's inputs."""
        return sent_inputs(inputs, self._spec)

    def embedded(self, features: Mapping[str, NDArray[np.generic]]) -> dict[str, NDArray[np.generic]]:
        """`features` with every embedding that their `waveform` has."""
        waveform = np.asarray(features["waveform"], np.int16)
        return {**features, **{name: encoder.embed(waveform) for name, encoder in self._encoders.items()}}
