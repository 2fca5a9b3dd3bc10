"""What predictions of a day rest on, against those of its reference, by typical windows of both."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from monitoring.drift.explained import WindowExplainer
from monitoring.drift.job import DriftJob
from monitoring.drift.references import WINDOWS, KeptReference, reference_table
from monitoring.drift.sounds import RecordingFolder
from monitoring.drift.typical_windows import CODE
from silencio.drift.document import ImportanceChange
from silencio.drift.importance import importance_change, not_looked_at
from silencio.explanations.summary import ImportanceSummary, importance_summary

# Of a species, before and after; by fewer its median tells nothing.
MIN_OF_SPECIES = 4

Row = dict[str, Any]


def importance_of_day(job: DriftJob, reference: KeptReference | None, windows: pa.Table) -> ImportanceChange:
    """What predictions rest on, against the reference; one sentence where it cannot be looked at.

    Args:
        job: What the run was given.
        reference: The site's.
        windows: Typical windows of the day.

    Raises:
        BundleError: The bundle is not what was exported, or gives other numbers here.
        StorageError: A place cannot be read.
        DataError: The reference's table of windows is none.
    """
    if job.recordings is None:
        return not_looked_at("the log keeps no sound, and no folder of recordings was given (--recordings)")
    if job.explainer is None:
        return not_looked_at("no bundle was given (--bundle)")
    if reference is None:
        return not_looked_at("the site has no field reference yet")
    version, ours = reference.reference.bundle_version, job.explainer.bundle.manifest.version
    if version != ours:
        return not_looked_at(f"the reference is of bundle {version}, and what answers is {ours}")
    before = reference_table(reference, WINDOWS)
    if before is None or CODE not in before.column_names:
        return not_looked_at("no species were kept with the reference's windows: silencio drift renew makes another")
    chosen = chosen_windows(
        _at_hand(before, job.recordings), _at_hand(windows, job.recordings), job.policy.importance.max_windows
    )
    periods = [
        {code: _summaries(job.explainer, job.recordings, code, pair[place]) for code, pair in chosen.items()}
        for place in (0, 1)
    ]
    return importance_change(periods[0], periods[1], job.policy.importance)


def chosen_windows(
    before: dict[str, list[Row]], after: dict[str, list[Row]], max_windows: int
) -> dict[str, tuple[list[Row], list[Row]]]:
    """As many windows of each species before as after, of those that both have most of.

    Args:
        before: Rows of the reference by species, the typical first.
        after: The same of the day.
        max_windows: Of each period.
    """
    counts = {code: min(len(rows), len(after.get(code, ()))) for code, rows in before.items()}
    chosen, left = {}, max_windows
    for code in sorted(counts, key=lambda one: (-counts[one], one)):
        n = min(counts[code], left)
        if n < MIN_OF_SPECIES:
            break
        chosen[code] = (before[code][:n], after[code][:n])
        left -= n
    return chosen


def _at_hand(table: pa.Table, folder: RecordingFolder) -> dict[str, list[Row]]:
    known = folder.known(table["recording_sha256"].to_pylist())
    found: dict[str, list[Row]] = defaultdict(list)
    for row in table.to_pylist():
        if row[CODE] is not None and row["recording_sha256"] in known:
            found[row[CODE]].append(row)
    return dict(found)


def _summaries(
    explainer: WindowExplainer, folder: RecordingFolder, code: str, rows: Sequence[Row]
) -> list[ImportanceSummary]:
    found = []
    for row in rows:
        waveform = folder.window(row["recording_sha256"], row["start_s"], explainer.spec)
        explained = None if waveform is None else explainer.explain(waveform, code)
        summary = None if explained is None else importance_summary(explained.explanation)
        if summary is not None:
            found.append(summary)
    return found
