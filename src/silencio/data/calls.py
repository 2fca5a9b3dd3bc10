"""Calls: the part of a recording in which an animal calls, and its level against a background."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from silencio.audio import dequantize

_FRAME_S = 0.032
_RUMBLE_HZ = 150.0  # wind, traffic and hands are loudest below; three of four real backgrounds have most power there
_LOUD_S = 0.1  # a shorter click is no call
_MAX_GAP_S = 0.5  # pulses and syllables of one song
_MAX_DROP_DB = 20.0
_STEADY_DB = 6.0
_ENERGY_OUTSIDE = 0.05  # on either side of a call's band
_SOFT_END_S = 0.05
_MAX_PEAK = 0.99
_THIRD_OCTAVE = 2.0 ** (1.0 / 6.0)


class LabelledWaveform(NamedTuple):
    """A recording at the spec's rate, as shards hold it.

    Attributes:
        recording_id: Name of the recording.
        code: Code of the species.
        waveform: int16, (n_samples,); mapped from disk or not.
    """

    recording_id: str
    code: str
    waveform: NDArray[np.int16]


@dataclass(frozen=True)
class Band:
    """Frequencies from `low_hz` to `high_hz`."""

    low_hz: float
    high_hz: float


def active_part(waveform: NDArray[np.int16], sample_rate_hz: int, max_s: float = 10.0) -> slice:
    """Where a recording is loud: its bout of the greatest energy.

    Frames of 32 ms count as loud when their power above 150 Hz is beyond the middle, in decibels, between the
    quietest tenth and what is reached for a tenth of a second; and never when 20 dB under the latter. Gaps of up to
    half a second belong to a bout. A steady sound (less than 6 dB between both) is one bout.

    Args:
        waveform: int16, (n_samples,).
        sample_rate_hz: Sample rate of the waveform.
        max_s: Longest call; of a longer bout the loudest stretch of this length is taken.

    Returns:
        Samples from first to last loud frame; empty where there is digital silence.
    """
    power = _frame_power(waveform, sample_rate_hz)
    if not power.any():
        return slice(0, 0)
    frame = _frame_samples(sample_rate_hz)
    decibels = 10.0 * np.log10(np.maximum(power, 1e-20))
    loud = np.sort(decibels)[-min(len(decibels), max(1, round(_LOUD_S * sample_rate_hz / frame)))]
    quiet = np.percentile(decibels, 10)
    threshold = -np.inf if loud - quiet < _STEADY_DB else max((loud + quiet) / 2, loud - _MAX_DROP_DB)
    begin, end = _loudest_bout(power, decibels >= threshold, max_gap=round(_MAX_GAP_S * sample_rate_hz / frame))
    begin, end = _loudest_stretch(power, begin, end, n_frames=max(1, int(max_s * sample_rate_hz / frame)))
    # What is left after the last whole frame belongs to it.
    last = len(waveform) if end == len(power) else end * frame
    return slice(begin * frame, min(last, begin * frame + max(1, int(max_s * sample_rate_hz))))


def call_band(call: NDArray[np.float32], sample_rate_hz: int) -> Band:
    """The band that holds nine tenths of a call's energy above 150 Hz, at least a third of an octave wide."""
    power, frequencies_hz = _spectrum(call, sample_rate_hz)
    power = np.where(frequencies_hz >= _RUMBLE_HZ, power, 0.0)
    if not power.any():
        return Band(_RUMBLE_HZ, sample_rate_hz / 2)
    share = np.cumsum(power) / power.sum()
    low_hz = float(frequencies_hz[np.searchsorted(share, _ENERGY_OUTSIDE)])
    high_hz = float(frequencies_hz[np.searchsorted(share, 1.0 - _ENERGY_OUTSIDE)])
    centre_hz = max(float(np.sqrt(low_hz * high_hz)), _RUMBLE_HZ)
    return Band(
        min(low_hz, centre_hz / _THIRD_OCTAVE), min(max(high_hz, centre_hz * _THIRD_OCTAVE), sample_rate_hz / 2)
    )


def band_power(samples: NDArray[np.float32], sample_rate_hz: int, band: Band) -> float:
    """Mean square of what of `samples` lies in a band (Parseval)."""
    power, frequencies_hz = _spectrum(samples, sample_rate_hz)
    inside = (frequencies_hz >= band.low_hz) & (frequencies_hz <= band.high_hz)
    return float(2.0 * power[inside].sum()) / len(samples) ** 2


