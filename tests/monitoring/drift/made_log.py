"""A prediction log that tests make: recorders of one site, one window a recording, one recording in twenty minutes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from silencio.prediction_log import SCHEMA
from silencio.storage import join, write_bytes

FIRST = date(2026, 5, 1)
DEVICES = ("am-1", "am-2", "am-3")
CODES = ("houspa", "grekis", "eurbla", "compau")
LATITUDE, LONGITUDE = 4.6, -74.1
_EVERY = timedelta(minutes=12)
_N = timedelta(days=1) // _EVERY


def day_rows(
    day: date,
    site: str | None = "north",
    devices: Sequence[str] = DEVICES,
    louder_db: dict[str, float] | None = None,
    version: str = "12",
    **columns: Any,
) -> pa.Table:
    """Rows of a local day.

    Args:
        day: The day.
        site: The site.
        devices: Recorders.
        louder_db: By recorder, how much louder it is than it was.
        version: Of the bundle.
        columns: Other columns, one value for all rows.
    """
    rng = np.random.default_rng([day.toordinal(), *map(ord, site or "")])
    rows = []
    begin = datetime.combine(day, time(), UTC) - timedelta(hours=LONGITUDE / 15)
    for device in devices:
        gain = (louder_db or {}).get(device, 0.0)
        for number in range(_N):
            level = -45.0 + gain + rng.normal(0, 1.5)
            name = f"{site}-{device}-{day}-{number}"
            is_named = bool(rng.random() < 0.6)
            code = CODES[int(rng.integers(len(CODES)))]
            recorded_at = begin + number * _EVERY
            rows.append(
                {
                    "request_id": name,
                    "prediction_id": f"{name}-0",
                    "site_id": site,
                    "device_id": device,
                    "received_at": recorded_at + timedelta(minutes=2),
                    "recorded_at": recorded_at,
                    "latitude": LATITUDE,
                    "longitude": LONGITUDE,
                    "recording": 0,
                    "recording_sha256": sha256(name.encode()).hexdigest(),
                    "n_samples": 160_000,
                    "sample_rate_hz": 32_000,
                    "source_format": "FLAC",
                    "status": "ok",
                    "bundle_name": "silencio",
                    "bundle_version": version,
                    "spec_sha256": "spec",
                    "shadow": False,
                    "start_s": 0.0,
                    "end_s": 5.0,
                    "top_codes": [code, *(one for one in CODES if one != code)],
                    "top_probabilities": [0.8 + 0.1 * rng.random(), 0.1, 0.05, 0.02],
                    "detected_codes": [code] if is_named else [],
                    "dropped_codes": [],
                    "rms_db": level,
                    "peak_db": level + 12,
                    "clipped_share": 0.0,
                    "silence_share": 0.0,
                    "snr_db": 15.0 + rng.normal(0, 1),
                    "rolloff_hz": 5000.0 * np.exp(rng.normal(0, 0.05)),
                    "flatness": 0.2 + 0.02 * rng.normal(),
                    "noise_floor_bands_db": (level - 15 - np.arange(8) + rng.normal(0, 0.5, 8)).tolist(),
                    "foreground_bands_db": (level + 5 - np.arange(8) + rng.normal(0, 0.5, 8)).tolist(),
                }
                | columns
            )
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def write_log(place: str, *tables: pa.Table) -> None:
    """Write rows as serving does: by the UTC day of the request."""
    rows = pa.concat_tables(tables)
    first = rows["request_id"][0].as_py()
    days = np.asarray(rows["received_at"].cast(pa.date32()).to_numpy())
    for day in np.unique(days):
        sink = io.BytesIO()
        pq.write_table(rows.filter(pa.array(days == day)), sink)
        write_bytes(join(place, f"date={day}", f"{first}-{len(rows)}.parquet"), sink.getvalue())


@cache
def quiet_days(n: int) -> tuple[pa.Table, ...]:
    """Rows of the first days, on which nothing is odd."""
    return tuple(map(day_rows, days_from(FIRST, n)))


def days_from(first: date, n: int) -> list[date]:
    """So many days."""
    return [first + timedelta(days=number) for number in range(n)]
