"""When a site's reference is complete: enough days for a change of one recorder to be shown."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from monitoring.drift.day_reader import DayReader
from monitoring.drift.job import LOOKBACK_DAYS, DriftJob
from monitoring.drift.log_rows import day_number, recording_table
from monitoring.drift.references import RECORDINGS, WINDOWS, KeptReference, freeze, kept_references, renewed_from
from monitoring.drift.typical_windows import candidates
from silencio.drift import DriftPolicy, FieldReference, field_reference
from silencio.drift.recordings import recordings_of

# Of some 130 signals of a site's day a change of one device moves twenty: these then pass the false discovery rate.
_MAX_SMALLEST_P = 0.005


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
    is_ready = seen <= set(reference.devices) and smallest_p(reference, job.policy) <= _MAX_SMALLEST_P
    if not is_ready and len(reference.days) < job.policy.reference.max_days:
        return None  # a device that came some days later is waited for, and days without which nothing can be shown
    of_reference = found.of(np.isin(found.day, [day_number(one) for one in reference.days]))
    windows = candidates(reader.rows_before, name, reference.days)
    return freeze(job.place, reference, {RECORDINGS: recording_table(of_reference), WINDOWS: windows})


def smallest_p(reference: FieldReference, policy: DriftPolicy) -> float:
    """The smallest p-value that a change of one device can have: days are permuted within parts of the day.

    Args:
        reference: About to be frozen.
        policy: Says how many recordings a part of the day takes to be compared.

    Returns:
        That of the device with the fewest days.
    """
    n_recordings = reference.blocks.n_recordings
    n_days = (n_recordings >= policy.reference.min_block_recordings).sum(axis=2)
    median = np.array([[np.median(days[days > 0]) if days.any() else 0.0 for days in parts] for parts in n_recordings])
    n_orders = np.where(median >= policy.min_recordings, n_days + 1, 1).prod(axis=1)
    return float((1.0 / n_orders).max())
