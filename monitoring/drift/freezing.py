"""When a site's reference is complete, and frozen: with every recorder that there is, and those that come later."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitoring.drift.day_reader import DayReader
from monitoring.drift.job import LOOKBACK_DAYS, DriftJob
from monitoring.drift.log_rows import day_number, recording_table
from monitoring.drift.references import (
    RECORDINGS,
    WINDOWS,
    KeptReference,
    freeze,
    kept_references,
    reference_table,
    renewed_from,
)
from monitoring.drift.typical_windows import candidates
from silencio.drift import extended, field_reference
from silencio.drift.recordings import recordings_of
from silencio.drift.reference import reference_of


def reference_of_day(reader: DayReader, job: DriftJob, day: date, name: str) -> KeptReference | None:
    """That of the version which answers, frozen now if it is complete; else the newest of another version.

    The latter serves to see that a release changed something, and the sound, which no bundle changes.

    Args:
        reader: Reads the day.
        job: What the run was given.
        day: By the sun at the sites.
        name: The site.

    Returns:
        None before a reference is complete.

    Raises:
        StorageError: A place cannot be read or written.
        DataError: A reference is not what was frozen.
    """
    kept = kept_references(job.place, name, day)
    found = reader.recordings(name)
    versions = {found.versions[0][place] for place in found.versions[1]}
    for one in reversed(kept):
        if one.reference.bundle_version in versions or not versions:
            return _with_new_devices(reader, job, day, one)
    frozen = _freeze(reader, job, day, name)
    return frozen or (kept[-1] if kept else None)


def extension_note(place: str, kept: KeptReference, day: date) -> str | None:
    """One sentence on what a reference was extended by; None where it stands as it was first frozen.

    Args:
        place: Folder or s3:// prefix of all days.
        kept: What the day is compared with.
        day: The day.

    Raises:
        StorageError: The place cannot be read.
        DataError: A reference is not what was frozen.
    """
    own = kept.reference
    first = next(
        (
            one.reference
            for one in kept_references(place, own.site_id, day)
            if one.reference.bundle_version == own.bundle_version and set(one.reference.devices) < set(own.devices)
        ),
        None,
    )
    if first is None:
        return None
    new = [name for name in own.devices if name not in first.devices]
    return (
        f"The reference was extended by {', '.join(new)}, installed after it was frozen (sha256 {first.sha256[:12]}, "
        f"now {own.sha256[:12]}); that of {', '.join(first.devices)} is as it was."
    )


def _with_new_devices(reader: DayReader, job: DriftJob, day: date, kept: KeptReference) -> KeptReference:
    """The same with devices that were installed since, once their own days are complete; kept beside the old one."""
    own = kept.reference
    today = reader.recordings(own.site_id)
    present = {today.devices[place] for place in np.unique(today.device[~today.clock_fault])}
    if present <= set(own.devices):
        return kept
    found = recordings_of(reader.rows_before, own.site_id, job.policy.day_parts)
    new = [place for place, name in enumerate(found.devices) if name not in own.devices]
    found = found.of(np.isin(found.device, new))
    later = reference_of(found, job.policy, _accepted(job, day, own.site_id), own.middles)
    if later is None or max(later.days) >= day or later.bundle_version != own.bundle_version:
        return kept
    if later.spec_sha256 != own.spec_sha256:
        return kept
    of_later = found.of(np.isin(found.day, [day_number(one) for one in later.days]) & ~found.clock_fault)
    tables = {
        RECORDINGS: recording_table(of_later),
        WINDOWS: candidates(reader.rows_before, own.site_id, later.days),
    }
    names = pa.array(later.devices)
    joined = {}
    for name, table in tables.items():
        old = reference_table(kept, name)
        of_new = table.filter(pc.is_in(table["device_id"], value_set=names))
        joined[name] = of_new if old is None else pa.concat_tables([old, of_new], promote_options="permissive")
    return freeze(job.place, extended(own, later), joined)


def _accepted(job: DriftJob, day: date, name: str) -> list[date]:
    """Days before the day that a reference may have."""
    first = renewed_from(job.place, name, day) or date.min
    before = [day - timedelta(days=ago) for ago in range(LOOKBACK_DAYS, 0, -1)]
    return [one for one in before if one >= first and one not in job.left_out]


def _freeze(reader: DayReader, job: DriftJob, day: date, name: str) -> KeptReference | None:
    accepted = _accepted(job, day, name)
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
