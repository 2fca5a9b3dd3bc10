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
class Inputs:
    """What the step reads.

    Attributes:
        recordings: The table of recordings.
        validation: What counts as a fault; None: the defaults.
        spec_rate_hz: Rate of the feature specification, for recordings that have less; None: it is not looked at.
    """

    recordings: Path
    validation: ValidationConfig | None = None
    spec_rate_hz: int | None = None


@dataclass(frozen=True)
class Outputs:
    """What the step writes.

    Attributes:
        usable: Recordings that can be used, with hashes, duration, rate and level (Parquet).
        faults: Every fault of every recording (Parquet).
        report: Page about the faults.
    """

    usable: Path
    faults: Path
    report: Path


@dataclass(frozen=True)
class Outcome:
    """What came of it.

    Attributes:
        metrics: For the run's page: how many recordings can be used, and how many have which fault.
        data_fingerprint: Identity of what can be used.
    """

    metrics: dict[str, float]
    data_fingerprint: str


def run(inputs: Inputs, outputs: Outputs) -> Outcome:
    """Open every recording once; leave out by name what cannot be used.

    Raises:
        DataError: No recording can be used.
    """
    outcome = validate_recordings(
        read_recordings(inputs.recordings),
        inputs.validation,
        known=read_known_faults(inputs.recordings),
        spec_rate_hz=inputs.spec_rate_hz,
    )
    write_recordings(outcome.usable, outputs.usable)
    write_table(outcome.faults, outputs.faults)
    write_fault_page(outcome, outputs.report)
    hours = outcome.usable["duration_s"].sum() / 3600
    metrics = {"usable": len(outcome.usable), "left_out": len(outcome.left_out), "hours": round(hours, 3)}
    found = outcome.faults["kind"].value_counts()
    metrics |= {f"fault_{kind}": int(n) for kind, n in sorted(found.items())}
    return Outcome(metrics, data_fingerprint(outcome.usable))
