"""FrontEnd: the one way from a recording to a model's inputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from silencio.audio import cut_windows, pieces_of_blocks, read_waveform, window_starts_s
from silencio.features.log_mel import LogMel
from silencio.features.spec import FeatureSpec

# Windows whose features are made at once: an hour's log-mels would be a gigabyte, a few stay in the processor's cache.
_PIECE_WINDOWS = 8


@dataclass(frozen=True)
class WindowFeatures:
    """The windows of one recording.

    Attributes:
        starts_s: The second at which each window begins, n_windows of them.
        inputs: Inputs by name: `waveform` int16 (n_windows, window_samples), `log_mel` float32 (n_windows, n_mels,
            n_frames).
    """

    starts_s: list[float]
    inputs: dict[str, NDArray[np.generic]]

    @property
    def n_windows(self) -> int:
        return len(self.starts_s)


class FrontEnd:
    """Recording to windows to features, for training, transformer, batch scoring and streams alike.

    Args:
        spec: The definition that is followed.
    """

    def __init__(self, spec: FeatureSpec) -> None:
        self.spec = spec
        self.log_mel = LogMel(spec)

    def waveform(self, source: bytes | Path, *, max_duration_s: float | None = None) -> NDArray[np.int16]:
        """Decode, mix to mono, resample, quantize.

        Returns:
            int16, shape (n_samples,), at the spec's rate.

        Raises:
            DecodeError: `source` is no audio that can be used.
        """
        return read_waveform(source, self.spec.sample_rate_hz, max_duration_s=max_duration_s).samples

    def windows(self, waveform: NDArray[np.int16]) -> NDArray[np.int16]:
        """Cut at the spec's hop: int16 (n_samples,) to int16 (n_windows, window_samples)."""
        return cut_windows(waveform, self.spec)

    def features(self, waveform: NDArray[np.int16], *, log_mel: bool = True) -> WindowFeatures:
        """Every input of every window of a waveform at the spec's rate, int16 (n_samples,).

        Args:
            waveform: int16, shape (n_samples,).
            log_mel: Whether the graph takes it; it is what costs time.
        """
        windows = self.windows(waveform)
        starts_s = window_starts_s(len(waveform), self.spec, self.spec.sample_rate_hz)
        inputs: dict[str, NDArray[np.generic]] = {"waveform": windows}
        if log_mel:
            inputs["log_mel"] = self.log_mel(windows)
        return WindowFeatures(starts_s, inputs)

    def features_of_blocks(
        self, blocks: Iterable[NDArray[np.int16]], *, log_mel: bool = True
    ) -> Iterator[WindowFeatures]:
        """`features` of a recording that comes in blocks, some windows at a time: memory does not grow with its length.

        Args:
            blocks: int16, each (n_samples,), in any portions; at least one sample in all.
            log_mel: Whether the graph takes it.
        """
        spec, rate_hz = self.spec, self.spec.sample_rate_hz
        for begin, samples in pieces_of_blocks(blocks, spec, _PIECE_WINDOWS):
            piece = self.features(samples, log_mel=log_mel)
            # By whole samples: seconds that are added up would differ in their last bit.
            starts_s = [(begin + round(start_s * rate_hz)) / rate_hz for start_s in piece.starts_s]
            yield replace(piece, starts_s=starts_s)

    def __call__(self, source: bytes | Path, *, max_duration_s: float | None = None) -> WindowFeatures:
        """From encoded audio to features in one step."""
        return self.features(self.waveform(source, max_duration_s=max_duration_s))