def gain_for_snr(
    call: NDArray[np.float32], background: NDArray[np.float32], sample_rate_hz: int, snr_db: float, band: Band
) -> float:
    """The factor that brings a call to a level over a background.

    A call's SNR is its mean power over the annotated time against the background's in the same time, both within the
    call's own band: what a listener or a model has to tell apart. Over all frequencies a cicada at 8 kHz would be
    "at 0 dB" when it is 30 dB above everything near it, because wind rumbles at 50 Hz. What a focal recording has of
    noise in its band counts as call, so the true SNR is a little lower.

    Args:
        call: float32, (n_samples,).
        background: float32, of the time in which the call is laid over it.
        sample_rate_hz: Sample rate of both.
        snr_db: What is wanted.
        band: Band of the call.
    """
    of_call = band_power(call, sample_rate_hz, band)
    if of_call <= 0:
        return 0.0
    # Soft ends keep the rumble, 40 dB louder at times, from leaking into the band of a short call.
    ends, soft = (fade(samples, sample_rate_hz, _SOFT_END_S) for samples in (np.ones_like(background), background))
    of_background = band_power(soft, sample_rate_hz, band) / float(np.mean(np.square(ends)))
    return float(np.sqrt(of_background * 10.0 ** (snr_db / 10.0) / of_call))


def fitted(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Made softer as a whole where it would clip; levels against each other stay."""
    peak = float(np.abs(samples).max(initial=0.0))
    return samples * np.float32(_MAX_PEAK / peak) if peak > _MAX_PEAK else samples


def fade(samples: NDArray[np.float32], sample_rate_hz: int, fade_s: float) -> NDArray[np.float32]:
    """Raised cosines at both ends, so that a cut makes no click; a short call is never faded beyond its quarters."""
    n_samples = min(round(fade_s * sample_rate_hz), len(samples) // 4)
    if not n_samples:
        return samples
    ramp = (0.5 - 0.5 * np.cos(np.pi * (np.arange(n_samples) + 0.5) / n_samples)).astype(np.float32)
    faded = samples.copy()
    faded[:n_samples] *= ramp
    faded[-n_samples:] *= ramp[::-1]
    return faded


def _frame_samples(sample_rate_hz: int) -> int:
    return max(1, int(2 ** round(np.log2(_FRAME_S * sample_rate_hz))))


def _frame_power(waveform: NDArray[np.int16], sample_rate_hz: int) -> NDArray[np.float64]:
    """Power above the rumble, frame by frame: (n_frames,). The rest of a frame at the end is left out."""
    frame = _frame_samples(sample_rate_hz)
    if len(waveform) < frame:
        waveform = np.pad(waveform, (0, frame - len(waveform)))
    frames = dequantize(waveform[: len(waveform) // frame * frame]).reshape(-1, frame)
    spectrum = scipy.fft.rfft(frames * np.hanning(frame + 2)[1:-1].astype(np.float32), axis=1, workers=1)
    power = np.square(np.abs(spectrum[:, int(np.ceil(_RUMBLE_HZ * frame / sample_rate_hz)) :]), dtype=np.float64)
    return np.asarray(power.sum(axis=1))


def _loudest_bout(power: NDArray[np.float64], loud: NDArray[np.bool_], max_gap: int) -> tuple[int, int]:
    """First frame and end of the run of loud frames, gaps bridged, that has the greatest energy."""
    at = np.flatnonzero(loud)
    breaks = np.flatnonzero(np.diff(at) > max_gap + 1)
    begins = at[np.concatenate([[0], breaks + 1])]
    ends = at[np.concatenate([breaks, [len(at) - 1]])] + 1
    total = np.concatenate([[0.0], np.cumsum(power)])
    best = int(np.argmax(total[ends] - total[begins]))
    return int(begins[best]), int(ends[best])


def _loudest_stretch(power: NDArray[np.float64], begin: int, end: int, n_frames: int) -> tuple[int, int]:
    if end - begin <= n_frames:
        return begin, end
    total = np.concatenate([[0.0], np.cumsum(power[begin:end])])
    best = begin + int(np.argmax(total[n_frames:] - total[:-n_frames]))
    return best, best + n_frames


def _spectrum(samples: NDArray[np.float32], sample_rate_hz: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    n_fft = scipy.fft.next_fast_len(max(1, len(samples)), real=True)
    spectrum = scipy.fft.rfft(samples, n_fft, workers=1)
    # Zeros up to a fast length spread the same energy over more bins.
    power = np.square(np.abs(spectrum), dtype=np.float64) * (len(samples) / n_fft)
    return power, np.asarray(scipy.fft.rfftfreq(n_fft, 1.0 / sample_rate_hz), np.float64)
