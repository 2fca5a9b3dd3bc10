"""The step `drift`: one day of the prediction log becomes a verdict a site."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from monitoring.drift.bundle_facts import KnownBundle
from monitoring.drift.given import as_day, read_secret, yesterday
from monitoring.drift.job import DriftJob, read_policy
from monitoring.drift.run import run_day
from monitoring.drift.webhook import Webhook
from silencio.errors import ServingError
from silencio.storage import read_bytes, write_atomically

# A pod gets a secret as a variable, a machine in a file.
SECRET, SECRET_FILE = "SILENCIO_DRIFT_WEBHOOK_SECRET", "SILENCIO_DRIFT_WEBHOOK_SECRET_FILE"


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        predictions: Folder or `s3://` prefix of the prediction log.
        reports: Folder or `s3://` prefix that keeps references and gets the day's verdict, pages and actions.
        day: As 2026-05-08; empty: the last one that is over.
        policy: YAML of the thresholds; empty: those that ship.
        bundle: Folder or `s3://` prefix of the bundle that answered; empty: without.
        reviews: File, folder or `s3://` prefix of people's judgements; empty: none.
        webhook: URL that actions are sent to; empty: none.
        zone: Time zone of the sites, for what the last day that is over is; empty: UTC.
    """

    predictions: str
    reports: str
    day: str = ""
    policy: str = ""
    bundle: str = ""
    reviews: str = ""
    webhook: str = ""
    zone: str = ""


@dataclass(frozen=True)
class Outputs:
    """What the step writes beside `reports`.

    Attributes:
        page: The day's verdicts, for a person.
    """

    page: Path


class Findings(NamedTuple):
    """What the day showed.

    Attributes:
        day: The day that was looked at.
        n_changed: Sites at which something has changed.
        n_alerts: Alerts that are due.
    """

    day: str
    n_changed: int
    n_alerts: int


def run(inputs: Inputs, outputs: Outputs) -> Findings:
    """Look at one day, and at those before it that were missed.

    Raises:
        NoDataError: Nothing was recorded on the day.
        DataError: Something that was given is not what it should be.
        StorageError: A place cannot be read or written.
        ConfigError: An input cannot be used.
        ServingError: The webhook did not take every action; the day is written.
    """
    now = datetime.now(UTC)
    secret = os.environ.get(SECRET, "").strip().encode() or read_secret(os.environ.get(SECRET_FILE))
    job = DriftJob(
        log=inputs.predictions,
        place=inputs.reports,
        policy=read_policy(inputs.policy or None),
        bundle=KnownBundle.read(inputs.bundle) if inputs.bundle else None,
        reviews=inputs.reviews or None,
        webhook=Webhook(inputs.webhook, secret) if inputs.webhook else None,
    )
    day = as_day(inputs.day) if inputs.day else yesterday(now, inputs.zone)
    found = run_day(job, day, now, on_note=_note)
    write_atomically(outputs.page, read_bytes(found.page))
    if found.delivery is not None and found.delivery.n_waiting:
        raise ServingError(
            f"{found.document.day} is written, and {found.delivery.n_waiting} actions wait for the next run: "
            f"{found.delivery.reason}"
        )
    return Findings(f"{found.document.day}", found.n_changed, found.n_alerts)


def _note(sentence: str) -> None:
    sys.stderr.write(f"note: {sentence}\n")
