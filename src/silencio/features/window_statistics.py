"""Measurements of a window's sound by which a change is told from another: of its waveform and of its log-mel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from silencio.audio import N_BANDS, audio_statistics
from silencio.features.log_mel import LogMel
from silencio.features.mel import mel_edges_hz
from silencio.features.spec import FeatureSpec

_ROLLOFF_SHARE = 0.85
_FLOOR_QUANTILE, _FOREGROUND_QUANTILE = 0.1, 0.9
# Full scale is below this in any band; what a device sends as log-mel may be any number.
_MAX_DB = 100.0
_DECIBELS_TO_NEPERS = np.float32(np.log(10.0) / 10.0)
# All of ten minutes at once would be hundreds of megabytes.
_WINDOWS_AT_ONCE = 8


class WindowStatistics:
    """Statistics of windows, by the names of `silencio.audio.WINDOW_STATISTICS`.

    Those of the spectrum are made of every frame of the log-mel that shares no sample with the one before, whether the
    graph takes a log-mel or not: where there is none, these frames alone are computed, to the same numbers.

    Args:
        spec: The definition that is followed.

    Attributes:
        band_edges_hz: Where the eight bands begin and end, shape (9,): as many mel bands each, as near as may be.
    """

    def __init__(self, spec: FeatureSpec) -> None:
        self._spec = spec
        self._step = spec.n_fft // spec.hop_length
        self._log_mel = LogMel(spec.model_copy(update={"hop_length": spec.hop_length * self._step}))
        edges_hz = mel_edges_hz(spec.n_mels, spec.f_min_hz, spec.f_max_hz)
        # Half-way between the peaks of two triangles: so they share the spectrum without a gap.
        self._limits_hz = (edges_hz[:-1] + edges_hz[1:]) / 2
        self._widths_hz = np.diff(self._limits_hz)
        limits = np.round(np.linspace(0, spec.n_mels, N_BANDS + 1)).astype(np.intp)
        self._first_mels, self._n_mels = limits[:-1], np.diff(limits)
        self.band_edges_hz = self._limits_hz[limits]

    def __call__(
        self, windows: NDArray[np.int16], log_mel: NDArray[np.float32] | None = None
    ) -> dict[str, NDArray[np.float64]]:
        """All statistics of windows.

        Args:
            windows: int16, shape (n_windows, window_samples); one window at least.
            log_mel: Their scaled log-mel, float32 (n_windows, n_mels, n_frames), where it is there anyway.

        Returns:
            Those of `AUDIO_STATISTICS` and `SPECTRAL_STATISTICS` of shape (n_windows,), those of `BAND_STATISTICS` of
            shape (n_windows, N_BANDS).
        """
        parts = []
        for first in range(0, len(windows), _WINDOWS_AT_ONCE):
            some = windows[first : first + _WINDOWS_AT_ONCE]
            frames = self._log_mel(some) if log_mel is None else self._apart(log_mel[first : first + len(some)])
            parts.append(audio_statistics(some, self._spec.sample_rate_hz) | self._of_frames(frames))
        return _joined(parts)

    def of_log_mel(self, log_mel: NDArray[np.float32]) -> dict[str, NDArray[np.float64]]:
        """What can be had where a device sends features: statistics of the spectrum and of its bands.

        Args:
            log_mel: Scaled log-mel, float32, shape (n_windows, n_mels, n_frames); one window at least.

        Returns:
            By the names of `SPECTRAL_STATISTICS` and `BAND_STATISTICS`: `rolloff_hz`, below which 85 % of the magnitude
            spectrum lies (Tzanetakis & Cook 2002); `flatness`, the geometric over the arithmetic mean of the power
            spectrum (Johnston 1988): 1 is white noise, a tone is near 0; `noise_floor_bands_db` and
            `foreground_bands_db`, the 10th and 90th percentile over frames of a band's level, which is the mean of its
            mel bands in decibels. Both of the spectrum are of its mean over frames. What lies below the
            specification's `floor_db` counts as that much, as it does for the graph: digital silence is flat.
        """
        first_windows = range(0, len(log_mel), _WINDOWS_AT_ONCE)
        return _joined([self._of_frames(self._apart(log_mel[i : i + _WINDOWS_AT_ONCE])) for i in first_windows])

    def _apart(self, log_mel: NDArray[np.float32]) -> NDArray[np.float32]:
        return log_mel[:, :, :: self._step]

    def _of_frames(self, log_mel: NDArray[np.float32]) -> dict[str, NDArray[np.float64]]:
        spec = self._spec
        lowest, highest = (np.float32((one_db + spec.offset_db) / spec.scale_db) for one_db in (spec.floor_db, _MAX_DB))
        decibels = np.maximum(log_mel, lowest, order="C")
        np.minimum(decibels, highest, out=decibels)
        decibels *= np.float32(spec.scale_db)
        decibels -= np.float32(spec.offset_db)
        levels = np.add.reduceat(decibels, self._first_mels, axis=1) / self._n_mels[:, None]
        levels.sort(axis=2)
        last = levels.shape[2] - 1
        decibels *= _DECIBELS_TO_NEPERS
        power = np.exp(decibels, out=decibels).mean(axis=2, dtype=np.float64)
        return {
            "rolloff_hz": self._rolloff_hz(np.sqrt(power)),
            "flatness": self._flatness(power),
            "noise_floor_bands_db": levels[:, :, round(_FLOOR_QUANTILE * last)].astype(np.float64),
            "foreground_bands_db": levels[:, :, round(_FOREGROUND_QUANTILE * last)].astype(np.float64),
        }

    def _rolloff_hz(self, magnitude: NDArray[np.float64]) -> NDArray[np.float64]:
        """Between two limits of mel bands, as if a band's magnitude were even."""
        below = np.cumsum(magnitude * self._widths_hz, axis=1)
        below = np.concatenate([np.zeros((len(below), 1)), below / below[:, -1:]], axis=1)
        return np.array([np.interp(_ROLLOFF_SHARE, one, self._limits_hz) for one in below])

    def _flatness(self, power: NDArray[np.float64]) -> NDArray[np.float64]:
        # A mel band is an average over hertz, so that wide ones count as much as they are wide.
        weights = self._widths_hz / self._widths_hz.sum()
        geometric = np.exp((np.log(power) * weights).sum(axis=1))
        return np.asarray(geometric / (power * weights).sum(axis=1), np.float64)


def _joined(parts: list[dict[str, NDArray[np.float64]]]) -> dict[str, NDArray[np.float64]]:
    return parts[0] if len(parts) == 1 else {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
