"""Windows in which a species was named, without a break between them, as one detection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Starts and ends are sums of fractions of a second: closer than this they are the same instant.
_SAME_INSTANT_S = 1e-6


@dataclass(frozen=True)
class MergedDetection:
    """One species from one second to another.

    Attributes:
        column: Its place in the class list.
        start_s: Start of the first window.
        end_s: End of the last window, or of the recording.
        highest: The greatest probability of its windows.
    """

    column: int
    start_s: float
    end_s: float
    highest: float


def merge_windows(
    starts_s: Sequence[float],
    window_s: float,
    probabilities: NDArray[np.float32],
    passes: NDArray[np.bool_],
    duration_s: float | None = None,
) -> list[MergedDetection]:
    """Join windows that touch or overlap.

    Args:
        starts_s: The second at which each window begins, rising.
        window_s: Length of a window.
        probabilities: float32, shape (n_windows, n_classes).
        passes: Whether the species counts as named, same shape.
        duration_s: Length of the recording: what the last window is padded with is not part of a detection.

    Returns:
        By class, then start.
    """
    starts = np.asarray(starts_s, np.float64)
    last_s = np.inf if duration_s is None else duration_s
    merged = []
    for column in np.flatnonzero(passes.any(axis=0)).tolist():
        at = np.flatnonzero(passes[:, column])
        begins_anew = np.diff(starts[at]) > window_s + _SAME_INSTANT_S
        for run in np.split(at, np.flatnonzero(begins_anew) + 1):
            end_s = min(starts_s[run[-1]] + window_s, last_s)
            merged.append(
                MergedDetection(column, starts_s[run[0]], float(end_s), float(probabilities[run, column].max()))
            )
    return merged
