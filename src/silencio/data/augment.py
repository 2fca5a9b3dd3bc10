"""Augmentation of training windows. Every function draws from the generator that it is handed, and from no other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from silencio.audio import dequantize, quantize


class AugmentConfig(BaseModel):
    """How strongly training windows are varied.

    Attributes:
        gain_db: A window is made louder or softer by up to this much.
        mixup_probability: How often a second recording is mixed in.
        mixup_alpha: The share of the second is drawn from Beta(alpha, alpha) (Zhang et al. 2018, mixup).
        time_mask_frames: Widest of two masks in time (Park et al. 2019, SpecAugment).
        frequency_mask_mels: Widest of two masks in frequency.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    gain_db: float = Field(8.0, ge=0)
    mixup_probability: float = Field(0.7, ge=0, le=1)
    mixup_alpha: float = Field(0.4, gt=0)
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


def gain(samples: NDArray[np.float32], most_db: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Louder or softer by up to `most_db`; never beyond full scale unless it was."""
    factor = np.float32(10.0 ** (rng.uniform(-most_db, most_db) / 20.0))
    peak = float(np.abs(samples).max(initial=0.0))
    if peak * factor > 1.0:
        factor = np.float32(max(1.0, peak) / peak)
    return samples * factor


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
) -> NDArray[np.int16]:
    """Gain and mixup; the result is quantized again, as a recording would be. int16 in, int16 out, same shape."""
    samples = gain(dequantize(waveform), config.gain_db, rng)
    if other is not None:
        samples = mixup(samples, dequantize(other), share)
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
