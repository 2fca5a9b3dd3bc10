"""Change of sample rate, by soxr."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray


def resample(samples: NDArray[np.float32], from_hz: float, to_hz: float) -> NDArray[np.float32]:
    """Resample mono audio with soxr's HQ recipe; the same rate is returned untouched.

    Args:
        samples: float32, shape (n_samples,).
        from_hz: Rate of `samples`.
        to_hz: Rate that is wanted.

    Returns:
        float32, shape (about n_samples * to_hz / from_hz,).
    """
    if from_hz == to_hz:
        return samples
    return np.asarray(soxr.resample(samples, from_hz, to_hz, quality="HQ"), dtype=np.float32)
