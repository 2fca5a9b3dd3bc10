"""What a command and a step are given as text."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from silencio.errors import ConfigError
from silencio.local_time import zone_named


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
    return (now.astimezone(zone_named(zone) if zone else UTC) - timedelta(days=1)).date()


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
