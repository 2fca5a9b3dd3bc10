"""validate: from a table of recordings to those that can be used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from silencio.data.recordings import data_fingerprint, read_recordings, write_recordings
from silencio.data.validate import validate_recordings
from silencio.reports import page


@dataclass(frozen=True)
class ValidationOutcome:
    """Counts and identity of what can be used."""

    counts: dict[str, float]
    data_fingerprint: str


def validate_source(recordings_path: str, usable_path: str, report_path: str) -> ValidationOutcome:
    """Open every recording and write the table of those that can be used, and a page of those that cannot."""
    recordings = read_recordings(Path(recordings_path))
    outcome = validate_recordings(recordings)
    write_recordings(outcome.usable, Path(usable_path))
    n_left_out = len(outcome.left_out)
    hours = outcome.usable["duration_s"].sum() / 3600
    summary = f"{len(outcome.usable)} of {len(recordings)} recordings can be used, {hours:.2f} hours of sound."
    page("Recordings", [summary, ("Left out", outcome.left_out if n_left_out else "None.")], Path(report_path))
    counts = {"usable": len(outcome.usable), "left_out": n_left_out, "hours": round(hours, 3)}
    return ValidationOutcome(counts, data_fingerprint(outcome.usable))
