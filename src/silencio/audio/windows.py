"""A recording cut into windows: seconds to samples and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Padding = Literal["repeat", "zero"]


def n_windows(n_samples: int, window_samples: int, hop_samples: int) -> int:
    """How many windows a recording has: every sample is in one, none is dropped."""
    if n_samples <= window_samples:
        return 1
    return 1 + -(-(n_samples - window_samples) // hop_samples)


def window_starts_s(n_samples: int, window_samples: int, hop_samples: int, sample_rate_hz: int) -> list[float]:
    """The second at which each window begins."""
    return [i * hop_samples / sample_rate_hz for i in range(n_windows(n_samples, window_samples, hop_samples))]


def pad_window(samples: NDArray[np.int16], window_samples: int, padding: Padding) -> NDArray[np.int16]:
    """Bring what is left of a recording to a whole window.

    `repeat` plays it again until the window is full (a call of half a second is then heard ten times, not once in
    silence); `zero` adds silence.
    """
    if len(samples) == window_samples:
        return samples
    if padding == "repeat":
        return np.resize(samples, window_samples)
    return np.pad(samples, (0, window_samples - len(samples)))


def cut_window(
    waveform: NDArray[np.int16], number: int, window_samples: int, hop_samples: int, padding: Padding
) -> NDArray[np.int16]:
    """Window `number` of a recording alone: int16, shape (window_samples,)."""
    start = number * hop_samples
    return pad_window(waveform[start : start + window_samples], window_samples, padding)


def cut_windows(
    waveform: NDArray[np.int16], window_samples: int, hop_samples: int, padding: Padding
) -> NDArray[np.int16]:
    """Cut a recording into windows.

    Args:
        waveform: int16, shape (n_samples,), at least one sample.
        window_samples: Length of a window.
        hop_samples: From the start of one to the start of the next.
        padding: How the last window is filled.

    Returns:
        int16, shape (n_windows, window_samples).
    """
    numbers = range(n_windows(len(waveform), window_samples, hop_samples))
    return np.stack([cut_window(waveform, number, window_samples, hop_samples, padding) for number in numbers])


def pieces_of_blocks(
    blocks: Iterable[NDArray[np.int16]], window_samples: int, hop_samples: int, n_windows: int
) -> Iterator[tuple[int, NDArray[np.int16]]]:
    """Divide a recording that comes in blocks so that cutting the pieces one by one is cutting the whole.

    Every piece but the last is exactly `n_windows` whole windows. The last begins with a whole window if the recording
    has one: whatever `cut_windows` does with a rest, it finds there what lies before it.

    Args:
        blocks: int16, each (n_samples,), in any portions; at least one sample in all.
        window_samples: Length of a window.
        hop_samples: From the start of one to the start of the next, at most a window.
        n_windows: In a piece; the last has up to one more. What is held is a piece and a block.

    Yields:
        The sample of the recording at which a piece begins, and the piece: int16, (n_samples,).
    """
    piece_samples, step = window_samples + (n_windows - 1) * hop_samples, n_windows * hop_samples
    begin, held, n_held = 0, [np.empty(0, np.int16)], 0
    for block in blocks:
        held.append(block)
        n_held += len(block)
        if n_held < window_samples + step:
            continue
        rest = np.concatenate(held)
        while len(rest) >= window_samples + step:
            yield begin, rest[:piece_samples]
            begin, rest = begin + step, rest[step:]
        # A copy: a view would keep all that was before it.
        held, n_held = [rest.copy()], len(rest)
    yield begin, np.concatenate(held)
