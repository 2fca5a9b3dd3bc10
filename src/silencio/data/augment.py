"""Augmentation of training windows. Every function draws from the generator that it is handed, and from no other.

Not audiomentations: it draws from Python's and numpy's global generators, of which a crop must not depend, and it wants
a soxr older than the one by which everything here is resampled.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from silencio.audio import dequantize, quantize
from silencio.data.backgrounds import BackgroundConfig, BackgroundPool, Limits


class AugmentConfig(BaseModel):
    """How strongly training windows are varied.

    An embedding is of the recording as it is: of all this, only mixup changes it.

    Attributes:
        gain_db: A window is made louder or softer by up to this much.
        time_shift_share: A window is rolled by up to this share of its length, either way.
        mixup_probability: How often a second recording is mixed in.
        mixup_alpha: The share of the second is drawn from Beta(alpha, alpha) (Zhang et al. 2018, mixup).
        background_probability: How often a background is laid under what is there by then.
        background_snr_db: How far it then lies below, between these.
        background: Background: a soundscape of the train half, or made noise.
        time_mask_frames: Widest of two masks in time (Park et al. 2019, SpecAugment).
        frequency_mask_mels: Widest of two masks in frequency.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    gain_db: float = Field(8.0, ge=0)
    time_shift_share: float = Field(0.0, ge=0, le=1)
    mixup_probability: float = Field(0.7, ge=0, le=1)
    mixup_alpha: float = Field(0.4, gt=0)
    background_probability: float = Field(0.0, ge=0, le=1)
    background_snr_db: Limits = (3.0, 20.0)
    background: BackgroundConfig = BackgroundConfig()
    time_mask_frames: int = Field(40, ge=0)
    frequency_mask_mels: int = Field(14, ge=0)


def random_crop(waveform: NDArray[np.int16], n_samples: int, rng: np.random.Generator) -> tuple[int, NDArray[np.int16]]:
    """A window from anywhere in a recording; a short one is repeated, then rolled so that its start is anywhere.

    Args:
        waveform: int16, shape (any,).
        n_samples: Length that is wanted.

    Returns:
        Where it begins, and int16, shape (n_samples,).
    """
    if len(waveform) > n_samples:
        start = int(rng.integers(len(waveform) - n_samples + 1))
        return start, np.asarray(waveform[start : start + n_samples])
    return 0, np.roll(np.resize(waveform, n_samples), int(rng.integers(n_samples)))


def gain(samples: NDArray[np.float32], max_db: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Louder or softer by up to `max_db`; never beyond full scale unless it was."""
    factor = np.float32(10.0 ** (rng.uniform(-max_db, max_db) / 20.0))
    peak = float(np.abs(samples).max(initial=0.0))
    if peak * factor > 1.0:
        factor = np.float32(max(1.0, peak) / peak)
    return samples * factor


def time_shift(samples: NDArray[np.float32], max_share: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Rolled by up to `max_share` of the length, either way: what leaves at one end comes in at the other."""
    max_shift = round(max_share * len(samples))
    return np.roll(samples, int(rng.integers(-max_shift, max_shift + 1)))


def with_background(
    samples: NDArray[np.float32], background: NDArray[np.float32], snr_db: float
) -> NDArray[np.float32]:
    """Lay a background under a window, both float32 (n_samples,).

    Args:
        samples: The signal; below silence nothing can lie, so it stays as it is.
        background: Background, not silent.
        snr_db: How far its mean square is brought below that of the window.

    Returns:
        Their sum, made softer as a whole where it would exceed full scale.
    """
    level, under = (float(np.sqrt(np.mean(np.square(one), dtype=np.float64))) for one in (samples, background))
    mixed = samples + background * np.float32(level / under * 10.0 ** (-snr_db / 20.0))
    return np.asarray(mixed / max(1.0, float(np.abs(mixed).max(initial=0.0))), np.float32)


def mixup(samples: NDArray[np.float32], other: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """`1 - share` of one recording and `share` of another, both first brought to the same level."""
    level, other_level = (float(np.sqrt(np.mean(np.square(x)))) + 1e-6 for x in (samples, other))
    mixed = (1.0 - share) * samples + share * other * (level / other_level)
    return np.asarray(np.clip(mixed, -1.0, 1.0), dtype=np.float32)


def augment_waveform(
    waveform: NDArray[np.int16],
    other: NDArray[np.int16] | None,
    share: float,
    config: AugmentConfig,
    rng: np.random.Generator,
    backgrounds: BackgroundPool | None = None,
) -> NDArray[np.int16]:
    """Gain, shift, mixup and background; the result is quantized again, as a recording would be.

    Args:
        waveform: int16, shape (n_samples,).
        other: What is mixed in, of the same shape; None: nothing.
        share: Share of the mixture that is `other`.
        config: How strongly windows are changed.
        rng: All that is drawn is drawn from here.
        backgrounds: Needed where `config.background_probability` is above 0.

    Returns:
        int16, shape (n_samples,).
    """
    samples = gain(dequantize(waveform), config.gain_db, rng)
    if config.time_shift_share:
        samples = time_shift(samples, config.time_shift_share, rng)
    if other is not None:
        samples = mixup(samples, dequantize(other), share)
    if backgrounds is not None and rng.random() < config.background_probability:
        background = backgrounds.draw(config.background, rng).samples(len(samples))
        samples = with_background(samples, background, float(rng.uniform(*config.background_snr_db)))
    return quantize(samples)


def mask_log_mel(log_mel: NDArray[np.float32], config: AugmentConfig, rng: np.random.Generator) -> NDArray[np.float32]:
    """SpecAugment: two masks in time and two in frequency, filled with the window's mean. (n_mels, n_frames)."""
    masked = log_mel.copy()
    n_mels, n_frames = log_mel.shape
    fill = log_mel.mean()
    for _ in range(2):
        width = int(rng.integers(min(config.time_mask_frames, n_frames) + 1))
        start = int(rng.integers(n_frames - width + 1))
        masked[:, start : start + width] = fill
        width = int(rng.integers(min(config.frequency_mask_mels, n_mels) + 1))
        start = int(rng.integers(n_mels - width + 1))
        masked[start : start + width] = fill
    return masked
