"""Log-mel of windows, by scipy's FFT."""

from __future__ import annotations

import numpy as np
import scipy.fft
import scipy.sparse
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from silencio.audio import dequantize
from silencio.features.mel import mel_filters
from silencio.features.spec import FeatureSpec

_FRAMES_AT_ONCE = 32


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
        self._hann: NDArray[np.float64] = np.hanning(spec.n_fft + 1)[:-1]
        # A filter covers a few of a thousand bins: the sparse product does a fiftieth of the work, in an order
        # that no BLAS and no thread count can change.
        filters = mel_filters(spec.sample_rate_hz, spec.n_fft, spec.n_mels, spec.f_min_hz, spec.f_max_hz)
        self._filters = scipy.sparse.csr_array(filters)

    def __call__(self, windows: NDArray[np.int16]) -> NDArray[np.float32]:
        """Scaled log-mel.

        Args:
            windows: int16, shape (n_windows, window_samples).

        Returns:
            float32, shape (n_windows, n_mels, n_frames).
        """
        spec = self.spec
        log_mel = np.empty((len(windows), *spec.log_mel_shape), np.float32)
        for window, out in zip(windows, log_mel, strict=True):
            decibels = self.decibels(dequantize(window))
            np.maximum(decibels, np.float32(spec.floor_db), out=out)
            out += np.float32(spec.offset_db)
            out /= np.float32(spec.scale_db)
        return log_mel

    def decibels(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mel power in decibels, before floor and scaling.

        Args:
            samples: float32, shape (n_samples,).

        Returns:
            float32, shape (n_mels, 1 + n_samples // hop_length).
        """
        spec = self.spec
        padded = np.pad(samples, spec.n_fft // 2)
        frames = sliding_window_view(padded, spec.n_fft)[:: spec.hop_length]
        mel = np.empty((spec.n_mels, len(frames)), np.float32)
        # A block at a time stays in the processor's cache.
        for first in range(0, len(frames), _FRAMES_AT_ONCE):
            block = slice(first, first + _FRAMES_AT_ONCE)
            spectrum = scipy.fft.rfft(frames[block] * self._hann, axis=1, overwrite_x=True, workers=1)
            power = (np.square(spectrum.real) + np.square(spectrum.imag)).astype(np.float32)
            mel[:, block] = self._filters @ power.T
        return np.asarray(10.0 * np.log10(np.maximum(mel, np.float32(spec.min_power))), dtype=np.float32)
