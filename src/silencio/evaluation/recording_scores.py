"""How windows make a recording's score: defined here, used everywhere."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def recording_scores(probabilities: NDArray[np.floating], recording: NDArray[np.integer]) -> NDArray[np.float64]:
    """Mean of the windows' probabilities: how likely a species is to be what the recording is of.

    The mean of logits was measured worse by .02 to .13 of mAP in all seven runs on a reserve's recordings.

    Args:
        probabilities: (n_windows, n_classes).
        recording: Position of each window's recording, (n_windows,), every position from 0 on at least once.

    Returns:
        (n_recordings, n_classes).
    """
    counts = np.bincount(recording)
    sums = np.zeros((len(counts), probabilities.shape[1]), np.float64)
    np.add.at(sums, recording, probabilities)
    return sums / counts[:, None]


def best_window_scores(probabilities: NDArray[np.floating], recording: NDArray[np.integer]) -> NDArray[np.float64]:
    """Highest probability among a recording's windows: what decides whether a species is named in it.

    Args:
        probabilities: (n_windows, n_classes).
        recording: As for `recording_scores`.

    Returns:
        (n_recordings, n_classes).
    """
    best = np.full((int(recording.max()) + 1, probabilities.shape[1]), -np.inf)
    np.maximum.at(best, recording, probabilities)
    return best
