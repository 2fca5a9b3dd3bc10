"""What people found of the predictions, held against what the predictions promise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from scipy import stats

from silencio.drift.document import CauseFound
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


# By the local day and the device of the recording.
Reviews = Mapping[tuple[date, str], ReviewCounts]


def pooled_reviews(reviews: Iterable[ReviewCounts]) -> ReviewCounts:
    """Those of several days and devices together."""
    given = [one for one in reviews if one.n]
    n = sum(one.n for one in given)
    return ReviewCounts(
        n_right=sum(one.n_right for one in given),
        n_wrong=sum(one.n_wrong for one in given),
        expected_precision=sum(one.n * one.expected_precision for one in given) / n if n else 0.0,
    )


def undisturbed(reviews: Reviews, history: Mapping[date, Sequence[CauseFound]]) -> dict[tuple[date, str], ReviewCounts]:
    """Reviews that tell of the model: any model names less right in the rain, or by a microphone that has changed.

    Args:
        reviews: By day and device of the recording.
        history: What was found on each day.

    Returns:
        Those of other days and devices.
    """
    return {
        (day, device): found
        for (day, device), found in reviews.items()
        if not any(_disturbs(cause, device) for cause in history.get(day, ()))
    }


def _disturbs(cause: CauseFound, device: str) -> bool:
    return cause.cause == "weather_and_noise" or device in cause.devices_of_other_sound


def compare_reviews(reviews: Reviews, policy: DriftPolicy) -> list[Trial]:
    """Whether the precision that people found is below what was expected; nothing without reviews.

    All of them are looked at, which finds a small loss, and the newest days alone, which finds a large one before the
    older days hide it no more. Of both the one that is less probable counts, at twice its probability (Bonferroni);
    where all are of the newest days, there is one.

    Args:
        reviews: By day and device of the recording.
        policy: Thresholds.
    """
    together = {_recent(reviews, policy.min_recent_reviews), pooled_reviews(reviews.values())}
    trials = [trial for one in together if (trial := _trial(one, policy)) is not None]
    if not trials:
        return []
    first = min(trials, key=lambda one: (not one.may_alarm, one.p))
    return [replace(first, p=min(1.0, len(trials) * first.p))]


def _recent(reviews: Reviews, min_reviews: int) -> ReviewCounts:
    """The newest days that have so many together."""
    chosen: list[ReviewCounts] = []
    for day in sorted({day for day, _ in reviews}, reverse=True):
        chosen += [found for (one, _), found in reviews.items() if one == day]
        if sum(one.n for one in chosen) >= min_reviews:
            break
    return pooled_reviews(chosen)


def _trial(reviews: ReviewCounts, policy: DriftPolicy) -> Trial | None:
    interval, found = reviews.interval(), reviews.precision
    if interval is None or found is None:
        return None
    gap = reviews.expected_precision - interval[1]
    return Trial(
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
