"""A prediction log's rows, made up: each test names what matters to it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa

from silencio.ecology import Observations, Places, Review, ReviewKey, observations_of, recordings_of
from silencio.prediction_log import SCHEMA

AT = datetime(2026, 5, 8, 12, 0, tzinfo=UTC)
PLACES = Places(zone="America/Bogota")
WINDOW_S = 5.0
_NUMBERS = itertools.count()


def recording(
    *windows: Sequence[str], at: datetime = AT, duration_s: float | None = None, probability: float = 0.9, **facts: Any
) -> list[dict[str, Any]]:
    """The rows of one recording.

    Args:
        windows: Detected codes of each.
        at: When it was recorded; it comes two minutes later.
        duration_s: Its length; the windows' where it is None.
        probability: That of every detected species.
        facts: Columns with other values.
    """
    number = next(_NUMBERS)
    length_s = WINDOW_S * len(windows) if duration_s is None else duration_s
    common = {
        "request_id": f"r{number}",
        "recording": 0,
        "received_at": at + timedelta(minutes=2),
        "recorded_at": at,
        "site_id": "mirador",
        "waveform_sha256": f"sound {number}",
        "n_samples": round(length_s * 32_000),
        "sample_rate_hz": 32_000,
        "status": "ok",
        "bundle_name": "b",
        "bundle_version": "1",
        "spec_sha256": "s",
    } | facts
    common.setdefault("prediction_id", f"{common['request_id']}-{common['recording']}")
    return [
        common
        | {
            "start_s": WINDOW_S * i,
            "end_s": WINDOW_S * (i + 1),
            "top_codes": list(codes),
            "top_probabilities": [probability] * len(codes),
            "detected_codes": list(codes),
        }
        for i, codes in enumerate(windows)
    ]


def failed(at: datetime = AT, **facts: Any) -> list[dict[str, Any]]:
    """The one row of a request that was not answered."""
    return [
        {
            "request_id": f"r{next(_NUMBERS)}",
            "received_at": at,
            "status": "503",
            "site_id": "mirador",
            "bundle_name": "b",
            "bundle_version": "1",
            "spec_sha256": "s",
        }
        | facts
    ]


def table(*rows: Iterable[dict[str, Any]]) -> pa.Table:
    made = [dict.fromkeys(SCHEMA.names) | row for row in itertools.chain(*rows)]
    return pa.Table.from_pylist(made, schema=SCHEMA)


def observed(
    *rows: Iterable[dict[str, Any]],
    reviews: dict[ReviewKey, Review] | None = None,
    places: Places = PLACES,
    since: date = date(2026, 5, 1),
    until: date = date(2026, 6, 1),
) -> Observations:
    """What is counted of them in May 2026."""
    return observations_of(recordings_of(table(*rows), places, since, until), reviews)
