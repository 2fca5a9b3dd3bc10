"""A recording cut into windows: seconds to samples and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Padding = Literal["repeat", "zero"]
LastWindow = Literal["padded", "moved_back", "left_out"]

# `left_out`: of a window of which less than this is there, nothing is made.
_MIN_SHARE = 0.25


class WindowRule(Protocol):
    """How recordings are cut; `FeatureSpec` is one.

    Attributes:
        window_samples: Length of a window.
        hop_samples: Samples from the start of one full window to the start of the next.
        padding: How a window that the recording does not fill is filled.
        last_window: What becomes of the rest after the last full window, see `window_starts`.
    """

    @property
    def window_samples(self) -> int: ...
    @property
    def hop_samples(self) -> int: ...
    @property
    def padding(self) -> Padding: ...
    @property
    def last_window(self) -> LastWindow: ...


@dataclass(frozen=True)
class WindowCut:
    """A `WindowRule` of its own, where there is no `FeatureSpec`."""

    window_samples: int
    hop_samples: int
    padding: Padding = "repeat"
    last_window: LastWindow = "padded"


def window_starts(n_samples: int, rule: WindowRule) -> list[int]:
    """The sample at which each window begins: the one place where it is decided.

    Full windows begin every `hop_samples`. What of a recording lies behind the last of them is its rest:

    - `moved_back`: the last window ends with the recording, and overlaps the one before it. It names nothing in less
      than a window's length, and every sample is in a window.
    - `padded`: a window begins in it a hop further on, and is filled by `padding`: a rest of 10 ms, played 500 times,
      counts as much as five seconds. The rule of all bundles before there was another.
    - `left_out`: the same, but for a window of which less than a quarter is there: there is none.

    A recording that is no longer than a window is one window, by every rule.

    Args:
        n_samples: Number of samples of the recording.
        rule: How it is cut.

    Returns:
        Rising; at least one.
    """
    window, hop = rule.window_samples, rule.hop_samples
    spare = n_samples - window
    if spare <= 0:
        return [0]
    starts = list(range(0, spare + 1, hop))
    if starts[-1] == spare:
        return starts
    if rule.last_window == "moved_back":
        return [*starts, spare]
    following = starts[-1] + hop
    if rule.last_window == "left_out" and n_samples - following < _MIN_SHARE * window:
        return starts
    return [*starts, following]


def n_windows(n_samples: int, rule: WindowRule) -> int:
    """How many windows a recording has."""
    return len(window_starts(n_samples, rule))


def window_starts_s(n_samples: int, rule: WindowRule, sample_rate_hz: int) -> list[float]:
    """The second at which each window begins."""
    return [start / sample_rate_hz for start in window_starts(n_samples, rule)]


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


def cut_window(waveform: NDArray[np.int16], start: int, rule: WindowRule) -> NDArray[np.int16]:
    """The window that begins at sample `start` alone: int16, shape (window_samples,)."""
    return pad_window(waveform[start : start + rule.window_samples], rule.window_samples, rule.padding)


def cut_windows(waveform: NDArray[np.int16], rule: WindowRule) -> NDArray[np.int16]:
    """Cut a recording into windows.

    Args:
        waveform: int16, shape (n_samples,), at least one sample.
        rule: How it is cut.

    Returns:
        int16, shape (n_windows, window_samples).
    """
    return np.stack([cut_window(waveform, start, rule) for start in window_starts(len(waveform), rule)])


def pieces_of_blocks(
    blocks: Iterable[NDArray[np.int16]], rule: WindowRule, n_windows: int
) -> Iterator[tuple[int, NDArray[np.int16]]]:
    """Divide a recording that comes in blocks so that cutting the pieces one by one is cutting the whole.

    Every piece but the last is exactly `n_windows` whole windows. The last begins with a whole window if the recording
    has one: whatever `cut_windows` does with a rest, it finds there what lies before it.

    Args:
        blocks: int16, each (n_samples,), in any portions; at least one sample in all.
        rule: How it is cut; its hop is at most a window.
        n_windows: Number of windows in a piece; the last has up to one more. What is held is a piece and a block.

    Yields:
        The sample of the recording at which a piece begins, and the piece: int16, (n_samples,).
    """
    window_samples, step = rule.window_samples, n_windows * rule.hop_samples
    piece_samples = window_samples + step - rule.hop_samples
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
