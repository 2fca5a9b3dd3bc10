"""Which detections may leave the house: those that a person confirmed, and those of species that reviews bear out.

Machine identifications that nobody looked at lower what a public database is worth (portal-feedback 2864 of GBIF).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from scipy.stats import beta

from silencio.ecology.detections import Detection

MIN_PRECISION = 0.9
_LEVEL = 0.95
# Jeffreys' prior.
_PRIOR = 0.5


@dataclass(frozen=True)
class ReviewedPrecision:
    """How many of a species' reviewed detections were right.

    Attributes:
        n_right: Confirmed.
        n_reviewed: Confirmed or rejected.
        low: Lower bound of the precision, one-sided 95 %, with Jeffreys' prior.
    """

    n_right: int
    n_reviewed: int
    low: float


@dataclass(frozen=True)
class Chosen:
    """What the rule comes to.

    Attributes:
        detections: Those that may be exported.
        precision: By bundle version and species code, of those that were reviewed.
        n_unreviewed_left_out: Detections that nobody looked at, of species that reviews do not bear out.
        n_rejected: Detections that a person rejected, or was not sure of.
    """

    detections: tuple[Detection, ...]
    precision: dict[tuple[str, str], ReviewedPrecision]
    n_unreviewed_left_out: int
    n_rejected: int


def reviewed_precision(detections: Iterable[Detection]) -> dict[tuple[str, str], ReviewedPrecision]:
    """Precision of what was reviewed, by bundle version and species.

    It is that of all detections only where those that were reviewed are a random draw, or harder than the others.

    Args:
        detections: Detections of a period, of any status.
    """
    right: Counter[tuple[str, str]] = Counter()
    reviewed: Counter[tuple[str, str]] = Counter()
    for one in detections:
        if one.status in ("confirmed", "rejected"):
            key = one.recording.bundle_version, one.code
            reviewed[key] += 1
            right[key] += one.status == "confirmed"
    return {
        key: ReviewedPrecision(right[key], n, float(beta.ppf(1 - _LEVEL, right[key] + _PRIOR, n - right[key] + _PRIOR)))
        for key, n in reviewed.items()
    }


def chosen(
    detections: Iterable[Detection], min_precision: float = MIN_PRECISION, *, only_verified: bool = False
) -> Chosen:
    """Verified detections, and unreviewed ones whose species has a reviewed precision that is surely high enough.

    Args:
        detections: Detections of a period, of any status.
        min_precision: Lower bound from which on unreviewed ones are taken.
        only_verified: None of them is.
    """
    detections = list(detections)
    precision = reviewed_precision(detections)
    borne_out = {key for key, one in precision.items() if one.low >= min_precision and not only_verified}
    kept = [
        one
        for one in detections
        if one.is_verified or (one.status == "unreviewed" and (one.recording.bundle_version, one.code) in borne_out)
    ]
    n_unreviewed = sum(one.status == "unreviewed" for one in detections)
    return Chosen(
        tuple(kept),
        precision,
        n_unreviewed - sum(one.status == "unreviewed" for one in kept),
        sum(not one.is_accepted for one in detections),
    )
