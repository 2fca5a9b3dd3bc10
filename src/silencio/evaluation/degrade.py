"""Recordings made worse, each in one way: int16 (n_samples,) in, int16 of the same length out."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from silencio.audio import dequantize, quantize, resample
from silencio.data.backgrounds import made_noise
from silencio.data.calls import active_part, call_band, fitted, gain_for_snr

Waveform = NDArray[np.int16]


def add_noise(
    waveform: Waveform, sample_rate_hz: int, kind: Literal["white", "pink"], snr_db: float, rng: np.random.Generator
) -> Waveform:
    """Noise under the whole recording, at a level of its active part over the noise.

    The level is that of soundscapes: within the call's own band (`silencio.data.calls.gain_for_snr`). A recording's own
    noise comes on top.
    """
    active = active_part(waveform, sample_rate_hz)
    samples = dequantize(waveform)
    call = samples[active]
    noise = made_noise(kind, len(samples), sample_rate_hz, rng)
    band = call_band(call, sample_rate_hz)
    call_gain = gain_for_snr(call, noise[active], sample_rate_hz, snr_db, band) if len(call) else 0.0
    if call_gain <= 0:  # silence has no level to set noise against
        return waveform
    # The recording keeps its level and the noise is fitted to it: a model sees how loud a call is.
    return quantize(fitted(samples + noise / np.float32(call_gain)))


def amplify(waveform: Waveform, gain_db: float) -> Waveform:
    """Louder or softer; what is beyond full scale is clipped, as a recorder does."""
    return quantize(dequantize(waveform) * np.float32(10.0 ** (gain_db / 20.0)))


def overdrive(waveform: Waveform, drive_db: float) -> Waveform:
    """So loud that the peak lies this far beyond full scale, and clipped."""
    samples = dequantize(waveform)
    peak = float(np.abs(samples).max(initial=0.0))
    return waveform if peak == 0 else quantize(samples * np.float32(10.0 ** (drive_db / 20.0) / peak))


def low_pass(waveform: Waveform, sample_rate_hz: int, highest_hz: float) -> Waveform:
    """Nothing above a frequency: resampled to twice that, and back."""
    samples = resample(resample(dequantize(waveform), sample_rate_hz, 2 * highest_hz), 2 * highest_hz, sample_rate_hz)
    # Resampling may gain or lose a sample at the end.
    return np.resize(quantize(samples), len(waveform)) if len(samples) else np.zeros_like(waveform)


def overlay(one: Waveform, other: Waveform) -> Waveform:
    """Two windows of the same length at the first one's level, summed."""
    first, second = dequantize(one), dequantize(other)
    levels = [float(np.sqrt(np.mean(np.square(samples), dtype=np.float64))) for samples in (first, second)]
    gain = levels[0] / levels[1] if levels[1] > 0 else 0.0
    return quantize(fitted(first + np.float32(gain) * second))
