"""One day: rows of the log, references, verdicts, and what is kept of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from monitoring.drift.day_reader import DayReader
from monitoring.drift.freezing import extension_note, reference_of_day
from monitoring.drift.importance import importance_of_day
from monitoring.drift.job import DriftJob
from monitoring.drift.log_rows import clock_notes, recorded_on, recording_table
from monitoring.drift.place import read_document
from monitoring.drift.references import KeptReference
from monitoring.drift.reviews import read_judgements, site_reviews
from monitoring.drift.typical_windows import candidates
from silencio.drift import Confusion, site_verdict
from silencio.drift.document import DriftDocument, SiteVerdict
from silencio.drift.importance import with_importance
from silencio.drift.reviews import Reviews
from silencio.prediction_log import LogReader


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


def look_at_day(job: DriftJob, day: date, made_at: datetime, log: LogReader) -> Day:
    """Verdicts of one day; references that became complete are frozen on the way.

    Args:
        job: What the run was given.
        day: By the sun at the sites.
        made_at: Time that stands in the document.
        log: Reads the log.

    Raises:
        NoDataError: Nothing was recorded on the day.
        DataError: Something that was given is not what it should be.
        StorageError: A place cannot be read or written.
        ConfigError: A site that is wanted is unknown.
    """
    reader = DayReader(job, day, log)
    names = reader.sites()
    confusion = reader.confusion
    judgements = None if job.reviews is None else read_judgements(job.reviews)
    sites = {}
    for name in names:
        reviews = {} if judgements is None else site_reviews(judgements, reader.reviewed_rows, name)
        sites[name] = _site_day(reader, job, day, name, confusion, reviews)
    recorded = recorded_on(reader.rows, day, day)
    today = recorded if len(recorded) else reader.rows
    made = [one.verdict for one in sites.values()]
    document = DriftDocument(
        day=day,
        made_at=made_at,
        bundle_name=_frequent(today, "bundle_name"),
        bundle_version=_frequent(today, "bundle_version"),
        policy_sha256=job.policy.sha256(),
        sites=tuple(sorted([*_of_others(job, day), *made], key=lambda one: one.site_id)),
    )
    return Day(
        document=document,
        history=(*reader.history, document),
        sites=sites,
        inputs=_inputs(job, reader.rows, sites),
    )


def _site_day(
    reader: DayReader,
    job: DriftJob,
    day: date,
    name: str,
    confusion: Confusion | None,
    reviews: Reviews,
) -> SiteDay:
    reference = reference_of_day(reader, job, day, name)
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
        extension = extension_note(job.place, reference, day)
        notes += [] if extension is None else [extension]
    windows = candidates(reader.rows, name, [day])
    return SiteDay(
        verdict=with_importance(verdict, importance_of_day(job, reference, windows)),
        reference=reference,
        recordings=table,
        windows=windows,
        notes=tuple(notes),
    )


def _of_others(job: DriftJob, day: date) -> tuple[SiteVerdict, ...]:
    """Verdicts that the day has of sites which this run leaves alone."""
    before = read_document(job.place, day) if job.sites else None
    return tuple(one for one in before.sites if one.site_id not in job.sites) if before is not None else ()


def _frequent(rows: pa.Table, column: str) -> str:
    counts: Counter[str] = Counter(rows[column].to_pylist())
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
