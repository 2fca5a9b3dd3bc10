"""validate: from a table of recordings to those that can be used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from silencio.data.recordings import (
    data_fingerprint,
    read_known_faults,
    read_recordings,
    write_recordings,
    write_table,
)
from silencio.data.validate import ValidationConfig, validate_recordings
from silencio.reports.fault_page import write_fault_page


@dataclass(frozen=True)
class ValidationOutcome:
    """Counts and identity of what can be used."""

    counts: dict[str, float]
    data_fingerprint: str


def validate_source(
    recordings_path: str,
    usable_path: str,
    faults_path: str,
    report_path: str,
    config: ValidationConfig | None = None,
    spec_rate_hz: int | None = None,
) -> ValidationOutcome:
    """Open every recording; write those that can be used, every fault (both Parquet) and a page about the faults."""
    path = Path(recordings_path)
    outcome = validate_recordings(
        read_recordings(path), config, known=read_known_faults(path), spec_rate_hz=spec_rate_hz
    )
    write_recordings(outcome.usable, Path(usable_path))
    write_table(outcome.faults, Path(faults_path))
    write_fault_page(outcome, Path(report_path))
    hours = outcome.usable["duration_s"].sum() / 3600
    counts = {"usable": len(outcome.usable), "left_out": len(outcome.left_out), "hours": round(hours, 3)}
    found = outcome.faults["kind"].value_counts()
    counts |= {f"fault_{kind}": int(n) for kind, n in sorted(found.items())}
    return ValidationOutcome(counts, data_fingerprint(outcome.usable))
