"""What people found of the predictions, held against what the predictions promise."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from scipy import stats

from silencio.drift.policy import DriftPolicy
from silencio.drift.signals import REVIEW
from silencio.drift.trial import Trial


@dataclass(frozen=True)
class ReviewCounts:
    """Reviewed detections of a site.

    Attributes:
        n_right: Detections that were found right.
        n_wrong: Those found wrong; unsure ones are in neither.
        expected_precision: Mean calibrated probability of these very detections.
    """

    n_right: int
    n_wrong: int
    expected_precision: float

    @property
    def n(self) -> int:
        """All of them."""
        return self.n_right + self.n_wrong

    @property
    def precision(self) -> float | None:
        """Share that is right; None without any."""
        return self.n_right / self.n if self.n else None

    def interval(self, confidence: float = 0.95) -> tuple[float, float] | None:
        """The equal-tailed interval of the precision by Jeffreys' prior (Brown, Cai and DasGupta 2001)."""
        if not self.n:
            return None
        tail = (1.0 - confidence) / 2
        posterior = stats.beta(self.n_right + 0.5, self.n_wrong + 0.5)
        low = 0.0 if self.n_right == 0 else float(posterior.ppf(tail))
        high = 1.0 if self.n_wrong == 0 else float(posterior.ppf(1.0 - tail))
        return low, high


def pooled_reviews(reviews: Iterable[ReviewCounts]) -> ReviewCounts:
    """Those of several days together."""
    given = [one for one in reviews if one.n]
    n = sum(one.n for one in given)
    return ReviewCounts(
        n_right=sum(one.n_right for one in given),
        n_wrong=sum(one.n_wrong for one in given),
        expected_precision=sum(one.n * one.expected_precision for one in given) / n if n else 0.0,
    )


def compare_reviews(reviews: ReviewCounts, policy: DriftPolicy) -> list[Trial]:
    """Whether the precision that people found is below what was expected; nothing without reviews."""
    interval, found = reviews.interval(), reviews.precision
    if interval is None or found is None:
        return []
    gap = reviews.expected_precision - interval[1]
    return [
        Trial(
            signal=REVIEW,
            device_id=None,
            effect=found - reviews.expected_precision,
            spread=0.0,
            p=float(stats.binom.cdf(reviews.n_right, reviews.n, reviews.expected_precision)),
            n_recordings=reviews.n,
            n_reference=reviews.n,
            reference=reviews.expected_precision,
            current=found,
            threshold=policy.effects.review_precision,
            may_alarm=gap > policy.effects.review_precision,
        )
    ]
