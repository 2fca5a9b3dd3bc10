"""Embeddings of recordings: of each window by every encoder of a run, computed once and kept.

A recording's grid is its windows as the service would cut them and, after those, the windows half a hop further on:
training draws from all of them, everything else takes the first ones.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from silencio.audio import cut_window, window_starts
from silencio.encoders import Encoder, EncoderSpec
from silencio.encoders.config import EncoderConfig
from silencio.encoders.registry import encoder_file, encoder_spec
from silencio.encoders.weights import weights_sha256
from silencio.features import FeatureSpec
from silencio.settings import Settings
from silencio.storage import write_atomically


def grid_starts(n_samples: int, spec: FeatureSpec) -> list[int]:
    """Where the windows of a recording's grid begin: the service's, then those between that the recording fills."""
    served = window_starts(n_samples, spec)
    half = spec.hop_samples // 2
    return served + [start + half for start in served if start + half + spec.window_samples <= n_samples]


def grid_windows(waveform: NDArray[np.int16], spec: FeatureSpec) -> NDArray[np.int16]:
    """The windows of a recording's grid: int16 (n_samples,) to int16 (n_grid, window_samples)."""
    return np.stack([cut_window(waveform, start, spec) for start in grid_starts(len(waveform), spec)])


def window_sha256(spec: FeatureSpec) -> str:
    """Identity of what an encoder is given: rate, windows and padding; how a mel is made does not touch it."""
    facts: list[float | str] = [spec.sample_rate_hz, spec.window_s, spec.hop_s, spec.padding]
    if spec.last_window != "padded":  # what was made before there was another rule keeps its name
        facts.append(spec.last_window)
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


class GridEncoder:
    """An encoder with a cache: the embeddings of a waveform are computed once on this machine.

    Args:
        spec: What the encoder takes and gives.
        path: Path of the file.
        features: How windows are cut.

    Attributes:
        spec: The encoder's spec.
        identity: Equal exactly where embeddings are.
    """

    def __init__(self, spec: EncoderSpec, path: Path, features: FeatureSpec) -> None:
        self.spec = spec
        self._path, self._features = path, features
        self._encoder: Encoder | None = None
        self.identity = spec.identity(weights_sha256(path), window_sha256(features))
        self._cache = Settings().cache / "embeddings" / f"{spec.name}-{self.identity[:16]}"

    def embed(self, waveform: NDArray[np.int16], sha256: str) -> NDArray[np.float32]:
        """Embeddings of a recording's grid.

        Args:
            waveform: int16, shape (n_samples,).
            sha256: SHA-256 of its samples.

        Returns:
            float32, shape (n_grid, n_dimensions).
        """
        kept = self._cache / sha256[:2] / f"{sha256}.f32"
        n_grid = len(grid_starts(len(waveform), self._features))
        if kept.exists() and kept.stat().st_size == 4 * n_grid * self.spec.n_dimensions:
            return np.fromfile(kept, np.float32).reshape(n_grid, -1)
        if self._encoder is None:  # a model is loaded only where something is new
            rate_hz = self._features.sample_rate_hz
            self._encoder = Encoder(self._path, self.spec, rate_hz, Settings().session_threads)
        embeddings = self._encoder.embed(grid_windows(waveform, self._features))
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(kept, embeddings.tobytes(), shared=True)
        return embeddings


def open_encoders(encoders: Mapping[str, EncoderConfig], features: FeatureSpec) -> list[GridEncoder]:
    """The encoders of a configuration.

    Raises:
        ConfigError: There is none of that name.
        PretrainedWeightsError: Weights are not here and cannot be fetched.
    """
    return [
        GridEncoder(encoder_spec(name, config), encoder_file(name, config), features)
        for name, config in sorted(encoders.items())
    ]
