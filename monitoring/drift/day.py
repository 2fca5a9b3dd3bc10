"""One day: rows of the log, references, verdicts, and what is kept of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from monitoring.drift.bundle_facts import check_bundle
from monitoring.drift.job import LOOKBACK_DAYS, REVIEW_DAYS, DriftJob
from monitoring.drift.log_rows import clock_notes, day_number, read_days, recorded_on, recording_table
from monitoring.drift.outcomes import NoDataError
from monitoring.drift.pages.site import N_WEEKS
from monitoring.drift.place import documents
from monitoring.drift.references import KeptReference, freeze, kept_references, renewed_from
from monitoring.drift.reviews import read_judgements, site_reviews
from monitoring.drift.typical_windows import candidates
from silencio.drift import Confusion, ReviewCounts, field_reference, site_verdict, sites_of
from silencio.drift.document import DriftDocument, SiteVerdict
from silencio.drift.recordings import Recordings, recordings_of
from silencio.errors import ConfigError

# What is kept of recordings and windows beside a reference and a day, for pages.
RECORDINGS, WINDOWS = "recordings", "windows"


@dataclass(frozen=True, kw_only=True)
class SiteDay:
    """A site's day.

    Attributes:
        verdict: What it showed.
        reference: What it was compared with; None before there is one.
        recordings: One row a recording.
        windows: Typical windows of the day.
        notes: One sentence each: clocks that are wrong, devices without a reference.
    """

    verdict: SiteVerdict
    reference: KeptReference | None
    recordings: pa.Table
    windows: pa.Table
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Day:
    """A day of all sites.

    Attributes:
        document: What is written as drift.json.
        history: Documents of the weeks before, the day's own last.
        sites: By name.
        inputs: What is written as inputs.json.
    """

    document: DriftDocument
    history: tuple[DriftDocument, ...]
    sites: Mapping[str, SiteDay]
    inputs: dict[str, Any]


class DayReader:
    """Everything that a day's verdicts are made of, read once and only where it is needed.

    Args:
        job: What the run was given.
        day: By the sun at the sites.
    """

    def __init__(self, job: DriftJob, day: date) -> None:
        self._job, self._day = job, day
        self.recordings = cache(self._recordings)

    @cached_property
    def rows(self) -> pa.Table:
        """Rows that hold the day."""
        return read_days(self._job.log, self._day, self._day, self._job.late_days)

    @cached_property
    def history(self) -> tuple[DriftDocument, ...]:
        """Documents of the weeks before the day."""
        days = [self._day - timedelta(days=ago) for ago in range(7 * N_WEEKS, 0, -1)]
        return tuple(documents(self._job.place, days))

    @cached_property
    def rows_before(self) -> pa.Table:
        """Rows of the weeks before the day, of which a reference is made."""
        first, last = self._day - timedelta(days=LOOKBACK_DAYS), self._day - timedelta(days=1)
        # Without those of the day: a release would be the newest version, of which there is no reference.
        return recorded_on(read_days(self._job.log, first, last, self._job.late_days), first, last)

    @cached_property
    def reviewed_rows(self) -> pa.Table:
        """Rows whose detections are held against their reviews."""
        first = self._day - timedelta(days=REVIEW_DAYS - 1)
        return recorded_on(read_days(self._job.log, first, self._day, self._job.late_days), first, self._day)

    @cached_property
    def confusion(self) -> Confusion | None:
        """The bundle's, of validation windows."""
        if self._job.bundle is None:
            return None
        check_bundle(self._job.bundle, self.rows)
        return self._job.bundle.confusion()

    def _recordings(self, site_id: str) -> Recordings:
        """Recordings of a site's day, those with a wrong clock and unreadable ones included."""
        found = recordings_of(self.rows, site_id, self._job.policy.day_parts)
        return found.of(found.day == day_number(self._day))

    def sites(self) -> list[str]:
        """Sites of the day and of the weeks before it: one that sends nothing is still there.

        Raises:
            NoDataError: Nothing was recorded on the day.
            ConfigError: A site that is wanted is not among them.
        """
        recorded, n_wrong = [], 0
        for site_id in sites_of(self.rows):
            found = self.recordings(site_id)
            n_right = int((~found.clock_fault).sum())
            n_wrong += len(found) - n_right
            if n_right or (found.failed_day == day_number(self._day)).any():
                recorded.append(site_id)
        if not recorded:
            raise NoDataError(self._no_data(n_wrong))
        known = {*recorded, *(site.site_id for document in self.history for site in document.sites)}
        if unknown := sorted(set(self._job.sites) - known):
            raise ConfigError(f"the log has no site {unknown[0]!r}; it has {', '.join(sorted(known))}")
        return sorted(self._job.sites or known)

    def _no_data(self, n_wrong_clock: int) -> str:
        where = f"{self._job.log} has no recording of {self._day}"
        if n_wrong_clock:
            return (
                f"{where} with a clock that can be right: all {n_wrong_clock:,} claim to be of before 2005 or of the "
                "future; set the recorders' clocks"
            )
        return f"{where}: check --log and --day, and whether anything is sent; nothing was written"


