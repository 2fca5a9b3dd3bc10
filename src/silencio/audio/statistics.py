"""Measurements of a window's sound, without any model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from silencio.audio.waveform import FULL_SCALE

# By these names the prediction log, the metrics and reference.parquet have them: of the waveform, measured here, and of
# the spectrum and eight bands of it, measured by `silencio.features.WindowStatistics`.
AUDIO_STATISTICS = ("rms_db", "peak_db", "clipped_share", "silence_share", "snr_db")
SPECTRAL_STATISTICS = ("rolloff_hz", "flatness")
BAND_STATISTICS = ("noise_floor_bands_db", "foreground_bands_db")
WINDOW_STATISTICS = (*AUDIO_STATISTICS, *SPECTRAL_STATISTICS, *BAND_STATISTICS)
N_BANDS = 8
_FRAME_S = 0.02
_FLOOR = 1e-10
# Of full scale: what a converter at its limit writes.
_CLIPPED = 0.999
_SILENT_DB = -60.0


def audio_statistics(windows: NDArray[np.int16], sample_rate_hz: int) -> dict[str, NDArray[np.float64]]:
    """Level, clipping, silence and signal-to-noise ratio of windows.

    Args:
        windows: int16, shape (n_windows, window_samples).
        sample_rate_hz: Sample rate of the windows.

    Returns:
        By the names of `AUDIO_STATISTICS`, each of shape (n_windows,): `rms_db` and `peak_db` in decibels of full
        scale, `clipped_share` of samples at full scale, `silence_share` of 20 ms frames below -60 dB, and `snr_db`, the
        level of the loudest tenth of the frames over that of the quietest tenth. The last one is an estimate: a steady
        song has a low one.
    """
    n_samples = windows.shape[1]
    frame = min(n_samples, max(1, round(_FRAME_S * sample_rate_hz)))
    n_frames = max(1, n_samples // frame)
    in_frames = n_frames * frame
    # A frame's squares are added in float32, to a millionth; what is added over frames is float64.
    samples = windows.astype(np.float32)
    frames = samples[:, :in_frames].reshape(len(windows), n_frames, frame)
    frame_power = np.einsum("wfs,wfs->wf", frames, frames).astype(np.float64) / (frame * FULL_SCALE**2)
    rest = np.square(samples[:, in_frames:], dtype=np.float64).sum(axis=1) / FULL_SCALE**2
    power = (frame_power.sum(axis=1) * frame + rest) / n_samples
    peak = np.maximum(windows.max(axis=1).astype(np.float64), -windows.min(axis=1).astype(np.float64)) / FULL_SCALE
    clipped = int(np.ceil(_CLIPPED * FULL_SCALE))
    n_clipped = np.count_nonzero(windows >= clipped, axis=1) + np.count_nonzero(windows <= -clipped, axis=1)
    ordered = np.sort(frame_power, axis=1)
    tenth = max(1, n_frames // 10)
    return {
        "rms_db": _db(power),
        "peak_db": _db(np.square(peak)),
        "clipped_share": n_clipped / n_samples,
        "silence_share": (_db(frame_power) < _SILENT_DB).mean(axis=1),
        "snr_db": _db(ordered[:, -tenth:].mean(axis=1)) - _db(ordered[:, :tenth].mean(axis=1)),
    }


def _db(power: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(10.0 * np.log10(np.maximum(power, _FLOOR)), dtype=np.float64)
