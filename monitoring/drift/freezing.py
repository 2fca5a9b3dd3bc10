"""When a site's reference is complete, and frozen: with every recorder that there is."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from monitoring.drift.day_reader import DayReader
from monitoring.drift.job import LOOKBACK_DAYS, DriftJob
from monitoring.drift.log_rows import day_number, recording_table
from monitoring.drift.references import RECORDINGS, WINDOWS, KeptReference, freeze, kept_references, renewed_from
from monitoring.drift.typical_windows import candidates
from silencio.drift import field_reference
from silencio.drift.recordings import recordings_of


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
