"""Which window of a recording is trained on: a file's label does not hold in all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

WindowChoice = Literal["random", "loud"]

# How many windows `loud` draws before it keeps one: few enough that every place is still kept now and then.
N_CANDIDATES = 4
_FRAME_S = 0.05
_FLOOR_PERCENTILE = 20.0
# A click stands 40 dB above the floor for one frame, a call 15 dB for many: what is above this counts no more.
_MAX_DB = 20.0
_QUIETEST = 1e-3


def loudest(windows: Sequence[NDArray[np.int16]], sample_rate_hz: int) -> int:
    """The window with most sound: its mean level above the floor of all of them, over short frames.

    Levels are of the first difference, which weighs 6 dB more an octave higher: wind, engines and hum, which are low,
    count for little. (Lasseck, "Towards Automatic Large-Scale Identification of Birds in Audio Recordings", 2015, takes
    for a call what stands above the median of its band and frame.)

    Args:
        windows: Candidates out of one recording, each int16, shape (window_samples,).
        sample_rate_hz: Sample rate of the windows.

    Returns:
        Its number; of equals the first.
    """
    levels_db = np.stack([_frame_levels_db(window, round(_FRAME_S * sample_rate_hz)) for window in windows])
    above_db = levels_db - np.percentile(levels_db, _FLOOR_PERCENTILE)
    return int(np.clip(above_db, 0.0, _MAX_DB).mean(axis=1).argmax())


def _frame_levels_db(window: NDArray[np.int16], frame_samples: int) -> NDArray[np.float64]:
    steps = np.diff(window.astype(np.float32), prepend=np.float32(window[0]))
    n_frames = max(1, len(steps) // frame_samples)
    frames = steps[: n_frames * frame_samples].reshape(n_frames, -1)
    return np.asarray(10.0 * np.log10(np.square(frames).mean(axis=1, dtype=np.float64) + _QUIETEST))
