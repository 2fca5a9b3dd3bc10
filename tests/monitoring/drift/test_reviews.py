"""Judgements out of files, held against the log's detections."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitoring.drift.reviews import detections_of, read_judgements, site_reviews
from silencio.errors import SchemaError, StorageError
from silencio.feedback import Judgement, table_of
from silencio.prediction_log import SCHEMA
from silencio.storage import join, write_bytes


def judgement(number: int, window: str, verdict: str, code: str = "houspa") -> Judgement:
    return Judgement(
        id=f"j{number}",
        detection_or_window_id=window,
        request_id=window.partition("-")[0],
        window_index=int(window.rpartition(":")[2]),
        species_code=code,
        verdict=verdict,  # type: ignore[arg-type]
        reviewer_key="ana",
        role="reviewer",
        created_at=datetime(2026, 5, 8, tzinfo=UTC),
    )


def rows(*windows: dict[str, Any]) -> pa.Table:
    given = {
        "request_id": "r1",
        "received_at": datetime(2026, 5, 8, tzinfo=UTC),
        "bundle_name": "silencio",
        "bundle_version": "12",
        "spec_sha256": "spec",
        "prediction_id": "r1-0",
        "site_id": "north",
        "status": "ok",
    }
    return pa.Table.from_pylist([given | one for one in windows], schema=SCHEMA)


NAMED = {"detected_codes": ["houspa"], "top_codes": ["houspa", "grekis"], "top_probabilities": [0.9, 0.3]}
BOTH = {"detected_codes": ["houspa", "grekis"], "top_codes": ["grekis"], "top_probabilities": [0.7]}


def test_detections__windows_are_counted_by_their_start() -> None:
    # As a log may have them: out of order, another recording between.
    table = rows(
        {"start_s": 5.0, **NAMED},
        {"prediction_id": "r1-1", "start_s": 0.0, **NAMED},
        {"start_s": 0.0, **BOTH},
        {"prediction_id": None, "start_s": 0.0, **NAMED},
    )
    detections, detected = detections_of(table)
    assert detected == {"r1-0:0": ["houspa", "grekis"], "r1-0:1": ["houspa"], "r1-1:0": ["houspa"]}
    # houspa is not among the most probable of the first window: it has no probability there.
    assert {(one.window_id, one.code, round(one.probability, 3)) for one in detections} == {
        ("r1-0:0", "grekis", 0.7),
        ("r1-0:1", "houspa", 0.9),
        ("r1-1:0", "houspa", 0.9),
    }


def test_reviews__are_those_of_the_site_and_of_what_visitors_saw() -> None:
    table = rows(
        {"start_s": 0.0, **NAMED},
        {"start_s": 5.0, **NAMED},
        {"prediction_id": "r2-0", "start_s": 0.0, "site_id": "south", **NAMED},
        {"prediction_id": "r3-0", "start_s": 0.0, "shadow": True, **NAMED},
        {"prediction_id": "r4-0", "start_s": 0.0, "site_id": None, "key_name": "north", **NAMED},
    )
    judgements = [
        judgement(1, "r1-0:0", "present"),
        judgement(2, "r1-0:1", "absent"),
        judgement(3, "r2-0:0", "present"),
        judgement(4, "r3-0:0", "present"),
        judgement(5, "r4-0:0", "present"),
    ]
    (((day, device), found),) = site_reviews(judgements, table, "north").items()
    assert device == "unknown"
    # Two windows of one recording are one detection, and half of them right is right.
    assert (day, found.n_right, found.n_wrong) == (date(2026, 5, 8), 2, 0)
    assert found.expected_precision == pytest.approx(0.9)
    assert [one.n for one in site_reviews(judgements, table, "south").values()] == [1]


def test_reviews__are_of_the_day_by_the_sun_at_the_site_on_which_the_recording_was_made() -> None:
    """Whenever it was received: at 75 degrees west, seven in the evening is UTC's next day."""
    evening = {"recorded_at": datetime(2026, 5, 2, 0, 30, tzinfo=UTC), "longitude": -75.0}
    table = rows(
        {"start_s": 0.0, **evening, **NAMED},
        {"start_s": 5.0, **evening, **NAMED},
        {
            "prediction_id": "r2-0",
            "start_s": 0.0,
            "recorded_at": datetime(2026, 5, 3, 17, tzinfo=UTC),
            "device_id": "am-2",
            **NAMED,
        },
        {"prediction_id": "r3-0", "start_s": 0.0, **NAMED},
    )
    judgements = [judgement(1, "r1-0:1", "absent"), judgement(2, "r2-0:0", "present"), judgement(3, "r3-0:0", "unsure")]
    found = site_reviews(judgements, table, "north")
    assert {place: (one.n_right, one.n_wrong) for place, one in found.items()} == {
        (date(2026, 5, 1), "unknown"): (0, 1),
        (date(2026, 5, 3), "am-2"): (1, 0),
    }


def test_files__of_both_kinds_and_a_folder_of_them(place: str) -> None:
    one, two = judgement(1, "r1-0:0", "present"), judgement(2, "r1-0:1", "absent")
    sink = io.BytesIO()
    pq.write_table(table_of([one]), sink)
    write_bytes(join(place, "a.parquet"), sink.getvalue())
    write_bytes(join(place, "b.jsonl"), two.model_dump_json().encode() + b"\n\n")
    write_bytes(join(place, "README.md"), b"no judgements")
    assert read_judgements(join(place, "a.parquet")) == [one]
    assert read_judgements(join(place, "b.jsonl")) == [two]
    assert read_judgements(place) == [one, two]


def test_files__that_are_none(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="is missing"):
        read_judgements(str(tmp_path / "a.jsonl"))
    # Nobody has reviewed anything yet: that is no fault.
    assert read_judgements(str(tmp_path)) == []
    (tmp_path / "b.jsonl").write_bytes(b"\xff\n")
    with pytest.raises(SchemaError, match=r"b\.jsonl: line 1: the row: Invalid JSON"):
        read_judgements(str(tmp_path / "b.jsonl"))
