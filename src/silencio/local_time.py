"""Local time: what a clock, or failing that the sun, says where a recording was made."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator

from silencio.errors import ConfigError

_HOURS_PER_DEGREE = 24.0 / 360.0


def zone_named(name: str) -> ZoneInfo:
    """A time zone by its name.

    Args:
        name: As the IANA time zone database has it.

    Raises:
        ConfigError: There is none of this name.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigError(f"{name!r} is no time zone: give a name like America/Bogota") from error


def _known(name: str) -> str:
    try:
        return zone_named(name).key
    except ConfigError as error:
        raise ValueError(str(error)) from error


# A field of a configuration.
Zone = Annotated[str, AfterValidator(_known)]


def local_time(recorded_at: datetime, longitude: float | None = None, zone: ZoneInfo | None = None) -> datetime | None:
    """The local time of a recording, without a zone.

    A time without a zone is local as it stands. One with `Z` or an offset is an instant (recorders often run on UTC):
    of such, the declared zone decides; without one the sun, 15 degrees of longitude an hour; without coordinates an
    offset other than zero, which is the clock of the place.

    Args:
        recorded_at: Time of the recording.
        longitude: Degrees east; None or not a number where unknown.
        zone: Zone of the place, if it was declared.

    Returns:
        None where only the instant is known, and beyond the calendar's first and last day.
    """
    offset = recorded_at.utcoffset()
    if offset is None:
        return recorded_at
    clock = recorded_at.replace(tzinfo=None)
    try:
        if zone is not None:
            return recorded_at.astimezone(zone).replace(tzinfo=None)
        if longitude is not None and math.isfinite(longitude):
            return clock - offset + timedelta(hours=longitude * _HOURS_PER_DEGREE)
    except OverflowError:
        return None
    return clock if offset else None


def local_date(recorded_at: date, longitude: float) -> date:
    """The local date of a date, or of a time as `local_time` takes it."""
    if not isinstance(recorded_at, datetime):
        return recorded_at
    return (local_time(recorded_at, longitude) or recorded_at).date()
