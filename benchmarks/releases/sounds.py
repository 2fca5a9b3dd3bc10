"""What visitors of the releases record, and what is labelled: a tone in noise."""

from __future__ import annotations

import io

import numpy as np
import soundfile

RATE_HZ = 32_000


def sound(seed: int, *, is_loud: bool = False, duration_s: float = 2.0) -> bytes:
    """A short recording; FLAC, so that full scale is full scale.

    Args:
        seed: Another one, another sound.
        is_loud: At full scale, as a microphone in the wind.
        duration_s: Its length.
    """
    rng = np.random.default_rng(seed)
    t = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    tone = rng.uniform(0.05, 0.6) * np.sin(2 * np.pi * rng.uniform(300, 12_000) * t)
    made = tone + rng.uniform(0.001, 0.2) * rng.uniform(-1, 1, len(t))
    if is_loud:
        made[::100] = 1.0
    file = io.BytesIO()
    soundfile.write(file, np.clip(made, -1.0, 1.0 if is_loud else 0.9), RATE_HZ, format="FLAC", subtype="PCM_16")
    return file.getvalue()
