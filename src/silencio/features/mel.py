"""Slaney's mel filters (Slaney 1998, Auditory Toolbox), in numpy: librosa's first call costs a request seconds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Linear below 1 kHz (200/3 Hz a mel), logarithmic above (27 mels for a factor of 6.4).
_HZ_PER_MEL = 200.0 / 3.0
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _HZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27.0


def hz_to_mel(hz: float) -> float:
    """Hertz to Slaney's mel."""
    return float(hz / _HZ_PER_MEL if hz < _BREAK_HZ else _BREAK_MEL + np.log(hz / _BREAK_HZ) / _LOG_STEP)


def mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slaney's mel to hertz."""
    above = _BREAK_HZ * np.exp(_LOG_STEP * (mel - _BREAK_MEL))
    return np.where(mel < _BREAK_MEL, mel * _HZ_PER_MEL, above)


def mel_edges_hz(n_mels: int, f_min_hz: float, f_max_hz: float) -> NDArray[np.float64]:
    """Where triangles begin, peak and end: band i is from edge i over edge i + 1 to edge i + 2.

    Returns:
        Shape (n_mels + 2,), evenly spaced in mel.
    """
    return mel_to_hz(np.linspace(hz_to_mel(f_min_hz), hz_to_mel(f_max_hz), n_mels + 2))


def mel_filters(sample_rate_hz: int, n_fft: int, n_mels: int, f_min_hz: float, f_max_hz: float) -> NDArray[np.float32]:
    """Triangular filters of equal area.

    Returns:
        float32, shape (n_mels, 1 + n_fft // 2).
    """
    edges_hz = mel_edges_hz(n_mels, f_min_hz, f_max_hz)
    bins_hz = np.fft.rfftfreq(n_fft, 1.0 / sample_rate_hz)
    lower, centre, upper = edges_hz[:-2, None], edges_hz[1:-1, None], edges_hz[2:, None]
    rising = (bins_hz - lower) / (centre - lower)
    falling = (upper - bins_hz) / (upper - centre)
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return (triangles * (2.0 / (upper - lower))).astype(np.float32)
