"""float32 to int16 and back: the one place where the scale is written down."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FULL_SCALE = 32768.0


def quantize(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    """Round to 16 bits; what is beyond full scale is clipped. Any shape."""
    rounded = np.clip(np.rint(samples * np.float32(FULL_SCALE)), -32768, 32767)
    return np.asarray(rounded, dtype=np.int16)


def dequantize(waveform: NDArray[np.int16]) -> NDArray[np.float32]:
    """The inverse of `quantize`, exact for every int16 value. Any shape."""
    return waveform.astype(np.float32) * np.float32(1.0 / FULL_SCALE)
