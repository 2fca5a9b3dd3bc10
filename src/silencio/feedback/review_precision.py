"""How many of the reviewed detections were right, beside what their probabilities promised."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta

from silencio.feedback.latest import Held

# Jeffreys' prior: equal-tailed intervals that hold their level on average (Brown, Cai & DasGupta 2001).
_PRIOR = 0.5


@dataclass(frozen=True)
class Detection:
    """One species in one window, as the answer named it.

    Attributes:
        window_id: As `silencio.feedback.window_id` makes it.
        code: Species code.
        probability: Calibrated probability that it was there.
    """

    window_id: str
    code: str
    probability: float


@dataclass(frozen=True)
class ReviewPrecision:
    """Share of reviewed detections that were right.

    Attributes:
        n_right: Reviewed detections that were right.
        n_reviewed: Detections that a person confirmed or rejected; `unsure` and `bad_audio` are none.
        precision: `n_right / n_reviewed`; null without any.
        interval: Equal-tailed interval of the precision; null without any.
        expected: Mean probability of these same detections: reviews are no random draw of all.
    """

    n_right: int
    n_reviewed: int
    precision: float | None
    interval: tuple[float, float] | None
    expected: float | None


def review_precision(
    detections: Iterable[Detection], held: Mapping[tuple[str, str], Held], level: float = 0.95
) -> ReviewPrecision:
    """Precision of those detections that were reviewed, with Jeffreys' interval.

    Args:
        detections: Those of the period; one that nobody reviewed is left out.
        held: As `silencio.feedback.verdicts` gives.
        level: Probability that the interval covers the precision.
    """
    reviewed = [
        (one.probability, found.verdict == "present")
        for one in detections
        if (found := held.get((one.window_id, one.code))) is not None and found.verdict in ("present", "absent")
    ]
    if not reviewed:
        return ReviewPrecision(0, 0, None, None, None)
    n_right, n = sum(is_right for _, is_right in reviewed), len(reviewed)
    tail = (1 - level) / 2
    low, high = (beta.ppf(share, n_right + _PRIOR, n - n_right + _PRIOR) for share in (tail, 1 - tail))
    # Where all are right, or none is, the interval goes to the end.
    interval = (0.0 if n_right == 0 else float(low), 1.0 if n_right == n else float(high))
    return ReviewPrecision(n_right, n, n_right / n, interval, float(np.mean([p for p, _ in reviewed])))
