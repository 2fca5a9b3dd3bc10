"""How windows make a recording's score: defined here, used everywhere."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def recording_scores(probabilities: NDArray[np.floating], recording: NDArray[np.integer]) -> NDArray[np.float64]:
    """Mean of the windows' probabilities.

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
