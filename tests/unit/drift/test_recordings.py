"""Rows of the log become recordings: units, sites, devices, clocks, species."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.drift.log_rows import rows_of
from silencio.drift import field_reference, recordings_of, site_verdict, sites_of
from silencio.errors import DataError
from silencio.prediction_log.schema import SCHEMA
from tests.unit.drift.made_site import DAY, POLICY, reserve

PARTS = POLICY.day_parts


def replaced(rows: pa.Table, name: str, values: object) -> pa.Table:
    place = rows.column_names.index(name)
    return rows.set_column(place, SCHEMA.field(name), pa.array(values, SCHEMA.field(name).type))


def day_rows(n_windows: int = 2) -> pa.Table:
    return rows_of(reserve(2).recordings([0]), n_windows=n_windows)


def test_recordings_of__are_those_that_rows_were_made_of() -> None:
    made = reserve(2).recordings([0])
    found = recordings_of(day_rows(3), "made-up", PARTS)
    assert len(found) == len(made) == 288
    assert np.array_equal(found.part, made.part)
    assert np.array_equal(found.day, made.day)
    assert np.array_equal(found.device, made.device)
    assert np.nanmax(np.abs(found.values - made.values)) < 3.0
    assert np.nanmean(found.values, axis=0) == pytest.approx(np.nanmean(made.values, axis=0), abs=0.15)
    codes = np.array(found.detections.codes)[found.detections.species]
    expected = np.array(made.detections.codes)[made.detections.species]
    assert sorted(zip(found.detections.recording, codes, strict=True)) == sorted(
        zip(made.detections.recording, expected, strict=True)
    )
    assert found.detections.probability.sum() == pytest.approx(made.detections.probability.sum(), rel=1e-4)


def test_recordings_of__take_the_mean_over_windows_without_those_that_are_unknown() -> None:
    rows = day_rows().slice(0, 4)
    rows = replaced(rows, "rms_db", [-30.0, -34.0, None, -20.0])
    found = recordings_of(rows, "made-up", PARTS)
    assert found.values[:, 0] == pytest.approx([-32.0, -20.0])


def test_recordings_of__with_a_torn_row_have_the_probabilities_of_all_others() -> None:
    rows = day_rows(1)
    whole = recordings_of(rows, "made-up", PARTS).detections
    torn = rows["top_probabilities"].to_pylist()
    row = next(place for place, codes in enumerate(rows["detected_codes"].to_pylist()) if codes)
    torn[row] = torn[row][:-1]
    found = recordings_of(replaced(rows, "top_probabilities", torn), "made-up", PARTS).detections
    is_torn = found.recording == row
    assert is_torn.any() and np.isnan(found.probability[is_torn]).all()
    assert np.array_equal(found.probability[~is_torn], whole.probability[~is_torn], equal_nan=True)


def test_recordings_of__without_statistics_of_sound_have_none() -> None:
    rows = replaced(day_rows(), "noise_floor_bands_db", [None] * 576)
    found = recordings_of(rows.drop_columns(["rolloff_hz"]), "made-up", PARTS)
    table = found.table()
    assert np.isnan(table["floor_db"].to_numpy()).all()
    assert np.isnan(table["rolloff_ratio"].to_numpy()).all()
    assert np.isfinite(table["level_db"].to_numpy()).all()


def test_sites_of__are_the_key_where_no_site_is_named() -> None:
    rows = day_rows().slice(0, 3)
    rows = replaced(replaced(rows, "site_id", ["a", None, None]), "key_name", ["k", "k", None])
    assert sites_of(rows) == ("a", "k", "unknown")
    assert len(recordings_of(rows, "k", PARTS)) == 1


def test_recordings_of__leave_out_shadows_and_count_what_could_not_be_read() -> None:
    rows = day_rows(1)
    rows = replaced(rows, "shadow", [True] * 10 + [False] * 278)
    rows = replaced(rows, "status", ["ok"] * 280 + ["400"] * 4 + ["503"] * 4)
    found = recordings_of(rows, "made-up", PARTS)
    assert len(found) == 270
    assert [found.devices[place] for place in found.failed_device] == ["device02"] * 4


def test_recordings_of__mark_clocks_that_cannot_be_right() -> None:
    rows = day_rows(1).slice(0, 4)
    received = rows["received_at"].to_pylist()
    wrong = [received[0] + timedelta(days=3), received[1].replace(year=1970), None, received[3] - timedelta(days=90)]
    found = recordings_of(replaced(rows, "recorded_at", wrong), "made-up", PARTS)
    assert found.clock_fault.tolist() == [True, True, False, False]
    # A card that is sent in later is right; without a time it is when it came.
    assert found.day[3] == found.day[2] - 90


def test_recordings_of__a_table_without_a_needed_column_is_refused() -> None:
    with pytest.raises(DataError, match="rows have no column 'bundle_version', which drift needs"):
        recordings_of(day_rows().drop_columns(["bundle_version"]), "made-up", PARTS)


def test_site_verdict__of_an_empty_log_is_not_enough() -> None:
    day = reserve().first
    known = {"site_id": "made-up", "policy": POLICY}
    assert field_reference(SCHEMA.empty_table(), **known) is None  # type: ignore[arg-type]
    verdict = site_verdict(SCHEMA.empty_table(), day=day, reference=None, **known)  # type: ignore[arg-type]
    assert (verdict.outcome, verdict.n_recordings) == ("not_enough", 0)
    assert sites_of(SCHEMA.empty_table()) == ()


def test_site_verdict__looks_at_its_own_day_and_site() -> None:
    made = reserve(3)
    rows = rows_of(made.recordings(range(DAY + 2)), n_windows=1)
    frozen = field_reference(rows.filter(pa.array(_days(rows) < DAY)), site_id="made-up", policy=POLICY)
    assert frozen is not None
    day = made.first + timedelta(days=DAY)
    verdict = site_verdict(rows, site_id="made-up", day=day, reference=frozen, policy=POLICY)
    assert (verdict.n_recordings, verdict.outcome) == (3 * 144, "no_change")
    elsewhere = site_verdict(rows, site_id="other", day=day, reference=frozen, policy=POLICY)
    assert (elsewhere.outcome, elsewhere.n_recordings) == ("not_enough", 0)


def _days(rows: pa.Table) -> np.ndarray:
    found = recordings_of(rows, "made-up", PARTS)
    return found.day - found.day.min()
