"""Change of sample rate, by soxr."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import soxr
from numpy.typing import NDArray

_QUALITY = "HQ"


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
    return np.asarray(soxr.resample(samples, from_hz, to_hz, quality=_QUALITY), dtype=np.float32)


def resampled(blocks: Iterable[NDArray[np.float32]], from_hz: float, to_hz: float) -> Iterator[NDArray[np.float32]]:
    """`resample` of a recording that comes in blocks: the same samples to the last bit, in other portions.

    Args:
        blocks: float32, each (n_samples,).
        from_hz: Rate of the blocks.
        to_hz: Rate that is wanted.
    """
    if from_hz == to_hz:
        yield from blocks
        return
    stream = soxr.ResampleStream(from_hz, to_hz, 1, dtype="float32", quality=_QUALITY)
    for block in blocks:
        yield stream.resample_chunk(np.ascontiguousarray(block))
    yield stream.resample_chunk(np.empty(0, np.float32), last=True)
