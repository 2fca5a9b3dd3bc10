"""Rows of the prediction log by the day on which they were recorded, by the sun at the site."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from silencio.audio import WINDOW_STATISTICS
from silencio.drift.recordings import Recordings
from silencio.drift.sun import local_days
from silencio.prediction_log import LogReader
from silencio.prediction_log.schema import SCHEMA

# No place of the world is further from UTC.
_MAX_OFFSET = timedelta(hours=14)
_EPOCH = date(1970, 1, 1)
# What drift, its windows and its reviews need; probabilities of all classes are most of a log's bytes and not among it.
COLUMNS = tuple(
    name
    for name in SCHEMA.names
    if name
    in {
        *("request_id", "prediction_id", "recording", "recording_sha256", "site_id", "device_id", "key_name"),
        *("received_at", "recorded_at", "latitude", "longitude", "status", "shadow", "spec_sha256"),
        *("bundle_name", "bundle_version", "bundle_sha256", "n_samples", "sample_rate_hz", "source_format"),
        *("start_s", "end_s", "top_codes", "top_probabilities", "detected_codes"),
        *WINDOW_STATISTICS,
    }
)


def read_days(log: LogReader, first: date, last: date, late_days: int) -> pa.Table:
    """Rows that hold every recording of the days from `first` to `last`, and some of the days around them.

    Args:
        log: Reads `COLUMNS`.
        first: First day.
        last: Last day.
        late_days: Days that a recording may come later than it was made.

    Returns:
        `COLUMNS` of the log, by the time of the request.

    Raises:
        StorageError: The place cannot be read.
        DataError: A file in it is no part of a prediction log.
    """
    since = datetime.combine(first, time(), UTC) - _MAX_OFFSET
    until = datetime.combine(last, time(), UTC) + timedelta(days=1 + late_days) + _MAX_OFFSET
    return log.rows(since, until)


def recorded_on(rows: pa.Table, first: date, last: date) -> pa.Table:
    """Rows that were recorded on some days, by the sun at the site; where a row has no time, on that of its request.

    Args:
        rows: Rows of the log.
        first: First day.
        last: Last day.
    """
    days = recorded_days(rows)
    return rows.filter(pa.array((days >= day_number(first)) & (days <= day_number(last))))


def recorded_days(rows: pa.Table) -> NDArray[np.int64]:
    """The day of each row by the sun at its site, as days since 1970; without a time, that of its request."""
    moments = pc.coalesce(rows["recorded_at"], rows["received_at"])
    longitude = pc.fill_null(rows["longitude"], np.nan).to_numpy()
    return local_days(moments.cast(pa.int64()).to_numpy() / 1e6, longitude)


def recording_table(recordings: Recordings) -> pa.Table:
    """One row a recording, those with a wrong clock left out.

    Args:
        recordings: One site's.
    """
    return recordings.of(~recordings.clock_fault).table()


def clock_notes(recordings: Recordings) -> list[str]:
    """One sentence a device whose clock cannot be right.

    Args:
        recordings: One site's day; one with a wrong clock counts on the day on which it was received.
    """
    wrong = np.bincount(recordings.device[recordings.clock_fault], minlength=len(recordings.devices))
    return [
        f"The clock of {device} is wrong: {n:,} of its recordings claim to be of before 2005 or of the future; they "
        "are compared with nothing."
        for device, n in zip(recordings.devices, wrong.tolist(), strict=True)
        if n
    ]


def day_number(day: date) -> int:
    """Days since 1970, as `silencio.drift` counts them."""
    return (day - _EPOCH).days
