"""What every source of a prior answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Reason = Literal["location", "season"]

N_WEEKS = 48


@dataclass(frozen=True, eq=False)
class Expected:
    """How likely each species is at one place and time, whatever was recorded there.

    Attributes:
        weights: What a probability is multiplied with, 0 to 1, float32 (n_classes,); 0 rules a species out.
        reasons: By class, what a weight below 1 is due to; None where it is 1.
    """

    weights: NDArray[np.float32]
    reasons: Sequence[Reason | None]


class Prior(Protocol):
    """Knows which species can be where and when."""

    def expected(self, latitude: float | None, longitude: float | None, recorded_at: date | None) -> Expected | None:
        """What can be there.

        Args:
            latitude: Degrees north.
            longitude: Degrees east.
            recorded_at: Local date, or date and time, with a zone where it is not local (`silencio.local_time`);
                without one, seasons count for nothing.

        Returns:
            None without coordinates, and at places of which nothing is known.
        """


def week_of_year(day: date) -> int:
    """1 to 48 as eBird and BirdNET count: four a month, the fourth from the 22nd to the month's end."""
    return (day.month - 1) * 4 + min((day.day - 1) // 7, 3) + 1


def expected_by_season(weights: NDArray[np.float32], best_weights: NDArray[np.float32]) -> Expected:
    """Give each weight its reason.

    Args:
        weights: Weights in this week, float32 (n_classes,).
        best_weights: Weights in the species' best week at this place, same shape.
    """
    reasons: list[Reason | None] = [
        None if weight >= 1 else "season" if weight < best else "location"
        for weight, best in zip(weights.tolist(), best_weights.tolist(), strict=True)
    ]
    return Expected(weights, reasons)
