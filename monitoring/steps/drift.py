"""The step `drift`: a day's verdicts, pages and actions."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from monitoring.drift.job import DriftJob, read_action_policy, read_policy
from monitoring.drift.run import run_day
from monitoring.drift.webhook import Webhook
from silencio.errors import ConfigError

SECRET_FILE = "SILENCIO_DRIFT_WEBHOOK_SECRET_FILE"  # noqa: S105  # a variable's name


class DriftStepResult(NamedTuple):
    """What the step hands on.

    Attributes:
        day: Day of the verdicts.
        n_changed: Sites that changed.
        n_alerts: Causes of which an alert is due.
        page: URI of the page of all sites.
    """

    day: str
    n_changed: int
    n_alerts: int
    page: str


def run(
    predictions: str,
    reports: str,
    day: str = "",
    policy: str = "",
    bundle: str = "",
    reviews: str = "",
    webhook: str = "",
    zone: str = "",
    actions: str = "",
) -> DriftStepResult:
    """Make a day.

    Args:
        predictions: Folder or s3:// prefix of the prediction log.
        reports: Folder or s3:// prefix that keeps days, references and actions.
        day: Day by the sun at the sites; empty: yesterday.
        policy: File of thresholds; empty: the shipped ones.
        bundle: Folder of the bundle that answers; empty: none.
        reviews: File of judgements; empty: none.
        webhook: Address that gets actions; empty: none.
        zone: Time zone of the sites, for what yesterday is; empty: UTC.
        actions: File of the actions' policy; empty: the default.

    Raises:
        SilencioError: Nothing of the day was written.
    """
    job = DriftJob(
        log=predictions,
        place=reports,
        policy=read_policy(policy or None),
        actions=read_action_policy(actions or None),
        bundle=Path(bundle) if bundle else None,
        reviews=reviews or None,
        webhook=Webhook(webhook, read_secret(os.environ.get(SECRET_FILE))) if webhook else None,
    )
    now = datetime.now(UTC)
    found = run_day(job, as_day(day) if day else yesterday(now, zone), now)
    return DriftStepResult(f"{found.document.day}", found.n_changed, found.n_alerts, found.page)


def as_day(text: str) -> date:
    """A day of a text.

    Raises:
        ConfigError: It is none.
    """
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{text!r} is no day: one like 2026-05-08 is needed") from error


def yesterday(now: datetime, zone: str) -> date:
    """The last day that is over at the sites.

    Args:
        now: With a time zone.
        zone: Name of the sites' zone; empty: UTC.

    Raises:
        ConfigError: There is no such zone.
    """
    try:
        return (now.astimezone(ZoneInfo(zone) if zone else UTC) - timedelta(days=1)).date()
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigError(f"{zone!r} is no time zone: one like America/Bogota is needed") from error


def read_secret(file: str | None) -> bytes:
    """The shared secret of a file, without the end of its line; empty without a file.

    Raises:
        ConfigError: The file cannot be read, or is empty.
    """
    if not file:
        return b""
    try:
        secret = Path(file).read_bytes().strip()
    except OSError as error:
        raise ConfigError(f"the webhook's secret {file} cannot be read: {error.strerror or error}") from error
    if not secret:
        raise ConfigError(f"the webhook's secret {file} is empty: write it in one line")
    return secret
