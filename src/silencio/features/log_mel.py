"""Log-mel of windows, by numpy's real FFT."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import DTypeLike, NDArray

from silencio.audio.waveform import FULL_SCALE
from silencio.features.mel import mel_filters
from silencio.features.spec import FeatureSpec

# STFT frames that are computed at once: few enough for the processor's second cache, and a whole number of its vectors.
_BLOCK_FRAMES = 20
_ALIGNMENT_BYTES = 64


class LogMel:
    """`waveform` to `log_mel`, window by window.

    A window is computed alone, whatever else is in the batch, so a batch equals one by one to the last bit.

    Args:
        spec: The definition that is followed.
    """

    def __init__(self, spec: FeatureSpec) -> None:
        self.spec = spec
        # The periodic Hann window; scipy.signal, which has it by name, takes most of a second to import.
        # It stays float64, and with it the FFT: in float32 the bands beside a loud tone hold nothing but rounding,
        # and other rounding on every processor.
        # The scale of 16 bits is in it: dividing by a power of two is exact wherever it is done.
        self._hann = _aligned((spec.n_fft,), np.float64)
        self._hann[:] = np.hanning(spec.n_fft + 1)[:-1] / FULL_SCALE
        filters = mel_filters(spec.sample_rate_hz, spec.n_fft, spec.n_mels, spec.f_min_hz, spec.f_max_hz)
        used = np.flatnonzero(filters.any(axis=0))
        # Filters that lie between two bins pass nothing at all: one bin, of weight zero, stands for that.
        self._bins = slice(int(used[0]), int(used[-1]) + 1) if len(used) else slice(0, 1)
        # A filter covers a few of a thousand bins: the sparse product does a fiftieth of the work, in an order
        # that no BLAS and no thread count can change.
        self._filters = scipy.sparse.csr_array(filters[:, self._bins])

    def __call__(self, windows: NDArray[np.int16]) -> NDArray[np.float32]:
        """Scaled log-mel.

        Args:
            windows: int16, shape (n_windows, window_samples).

        Returns:
            float32, shape (n_windows, n_mels, n_frames).
        """
        spec = self.spec
        stft = _Stft(spec, spec.window_samples, self._bins)
        log_mel = np.empty((len(windows), *spec.log_mel_shape), np.float32)
        for window, out in zip(windows, log_mel, strict=True):
            stft.samples[:] = window
            self._bels(stft, out)
            out *= np.float32(10.0 / spec.scale_db)
            out += np.float32(spec.offset_db / spec.scale_db)
            np.maximum(out, np.float32((spec.floor_db + spec.offset_db) / spec.scale_db), out=out)
        return log_mel

    def decibels(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mel power in decibels, before floor and scaling.

        Args:
            samples: float32, shape (n_samples,).

        Returns:
            float32, shape (n_mels, 1 + n_samples // hop_length).
        """
        stft = _Stft(self.spec, len(samples), self._bins)
        np.multiply(samples, FULL_SCALE, out=stft.samples)
        bels = np.empty((self.spec.n_mels, stft.n_frames), np.float32)
        self._bels(stft, bels)
        return bels * np.float32(10.0)

    def _bels(self, stft: _Stft, out: NDArray[np.float32]) -> None:
        """Logarithm of the mel power of what is in `stft.samples`."""
        for first in range(0, stft.n_frames, _BLOCK_FRAMES):
            mel = np.asarray(self._filters @ stft.power(first, self._hann))
            out[:, first : first + _BLOCK_FRAMES] = mel[:, : stft.n_frames - first]
        np.maximum(out, np.float32(self.spec.min_power), out=out)
        np.log10(out, out=out)


class _Stft:
    """The buffers of one call: asking the system for them anew for every block costs as much as the FFT.

    Args:
        spec: The definition that is followed.
        n_samples: Number of samples of the signals that are to be analysed.
        bins: The bins whose power is wanted.

    Attributes:
        samples: float64 (n_samples,), to be filled with a signal in steps of 16 bits.
        n_frames: STFT frames of it.
    """

    def __init__(self, spec: FeatureSpec, n_samples: int, bins: slice) -> None:
        self.n_frames = 1 + n_samples // spec.hop_length
        n_blocks = -(-self.n_frames // _BLOCK_FRAMES)
        # Silence beyond the signal lets the last block be as long as the others.
        padded = _aligned((n_blocks * _BLOCK_FRAMES * spec.hop_length + spec.n_fft,), np.float64)
        padded[:] = 0.0
        self.samples = padded[spec.n_fft // 2 : spec.n_fft // 2 + n_samples]
        self._frames = sliding_window_view(padded, spec.n_fft)[:: spec.hop_length]
        self._windowed = _aligned((_BLOCK_FRAMES, spec.n_fft), np.float64)
        # Bins first: that is how the filters want them, and the FFT writes them so at no cost.
        self._spectrum = _aligned((1 + spec.n_fft // 2, _BLOCK_FRAMES), np.complex128)
        self._parts = self._spectrum[bins].view(np.float64)
        self._power: NDArray[np.float32] = _aligned((len(self._parts), _BLOCK_FRAMES), np.float32)

    def power(self, first: int, hann: NDArray[np.float64]) -> NDArray[np.float32]:
        """Power of a block of frames from `first` on: (n_bins, _BLOCK_FRAMES), overwritten by the next call."""
        np.multiply(self._frames[first : first + _BLOCK_FRAMES], hann, out=self._windowed)
        np.fft.rfft(self._windowed, axis=1, out=self._spectrum.T)
        np.multiply(self._parts, self._parts, out=self._parts)
        np.add(self._parts[:, 0::2], self._parts[:, 1::2], out=self._power)
        return self._power


def _aligned(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """`np.empty` at the beginning of a cache line: a vector that lies across two is read twice."""
    n_bytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = np.empty(n_bytes + _ALIGNMENT_BYTES, np.uint8)
    first = -memory.ctypes.data % _ALIGNMENT_BYTES
    return memory[first : first + n_bytes].view(dtype).reshape(shape)
