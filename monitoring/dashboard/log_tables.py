"""What the prediction log holds of the last days, as tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd

from silencio.prediction_log import read_log

_COLUMNS = ("request_id", "site_id", "received_at", "detected_codes")


def read_recent(place: str, n_days: int, now: datetime | None = None) -> pd.DataFrame:
    """Rows of the last days, one a window: `request_id`, `site_id`, `received_at`, `detected_codes`.

    Args:
        place: A folder or an S3 prefix.
        n_days: How many days.
        now: The moment from which they are counted back.

    Raises:
        StorageError: The place cannot be read.
        DataError: A file in it is no part of a prediction log.
    """
    until = now or datetime.now(UTC)
    rows: pd.DataFrame = read_log(place, until - timedelta(days=n_days), until, _COLUMNS).to_pandas()
    return rows


def log_by_day(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a day (UTC): `day`, `n_recordings` (requests), `n_windows`."""
    days = rows.assign(day=rows["received_at"].dt.strftime("%Y-%m-%d"))
    return days.groupby("day", as_index=False).agg(
        n_recordings=("request_id", "nunique"), n_windows=("request_id", "size")
    )


def log_by_species(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a species and site: `code`, `site_id`, `n_windows` in which it was detected, the most frequent first."""
    detected = rows.assign(site_id=rows["site_id"].fillna("")).explode("detected_codes").dropna(subset="detected_codes")
    counted = detected.groupby(["detected_codes", "site_id"], as_index=False).agg(n_windows=("request_id", "size"))
    counted = counted.rename(columns={"detected_codes": "code"})
    return counted.sort_values(["n_windows", "code"], ascending=[False, True], ignore_index=True)
