"""Rows of the prediction log by the day on which they were recorded, at the site's own clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from silencio.prediction_log import SCHEMA, read_log

UNKNOWN = "unknown"
# No place of the world is further from UTC.
_MAX_OFFSET = timedelta(hours=14)
# A recorder's clock may be ahead of the server's by so much, and a card may be read out so much later.
MAX_AHEAD, MAX_LATE = timedelta(hours=1), timedelta(days=30)
_HOUR_US, _DAY_US = 3_600_000_000, 86_400_000_000
# What this module reads, beside what its caller wants.
_OWN_COLUMNS = ("received_at", "recorded_at", "site_id", "device_id", "key_name", "longitude", "shadow")


@dataclass(frozen=True)
class LogRows:
    """Rows of some days.

    Attributes:
        table: Columns of the log; `site_id` and `device_id` are filled, `recorded_at` is where it was null the time of
            the request.
        days: Local day of each row, as days since 1970: int64, shape (n_rows,).
        n_read: Rows that were read, those of other days included.
        n_wrong_clock: Rows that were left out by (site, device): their clock is wrong.
        example: One of these clocks by (site, device).
    """

    table: pa.Table
    days: NDArray[np.int64]
    n_read: int
    n_wrong_clock: Counter[tuple[str, str]]
    example: dict[tuple[str, str], str]

    def of(self, day: date) -> pa.Table:
        """Rows of one day.

        Args:
            day: By the sites' local time.
        """
        return self.table.filter(pa.array(self.days == (day - date(1970, 1, 1)).days))

    def notes(self, site_id: str) -> list[str]:
        """One sentence a device whose clock is wrong."""
        return [
            f"{n:,} rows of {device} were left out: its clock is wrong (recorded at {self.example[site, device]})."
            for (site, device), n in sorted(self.n_wrong_clock.items())
            if site == site_id
        ]


def read_rows(
    place: str, first: date, last: date, columns: Sequence[str], zone: ZoneInfo | None = None, late_days: int = 7
) -> LogRows:
    """Rows of the days from `first` to `last`, copies of other bundles' requests left out.

    A day is local: by `zone`, else by the sun where a row has its longitude, else in UTC. A row without the time of its
    recording counts at the time of its request.

    Args:
        place: Folder or S3 prefix of the log.
        first: First day.
        last: Last day.
        columns: Columns of the log that are wanted.
        zone: Zone of all sites.
        late_days: Days that a recording may come later than it was made.

    Raises:
        StorageError: The place cannot be read.
        DataError: A file in it is no part of a prediction log.
    """
    since = datetime.combine(first, time(), UTC) - _MAX_OFFSET
    until = datetime.combine(last, time(), UTC) + timedelta(days=1 + late_days) + _MAX_OFFSET
    wanted = [name for name in SCHEMA.names if name in {*columns, *_OWN_COLUMNS}]
    table = read_log(place, since, until, wanted)
    n_read = len(table)
    table = _with_names(table.filter(pc.invert(pc.fill_null(table["shadow"], False))))
    received, recorded = _microseconds(table["received_at"]), _microseconds(table["recorded_at"])
    is_right = (recorded <= received + _us(MAX_AHEAD)) & (recorded >= received - _us(MAX_LATE))
    days = _local_days(np.where(is_right, recorded, received), table, zone)
    is_wanted = (days >= _number(first)) & (days <= _number(last))
    wrong, example = _wrong_clocks(table.filter(pa.array(is_wanted & ~is_right)))
    chosen = is_wanted & is_right
    return LogRows(table.filter(pa.array(chosen)), days[chosen], n_read, wrong, example)


def local_today(now: datetime, zone: ZoneInfo | None) -> date:
    """The day of a moment at the sites.

    Args:
        now: With a time zone.
        zone: Zone of the sites; UTC without one.
    """
    return now.astimezone(zone or UTC).date()


def _with_names(table: pa.Table) -> pa.Table:
    """Every row has a site, a device and a time."""
    known_by_key = pc.coalesce(table["key_name"], pa.scalar(UNKNOWN))
    for name in ("site_id", "device_id"):
        filled = pc.coalesce(table[name], known_by_key)
        table = table.set_column(table.column_names.index(name), table.schema.field(name), filled)
    recorded = pc.coalesce(table["recorded_at"], table["received_at"])
    return table.set_column(table.column_names.index("recorded_at"), table.schema.field("recorded_at"), recorded)


def _local_days(moments_us: NDArray[np.int64], table: pa.Table, zone: ZoneInfo | None) -> NDArray[np.int64]:
    if zone is not None:
        hours, places = np.unique(moments_us // _HOUR_US, return_inverse=True)
        # Hour by hour: zones of half and quarter hours change at these as well, but never inside of the hour's day.
        offsets = np.array([_offset_us(int(hour), zone) for hour in hours], np.int64)[places]
    else:
        longitude = table["longitude"].to_numpy(zero_copy_only=False).astype(np.float64)
        offsets = np.rint(np.nan_to_num(longitude) / 15.0 * _HOUR_US).astype(np.int64)
    return np.asarray((moments_us + offsets) // _DAY_US, np.int64)


def _offset_us(hour: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(hour * 3600, UTC).astimezone(zone).utcoffset() or timedelta()
    return _us(offset)


def _wrong_clocks(table: pa.Table) -> tuple[Counter[tuple[str, str]], dict[tuple[str, str], str]]:
    sites, devices = table["site_id"].to_pylist(), table["device_id"].to_pylist()
    keys = list(zip(sites, devices, strict=True))
    times = pc.strftime(table["recorded_at"], "%Y-%m-%d %H:%M").to_pylist() if len(table) else []
    return Counter(keys), dict(zip(keys, times, strict=True))


def _microseconds(column: pa.ChunkedArray) -> NDArray[np.int64]:
    return np.asarray(column.cast(pa.int64()).to_numpy(zero_copy_only=False), np.int64)


def _us(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1)


def _number(day: date) -> int:
    return (day - date(1970, 1, 1)).days
