"""A row a window: what stands in it, and what becomes of values that do not fit."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from silencio.audio import AUDIO_STATISTICS, BAND_STATISTICS, N_BANDS, WINDOW_STATISTICS, audio_statistics
from silencio.prediction_log import SCHEMA, RecordingFacts, WindowRecord, prediction_id, window_records
from silencio.prediction_log.rows import as_table, entropy_bits

AT = datetime(2026, 5, 17, 6, 30, tzinfo=UTC)
CODES = ["a", "b", "c"]
PROBABILITIES = np.array([[0.1, 0.9, 0.5], [0.2, 0.2, 0.2]], np.float32)
DETECTED = np.array([[False, True, False], [False, False, False]])
DROPPED = np.array([[False, False, True], [False, False, False]])


def _facts(**changes: Any) -> RecordingFacts:
    known: dict[str, Any] = {"request_id": "r", "received_at": AT, "bundle_name": "b", "bundle_version": "1"}
    return RecordingFacts(**(known | {"spec_sha256": "s"} | changes))


def _records(facts: RecordingFacts, n_top: int = 2) -> list[WindowRecord]:
    statistics = audio_statistics(np.full((2, 160_000), 3_277, np.int16), 32_000)
    return window_records(facts, [0.0, 5.0], 5.0, CODES, PROBABILITIES, DETECTED, DROPPED, statistics, n_top=n_top)


def _rows(records: list[WindowRecord]) -> list[dict[str, Any]]:
    return list(as_table(records).to_pylist())


def test_schema__has_a_column_for_every_fact_and_every_statistic() -> None:
    columns = set(SCHEMA.names)
    assert {one.name for one in fields(RecordingFacts)} <= columns
    assert {one.name for one in fields(WindowRecord)} - columns == {"facts", "audio"}
    assert set(WINDOW_STATISTICS) <= columns


def test_schema__has_the_columns_of_which_logs_from_before_know_nothing() -> None:
    later = {
        *("site_id", "device_id", "arm", "release_id", "shadow", "status", "dropped_codes"),
        *("noise_floor_bands_db", "foreground_bands_db", "rolloff_hz", "flatness"),
    }
    assert later <= set(SCHEMA.names)
    assert all(SCHEMA.field(name).nullable for name in later)


def test_row__a_window_with_what_was_answered() -> None:
    first, second = _rows(_records(_facts()))
    assert (first["start_s"], first["end_s"], second["start_s"], second["end_s"]) == (0.0, 5.0, 5.0, 10.0)
    assert (first["top_codes"], first["detected_codes"], first["dropped_codes"]) == (["b", "c"], ["b"], ["c"])
    assert first["top_probabilities"] == pytest.approx([0.9, 0.5])
    assert (second["top_codes"], second["detected_codes"], second["dropped_codes"]) == (["a", "b"], [], [])
    assert first["rms_db"] == pytest.approx(-20.0, abs=0.01)
    assert all(first[name] is not None for name in AUDIO_STATISTICS)
    assert first["status"] == "ok"


def test_row__what_is_known_of_the_recording() -> None:
    kathmandu = timezone(timedelta(hours=5, minutes=45))
    known: dict[str, Any] = {
        "request_id": "walk-17",
        "prediction_id": "walk-17-1",
        "session_id": "walk",
        "key_name": "ranger",
        "recording": 1,
        "recording_sha256": "bytes",
        "waveform_sha256": "sound",
        "bundle_sha256": "manifest",
        "n_samples": 480_000,
        "sample_rate_hz": 48_000,
        "source_format": "OGG",
    }
    stages = {"decode_s": 0.01, "features_s": 0.02, "predictor_s": 0.03, "names_s": 0.04}
    row = _rows(_records(_facts(recorded_at=datetime(2026, 5, 17, 12, tzinfo=kathmandu), **known, **stages)))[0]
    assert row["recorded_at"] == datetime(2026, 5, 17, 6, 15, tzinfo=UTC)
    assert {name: row[name] for name in known} == known
    assert {name: row[name] for name in stages} == pytest.approx(stages)


def test_row__what_nobody_measures_yet_is_null() -> None:
    unknown = ("site_id", "device_id", "arm", "release_id", "shadow")
    unmeasured = ("noise_floor_bands_db", "foreground_bands_db", "rolloff_hz", "flatness")
    row = _rows(_records(_facts()))[0]
    assert [row[name] for name in (*unknown, *unmeasured)] == [None] * 9


def test_bands__are_lists_to_a_sixteenth_of_a_decibel_and_null_where_they_are_not_known() -> None:
    levels_db = np.linspace(-90.0, 3.0, 2 * N_BANDS).reshape(2, N_BANDS)
    statistics = dict.fromkeys(BAND_STATISTICS, levels_db)
    measured = window_records(_facts(), [0.0, 5.0], 5.0, CODES, PROBABILITIES, DETECTED, DROPPED, statistics)
    failed = WindowRecord(facts=_facts(status="503", recording=None))
    first, none, second = _rows([measured[0], failed, measured[1]])
    for name in BAND_STATISTICS:
        assert none[name] is None
        for row, expected in ((first, levels_db[0]), (second, levels_db[1])):
            np.testing.assert_allclose(row[name], expected, atol=1 / 32)
            assert all((16 * value).is_integer() for value in row[name])


def test_bands__of_another_type_are_refused() -> None:
    record = _records(_facts())[0]
    record.audio = {"noise_floor_bands_db": np.zeros(N_BANDS)}
    with pytest.raises(TypeError, match=r"noise_floor_bands_db are float64 \(8,\)"):
        as_table([record])


def test_probabilities__of_every_class_in_half_precision() -> None:
    column = as_table(_records(_facts()))["probabilities"]
    assert column.type == pa.list_(pa.float16())
    np.testing.assert_array_equal(column.to_pylist(), PROBABILITIES.astype(np.float16))


def test_probabilities__of_rows_that_have_none_and_of_bundles_with_other_classes_in_one_file() -> None:
    records = [*_records(_facts()), *_records(_facts())]
    records[1].probabilities = None
    records[2].probabilities = np.array([0.25], np.float16)
    assert [row["probabilities"] and len(row["probabilities"]) for row in _rows(records)] == [3, None, 1, 3]
    records[0].probabilities = records[2].probabilities = records[3].probabilities = None
    assert as_table(records)["probabilities"].null_count == 4


@pytest.mark.parametrize("wrong", [np.array([0.5], np.float32), np.array([[0.5]], np.float16)])
def test_probabilities__of_another_type_are_refused(wrong: Any) -> None:
    records = _records(_facts())
    records[0].probabilities = wrong
    with pytest.raises(TypeError, match="probabilities are"):
        as_table(records)


@pytest.mark.parametrize(
    ("probabilities", "bits"),
    [([0.0, 1.0, 0.0], 0.0), ([0.5, 0.0, 1.0], 1.0), ([0.5, 0.5, 0.5], 3.0), ([0.25, 0.0, 0.0], 0.811278)],
)
def test_entropy__is_the_bits_that_are_open_of_which_species_are_there(probabilities: list[float], bits: float) -> None:
    assert entropy_bits(np.array([probabilities], np.float32)) == pytest.approx([bits], abs=1e-5)


def test_entropy__stands_in_the_row() -> None:
    rows = _rows(_records(_facts()))
    assert [row["entropy"] for row in rows] == pytest.approx(entropy_bits(PROBABILITIES).tolist())


def test_prediction_id__tells_the_recordings_of_one_request_apart() -> None:
    assert [prediction_id("abc", i) for i in range(2)] == ["abc-0", "abc-1"]


def test_table__a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        as_table(_records(_facts(recorded_at=datetime(2026, 5, 17))))
