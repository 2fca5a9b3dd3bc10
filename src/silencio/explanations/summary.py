"""What explanations have in common, as numbers that can be followed over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from silencio.explanations.occlusion import Explanation


@dataclass(frozen=True)
class ImportanceSummary:
    """Where the importance of one explanation lies.

    Attributes:
        centroid_hz: Its mean frequency, on an axis of octaves.
        bandwidth_octaves: Its standard deviation around that.
        half_share: Smallest share of the window's cells that holds half of it: small for one call, half for a
            prediction that rests on everything alike.
    """

    centroid_hz: float
    bandwidth_octaves: float
    half_share: float


@dataclass(frozen=True)
class ImportanceShift:
    """How the explanations of a species' detections have moved.

    Attributes:
        centroid_octaves: Shift of the median centroid, upwards above zero.
        bandwidth_octaves: Change of the median bandwidth.
        half_share: Change of the median share of cells.
        n_reference: Explanations of the reference.
        n_current: Explanations of the current period.
    """

    centroid_octaves: float
    bandwidth_octaves: float
    half_share: float
    n_reference: int
    n_current: int


def importance_summary(explanation: Explanation) -> ImportanceSummary | None:
    """Where the importance lies; what speaks against the class is left out.

    Returns:
        None where no region speaks for the class.
    """
    weights = np.maximum(explanation.importance, 0.0)
    total = weights.sum()
    if total <= 0.0:
        return None
    octaves = np.log2(np.maximum(explanation.freq_edges_hz, 1.0))
    middles = (octaves[:-1] + octaves[1:]) / 2
    of_band = weights.sum(axis=1) / total
    centroid = float(of_band @ middles)
    bandwidth = float(np.sqrt(of_band @ np.square(middles - centroid)))
    falling = np.sort(weights, axis=None)[::-1].cumsum() / total
    # Sums of equal parts lie a rounding beside a half.
    n_half = int(np.searchsorted(falling, 0.5 - 1e-9)) + 1
    return ImportanceSummary(2.0**centroid, bandwidth, n_half / weights.size)


def importance_shift(
    reference: Sequence[ImportanceSummary], current: Sequence[ImportanceSummary]
) -> ImportanceShift | None:
    """Medians of the current explanations of a species against those of its reference.

    Returns:
        None where one of them is empty.
    """
    if not reference or not current:
        return None
    before, now = (
        np.median([(np.log2(one.centroid_hz), one.bandwidth_octaves, one.half_share) for one in period], axis=0)
        for period in (reference, current)
    )
    moved = [float(value) for value in now - before]
    return ImportanceShift(moved[0], moved[1], moved[2], len(reference), len(current))
