"""A short-time Fourier transform that is exactly undone: scipy's goes back frame by frame, in Python."""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

_FRAME_S = 0.064
_OVERLAP = 4
# Sum of the squares of periodic Hann windows that overlap by three quarters.
_SUM_OF_SQUARES = 1.5


class Stft:
    """Frames of about 64 ms that overlap by three quarters, with Hann's window on the way there and back.

    Args:
        sample_rate_hz: Rate of the signals.

    Attributes:
        freqs_hz: Frequencies of the bins, (n_bins,).
    """

    def __init__(self, sample_rate_hz: int) -> None:
        self._rate_hz = sample_rate_hz
        self._n_fft = int(2 ** round(math.log2(_FRAME_S * sample_rate_hz)))
        self._hop = self._n_fft // _OVERLAP
        self._hann = np.hanning(self._n_fft + 1)[:-1]
        self.freqs_hz: NDArray[np.float64] = np.fft.rfftfreq(self._n_fft, 1.0 / sample_rate_hz).astype(np.float64)

    def __call__(self, samples: NDArray[np.float32]) -> NDArray[np.complex128]:
        """(n_samples,) to (n_bins, n_frames), mirrored at both ends: silence beyond them would be the quietest part."""
        n_frames = self._n_frames(len(samples))
        n_after = (n_frames - 1) * self._hop - len(samples)
        padded = np.pad(samples.astype(np.float64), (self._n_fft, n_after), mode="symmetric")
        frames = sliding_window_view(padded, self._n_fft)[:: self._hop]
        return np.asarray(np.fft.rfft(frames * self._hann, axis=1).T)

    def times_s(self, n_samples: int) -> NDArray[np.float64]:
        """Middles of the frames of a signal, (n_frames,)."""
        return np.asarray((np.arange(self._n_frames(n_samples)) * self._hop - self._n_fft / 2) / self._rate_hz)

    def inverse(self, spectrum: NDArray[np.complex128], first: int, n_samples: int) -> NDArray[np.float64]:
        """The signal, (n_samples,), of some frames; those that are not given are zero.

        Args:
            spectrum: (n_bins, n_given).
            first: Number of the first frame that is given.
            n_samples: Length of the whole signal.
        """
        frames = np.fft.irfft(spectrum.T, self._n_fft, axis=1) * (self._hann / _SUM_OF_SQUARES)
        n_frames = self._n_frames(n_samples)
        whole = np.zeros((n_frames + _OVERLAP) * self._hop)
        for offset in range(_OVERLAP):
            # Every fourth frame: they lie end to end.
            every = frames[offset::_OVERLAP]
            begin = (first + offset) * self._hop
            whole[begin : begin + every.size] += every.ravel()
        return whole[self._n_fft : self._n_fft + n_samples]

    def _n_frames(self, n_samples: int) -> int:
        return int(-(-(n_samples + self._n_fft) // self._hop) + 1)
