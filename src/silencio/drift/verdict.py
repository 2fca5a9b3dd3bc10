"""One call a site and day: rows of the log in, the verdict out. No clock, no files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
import pyarrow as pa

from silencio.drift.attribution import Versions, causes_of
from silencio.drift.blocks import Blocks, blocks_of
from silencio.drift.comparison import DayComparison, compare
from silencio.drift.document import CauseFound, Outcome, SiteVerdict
from silencio.drift.label_shift import Confusion
from silencio.drift.policy import DriftPolicy
from silencio.drift.recordings import Recordings, recordings_of
from silencio.drift.reference import FieldReference, as_day
from silencio.drift.reviews import Reviews, pooled_reviews, undisturbed

_N_SPECIES = 20
_NO_HISTORY: Mapping[date, SiteVerdict] = {}
_NO_REVIEWS: Reviews = {}
_CAUSE_WORDS = {
    "release": "a release",
    "client_or_pipeline": "the client or pipeline",
    "microphone_or_site": "a microphone or its surroundings",
    "weather_and_noise": "weather and noise",
    "season_or_species_mix": "the season or mix of species",
    "model_decay": "the model",
    "unexplained": "something that no cause explains",
}


def site_verdict(
    rows: pa.Table,
    *,
    site_id: str,
    day: date,
    reference: FieldReference | None,
    policy: DriftPolicy,
    history: Mapping[date, SiteVerdict] = _NO_HISTORY,
    reviews: Reviews = _NO_REVIEWS,
    confusion: Confusion | None = None,
) -> SiteVerdict:
    """What has changed at a site on a day.

    Args:
        rows: Rows of the prediction log that hold the site's local day; other sites and days are left out.
        site_id: The site, as `sites_of` names it.
        day: The local day.
        reference: The site's field reference; None before it is complete.
        policy: Thresholds.
        history: Verdicts of the same site on the days before, the last ten at least.
        reviews: What people found of recent detections, by day and device of the recording.
        confusion: What the bundle named in validation windows.

    Raises:
        DataError: A column is missing without which nothing can be compared.
    """
    recordings = recordings_of(rows, site_id, policy.day_parts)
    return verdict_of(
        of_day(recordings, day),
        day=day,
        reference=reference,
        policy=policy,
        history=history,
        reviews=reviews,
        confusion=confusion,
    )


def of_day(recordings: Recordings, day: date) -> Recordings:
    """Recordings and unreadable requests of one local day."""
    number = as_day(day)
    chosen = recordings.of(recordings.day == number)
    own = recordings.failed_day == number
    return chosen.with_failed(recordings.failed_device[own], recordings.failed_day[own])


def verdict_of(
    recordings: Recordings,
    *,
    day: date,
    reference: FieldReference | None,
    policy: DriftPolicy,
    history: Mapping[date, SiteVerdict] = _NO_HISTORY,
    reviews: Reviews = _NO_REVIEWS,
    confusion: Confusion | None = None,
) -> SiteVerdict:
    """`site_verdict` of a day's recordings."""
    counted = undisturbed(reviews, {one: before.causes for one, before in history.items()})
    known = {
        "site_id": recordings.site_id,
        "n_recordings": len(recordings),
        "n_devices": len(np.unique(np.concatenate([recordings.device, recordings.failed_device]))),
        "expected_precision": _expected(recordings),
        "detections_by_species": _by_species(recordings),
        **_of_reviews(counted),
    }
    if not len(recordings) and not len(recordings.failed_day):
        return _verdict(known, "not_enough", f"Nothing was received of {recordings.site_id} on {day}.")
    if reference is None:
        return _verdict(
            known,
            "no_reference",
            f"{recordings.site_id} has no field reference yet: it takes {policy.reference.min_days} days with "
            f"{policy.reference.min_recordings} recordings a device and part of the day.",
        )
    versions = _versions(recordings, reference)
    current = blocks_of(_of_main_version(recordings, reference), reference.middles)
    if not current.days:
        current = current.of(days=[as_day(day)])
    has_outputs = versions.shares.get(reference.bundle_version, 0.0) >= 0.5
    if has_outputs:  # another version's probabilities have another mean
        known["expected_precision_reference"] = _expected_of(reference.blocks)
    comparison = compare(
        current,
        reference,
        policy,
        inputs=not recordings.spec or recordings.spec == reference.spec_sha256,
        outputs=has_outputs,
        confusion=confusion,
    )
    if any(one == day for one, _ in counted):
        counted = undisturbed(counted, {day: causes_of(comparison, versions, policy, day, history)})
    known |= _of_reviews(counted)
    if has_outputs:
        comparison = comparison.with_reviews(counted, policy)
    causes = causes_of(comparison, versions, policy, day, history)
    known["causes"], known["signals"] = causes, comparison.signals
    return _concluded(known, comparison, causes, day, policy)


