"""Regions of a window: cells of frequency and time, and the waveform without some of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from silencio.audio import dequantize, quantize
from silencio.errors import DataError
from silencio.explanations.stft import Stft
from silencio.features import FeatureSpec
from silencio.features.mel import hz_to_mel, mel_to_hz

# Of a cell's width: over so much it passes into the next one. Hard edges would be clicks and tones of their own.
_FLANK_SHARE = 0.5
# Power that is quiet: this share of frames, or of neighbouring frequencies, lies below.
_QUIET_SHARE = 0.1
# Of noise, power is distributed exponentially: its tenth percentile lies this far below its mean.
_QUIET_TO_MEAN = -1.0 / np.log1p(-_QUIET_SHARE)
# Half an animal's song may fill a window from end to end; an octave to either side of it, something is quieter.
_NEIGHBOUR_OCTAVES = 1.0
_MIN_AMPLITUDE = 1e-9


class RegionGrid(BaseModel):
    """How a window is divided.

    Attributes:
        n_freq_cells: Cells of frequency, of equal width in mel.
        n_time_cells: Cells of time, of equal length.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    n_freq_cells: int = Field(8, ge=2, le=64)
    n_time_cells: int = Field(10, ge=1, le=100)

    @property
    def shape(self) -> tuple[int, int]:
        return self.n_freq_cells, self.n_time_cells

    @property
    def n_cells(self) -> int:
        return self.n_freq_cells * self.n_time_cells

    def freq_edges_hz(self, spec: FeatureSpec) -> NDArray[np.float64]:
        """Rising, (n_freq_cells + 1,), over the mel bands of a specification; the outer cells reach beyond them."""
        low, high = hz_to_mel(spec.f_min_hz), hz_to_mel(spec.f_max_hz)
        return mel_to_hz(np.linspace(low, high, self.n_freq_cells + 1))

    def time_edges_s(self, spec: FeatureSpec) -> NDArray[np.float64]:
        """Rising, (n_time_cells + 1,), from 0 to the window's length."""
        return np.linspace(0.0, spec.window_s, self.n_time_cells + 1)


@dataclass(frozen=True)
class Occluder:
    """A window whose regions can be taken out.

    A region is turned down to the window's quiet floor, with the phase that it has, and the whole is made a waveform
    again: every head and every encoder takes it in as it would a recording in which that sound did not occur. Zeros
    would be a hole that no recording has, to which a model answers as well. Cells pass into each other by flanks that
    add up to one: what is taken out cell by cell is, at the end, all of it.

    Attributes:
        window: int16, (window_samples,), at the specification's rate.
        spec: Feature specification of the model.
        grid: How the window is divided.

    Raises:
        DataError: It is no such window, or is silent.
    """

    window: NDArray[np.int16]
    spec: FeatureSpec
    grid: RegionGrid

    def __post_init__(self) -> None:
        window, n_samples = self.window, self.spec.window_samples
        if window.dtype != np.int16 or window.shape != (n_samples,):
            raise DataError(
                f"an explanation takes the int16 waveform of a window, ({n_samples},), and got {window.dtype} "
                f"{window.shape}: features such as log_mel cannot be made sound again, so keep the recording"
            )
        if window.min() == window.max():
            raise DataError(f"the window is silent: each of its {n_samples} samples is {window[0]}; choose another")

    def without(self, regions: NDArray[np.bool_]) -> NDArray[np.int16]:
        """The window without some of its cells.

        Args:
            regions: Cells that are taken out, (n_regions, n_freq_cells, n_time_cells).

        Returns:
            int16, (n_regions, window_samples).
        """
        # Cell after cell, and not by a product of matrices: BLAS sums in another order on another machine.
        taken = [self._parts[region.ravel()].sum(axis=0) for region in regions]
        return quantize(dequantize(self.window) - np.stack(taken))

    @cached_property
    def _parts(self) -> NDArray[np.float32]:
        """What of the window goes with each cell, (n_cells, window_samples): the transform is linear."""
        removed = self._spectrum * self._loss
        parts = np.zeros((self.grid.n_cells, len(self.window)), np.float32)
        for number, (band, moment) in enumerate((b, m) for b in self._bands for m in self._moments):
            frames = np.flatnonzero(moment)
            first, last = int(frames[0]), int(frames[-1]) + 1
            part = removed[:, first:last] * band[:, None] * moment[first:last]
            parts[number] = self._stft.inverse(part, first, len(self.window))
        return parts

    @cached_property
    def _stft(self) -> Stft:
        return Stft(self.spec.sample_rate_hz)

    @cached_property
    def _spectrum(self) -> NDArray[np.complex128]:
        return self._stft(dequantize(self.window))

    @cached_property
    def _loss(self) -> NDArray[np.float64]:
        """What of the amplitude goes where a cell is taken out, (n_bins, n_frames): nothing at the quiet floor."""
        amplitude: NDArray[np.float64] = np.maximum(np.abs(self._spectrum), _MIN_AMPLITUDE)
        power: NDArray[np.float64] = np.square(amplitude).astype(np.float64)
        floor = np.sqrt(quiet_floor(power, self._stft.freqs_hz))
        return 1.0 - np.minimum(1.0, floor[:, None] / amplitude)

    @cached_property
    def _bands(self) -> NDArray[np.float64]:
        edges = self.grid.freq_edges_hz(self.spec)
        low, high = hz_to_mel(edges[0]), hz_to_mel(edges[-1])
        mels = np.array([hz_to_mel(hz) for hz in self._stft.freqs_hz])
        return _shares((mels - low) / (high - low) * self.grid.n_freq_cells, self.grid.n_freq_cells)

    @cached_property
    def _moments(self) -> NDArray[np.float64]:
        times_s = self._stft.times_s(len(self.window))
        return _shares(times_s / self.spec.window_s * self.grid.n_time_cells, self.grid.n_time_cells)


def quiet_floor(power: NDArray[np.float64], freqs_hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean power of a window's quiet background by frequency.

    Where nothing sounds for a tenth of the time, that is what is measured there (minimum statistics, after Martin
    2001). A song that fills the window from end to end has no such moment: the quiet tenth of the frequencies
    within an octave stands in for it.

    Args:
        power: (n_bins, n_frames).
        freqs_hz: Frequencies of the bins, (n_bins,).

    Returns:
        (n_bins,).
    """
    of_time = np.quantile(power, _QUIET_SHARE, axis=1) * _QUIET_TO_MEAN
    factor = 2.0**_NEIGHBOUR_OCTAVES
    first = np.searchsorted(freqs_hz, freqs_hz / factor)
    last = np.maximum(np.searchsorted(freqs_hz, freqs_hz * factor, side="right"), first + 1)
    neighbours = [np.quantile(of_time[i:j], _QUIET_SHARE) for i, j in zip(first, last, strict=True)]
    return np.asarray(np.minimum(of_time, np.array(neighbours)))


def _shares(places: NDArray[np.float64], n_cells: int) -> NDArray[np.float64]:
    """How much of each place belongs to each cell, (n_cells, n_places); over the cells they add up to one."""
    inner = np.arange(1, n_cells)[:, None]
    beyond = np.clip((places - inner) / _FLANK_SHARE + 0.5, 0.0, 1.0)
    passed = np.square(np.sin(np.pi / 2 * beyond))
    edge = np.ones((1, len(places)))
    return np.asarray(np.concatenate([edge, passed]) - np.concatenate([passed, 0.0 * edge]))
