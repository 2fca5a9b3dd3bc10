"""A page about a data set's faults, for the KFP UI and for `silencio data check`."""

from __future__ import annotations

from pathlib import Path

from silencio.data.faults import KINDS, faults_by_kind
from silencio.data.validate import ValidatedRecordings
from silencio.reports import page
from silencio.reports.page import Block

# Of one kind; a browser is no place for thirty thousand rows.
_MAX_ROWS = 200


def summary(outcome: ValidatedRecordings) -> str:
    """How much there is, in one sentence."""
    n_recordings = len(outcome.usable) + len(outcome.left_out)
    hours = outcome.usable["duration_s"].sum() / 3600
    return f"{len(outcome.usable)} of {n_recordings} recordings can be used, {hours:.2f} hours of sound."


def write_fault_page(outcome: ValidatedRecordings, path: Path) -> None:
    """Write a table of the kinds that were found, then the faults of each kind by name."""
    faults = outcome.faults
    blocks: list[Block | tuple[str, Block]] = [
        summary(outcome),
        ("Faults", faults_by_kind(faults) if len(faults) else "None."),
    ]
    for kind in [name for name in KINDS if (faults["kind"] == name).any()]:
        rows = faults.loc[faults["kind"] == kind, ["recording_id", "detail"]]
        verdict = "left out" if KINDS[kind].left_out else "kept"
        blocks.append((f"{kind}: {len(rows)}, {verdict}", rows.head(_MAX_ROWS)))
        if len(rows) > _MAX_ROWS:
            blocks.append(f"{len(rows) - _MAX_ROWS} more are in the table of faults.")
    page("Recordings", blocks, path)