def look_at_day(job: DriftJob, day: date, made_at: datetime) -> Day:
    """Verdicts of one day; references that became complete are frozen on the way.

    Args:
        job: What the run was given.
        day: By the sun at the sites.
        made_at: Time that stands in the document.

    Raises:
        NoDataError: Nothing was recorded on the day.
        DataError: Something that was given is not what it should be.
        StorageError: A place cannot be read or written.
        ConfigError: A site that is wanted is unknown.
    """
    reader = DayReader(job, day)
    names = reader.sites()
    confusion = reader.confusion
    judgements = None if job.reviews is None else read_judgements(job.reviews)
    sites = {}
    for name in names:
        reviews = None
        if judgements is not None:
            found = site_reviews(judgements, reader.reviewed_rows, name)
            if found.expected is not None:
                reviews = ReviewCounts(found.n_right, found.n_reviewed - found.n_right, found.expected)
        sites[name] = _site_day(reader, job, day, name, confusion, reviews)
    document = DriftDocument(
        day=day,
        made_at=made_at,
        bundle_name=_frequent(reader.rows, "bundle_name"),
        bundle_version=_frequent(reader.rows, "bundle_version"),
        policy_sha256=job.policy.sha256(),
        sites=tuple(one.verdict for one in sites.values()),
    )
    return Day(
        document=document,
        history=(*reader.history, document),
        sites=sites,
        inputs=_inputs(job, reader.rows, sites),
    )


def _site_day(
    reader: DayReader, job: DriftJob, day: date, name: str, confusion: Confusion | None, reviews: ReviewCounts | None
) -> SiteDay:
    reference = _reference(reader, job, day, name)
    history = {one.day: site for one in reader.history for site in one.sites if site.site_id == name}
    verdict = site_verdict(
        reader.rows,
        site_id=name,
        day=day,
        reference=None if reference is None else reference.reference,
        policy=job.policy,
        history=history,
        reviews=reviews,
        confusion=confusion,
    )
    recordings = reader.recordings(name)
    notes, table = clock_notes(recordings), recording_table(recordings)
    if reference is not None:
        new = sorted(set(table["device_id"].to_pylist()) - set(reference.reference.devices))
        notes += [f"{device} has no reference: it came after the reference was frozen." for device in new]
    return SiteDay(
        verdict=verdict,
        reference=reference,
        recordings=table,
        windows=candidates(reader.rows, name, [day]),
        notes=tuple(notes),
    )


def _reference(reader: DayReader, job: DriftJob, day: date, name: str) -> KeptReference | None:
    """That of the version which answers, frozen now if it is complete; else the newest of another version.

    The latter serves to see that a release changed something, and the sound, which no bundle changes.
    """
    kept = kept_references(job.place, name, day)
    found = reader.recordings(name)
    versions = {found.versions[0][place] for place in found.versions[1]}
    for one in reversed(kept):
        if one.reference.bundle_version in versions or not versions:
            return one
    frozen = _freeze(reader, job, day, name)
    return frozen or (kept[-1] if kept else None)


def _freeze(reader: DayReader, job: DriftJob, day: date, name: str) -> KeptReference | None:
    first = renewed_from(job.place, name, day) or date.min
    before = [day - timedelta(days=ago) for ago in range(LOOKBACK_DAYS, 0, -1)]
    accepted = [one for one in before if one >= first and one not in job.left_out]
    reference = field_reference(reader.rows_before, site_id=name, policy=job.policy, accepted=accepted)
    if reference is None or max(reference.days) >= day:
        return None
    found = recordings_of(reader.rows_before, name, job.policy.day_parts)
    found = found.of(np.isin(found.day, [day_number(one) for one in accepted]) & ~found.clock_fault)
    seen = {found.devices[place] for place in np.unique(found.device)}
    if not seen <= set(reference.devices) and len(reference.days) < job.policy.reference.max_days:
        return None  # a device that came some days later is waited for
    of_reference = found.of(np.isin(found.day, [day_number(one) for one in reference.days]))
    windows = candidates(reader.rows_before, name, reference.days)
    return freeze(job.place, reference, {RECORDINGS: recording_table(of_reference), WINDOWS: windows})


def _frequent(rows: pa.Table, column: str) -> str:
    counts = Counter(rows[column].to_pylist())
    return min(counts, key=lambda name: (-counts[name], name))


def _inputs(job: DriftJob, rows: pa.Table, sites: Mapping[str, SiteDay]) -> dict[str, Any]:
    """What the verdicts were made of, without the time: the same for the same input."""
    return {
        "log": job.log,
        "n_rows_read": len(rows),
        "rows_by_bundle_version": dict(sorted(Counter(rows["bundle_version"].to_pylist()).items())),
        "sites": {
            name: {
                "n_recordings": len(site.recordings),
                "notes": list(site.notes),
                "reference": None
                if site.reference is None
                else {
                    "uri": site.reference.uri,
                    "sha256": site.reference.reference.sha256,
                    "words": site.reference.words,
                },
            }
            for name, site in sites.items()
        },
    }


def inputs_json(inputs: Mapping[str, Any]) -> bytes:
    """inputs.json as it is written."""
    return (json.dumps(inputs, indent=1, ensure_ascii=False) + "\n").encode()


def changed_devices(verdict: SiteVerdict, all_devices: Sequence[str]) -> list[str]:
    """Devices of which pictures are wanted: those of the causes, else those of alarms, else the first."""
    of_causes = [device for cause in verdict.causes for device in cause.devices]
    of_signals = [one.device_id for one in verdict.signals if one.alarm and one.device_id is not None]
    found = list(dict.fromkeys([*of_causes, *of_signals]))
    return found or sorted(all_devices)[:1]