def _concluded(
    known: dict[str, object], comparison: DayComparison, causes: tuple[CauseFound, ...], day: date, policy: DriftPolicy
) -> SiteVerdict:
    gaps = _gaps(comparison)
    if causes:
        first = causes[0]
        what = " and ".join(_CAUSE_WORDS[one.cause] for one in causes)
        where = f" at {', '.join(first.devices)}" if first.devices else ""
        return _verdict(known, "changed", f"Since {first.since}: {what}{where} ({first.certainty}).{gaps}")
    if not comparison.devices:
        if comparison.without_reference and not comparison.small:
            return _verdict(known, "no_reference", f"No device of {day} has a reference.{gaps}")
        return _verdict(
            known,
            "not_enough",
            f"No device has {policy.min_recordings} recordings in a part of the day, or as many of a sparse schedule "
            f"in all of it, with a reference for them.{gaps}",
        )
    return _verdict(known, "no_change", f"Nothing has changed at {len(comparison.devices)} devices.{gaps}")


def _gaps(comparison: DayComparison) -> str:
    """Devices that could not be compared."""
    texts = [
        f" Nothing from {', '.join(comparison.silent)}." if comparison.silent else "",
        f" Too few recordings: {', '.join(comparison.small)}." if comparison.small and comparison.devices else "",
        f" Without a reference: {', '.join(comparison.without_reference)}." if comparison.without_reference else "",
    ]
    return "".join(texts)


def _verdict(known: dict[str, object], outcome: Outcome, message: str) -> SiteVerdict:
    return SiteVerdict.model_validate({**known, "outcome": outcome, "message": message})


def _versions(recordings: Recordings, reference: FieldReference) -> Versions:
    names, index = recordings.versions
    if not len(index):
        return Versions(reference.bundle_version, {reference.bundle_version: 1.0})
    counts = np.bincount(index, minlength=len(names)) / len(index)
    shares = {name: float(share) for name, share in zip(names, counts, strict=True) if share}
    return Versions(reference.bundle_version, shares)


def _of_main_version(recordings: Recordings, reference: FieldReference) -> Recordings:
    """Those that the reference's version answered, where these are half or more; else all, for their sound."""
    names, index = recordings.versions
    own = np.array([name == reference.bundle_version for name in names], bool)[index] if len(index) else index == 0
    return recordings.of(own) if len(index) and own.mean() >= 0.5 else recordings


def _expected(recordings: Recordings) -> float | None:
    scores = recordings.detections.probability
    scores = scores[np.isfinite(scores)]
    return round(float(scores.mean()), 5) if len(scores) else None


def _expected_of(blocks: Blocks) -> float | None:
    _, n_scored, total, _ = blocks.named.sum(axis=(0, 1, 2, 3)) if blocks.codes else (0, 0, 0, 0)
    return round(float(total / n_scored), 5) if n_scored else None


def _by_species(recordings: Recordings) -> dict[str, int]:
    found = recordings.detections
    counts = np.bincount(found.species, minlength=len(found.codes))
    order = np.argsort(-counts, kind="stable")[:_N_SPECIES]
    return {found.codes[place]: int(counts[place]) for place in order if counts[place]}


def _of_reviews(reviews: Reviews) -> dict[str, object]:
    found = pooled_reviews(reviews.values())
    return {
        "review_precision": found.precision,
        "review_interval": found.interval(),
        "review_expected": round(found.expected_precision, 5) if found.n else None,
        "n_reviews": found.n,
    }
