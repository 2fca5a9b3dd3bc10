"""Which columns Evidently's pages compare, and what becomes of them where Evidently is not installed."""

from __future__ import annotations

import importlib.util
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from monitoring.drift import evidently_pages
from monitoring.drift.evidently_pages import MAX_COLUMNS, comparable_columns, write_evidently
from monitoring.drift.job import DriftJob
from monitoring.drift.run import run_day
from silencio.drift import DriftPolicy
from silencio.errors import ConfigError
from tests.monitoring.drift.made_log import FIRST, days_from, quiet_days, write_log


def test_columns__are_numbers_and_texts_with_values_in_both() -> None:
    current = pa.table(
        {"level_db": [1.0, None], "text": ["a", "b"], "only_here": [1, 2], "empty": pa.nulls(2, pa.float32())}
    )
    reference = pa.table(
        {
            "text": ["a", "b"],
            "level_db": [1.0, 2.0],
            "empty": [1.0, 2.0],
            "only_there": [1, 2],
            "day": pa.array([0, 1], pa.date32()),
        }
    )
    assert comparable_columns(current, reference) == ["text", "level_db"]
    assert comparable_columns(current, reference.slice(0, 0)) == []


def test_columns__are_no_more_than_a_page_holds() -> None:
    table = pa.table({f"c{number}": [1.0] for number in range(40)})
    assert comparable_columns(table, table) == [f"c{number}" for number in range(MAX_COLUMNS)]


@pytest.mark.skipif(importlib.util.find_spec("evidently") is not None, reason="it is installed")
def test_pages__without_evidently_are_a_note_and_no_failure(tmp_path: Path) -> None:
    days, notes = days_from(FIRST, 9), []
    write_log(str(tmp_path / "log"), *quiet_days(9))
    job = DriftJob(log=str(tmp_path / "log"), place=str(tmp_path / "out"), policy=DriftPolicy.shipped())
    run_day(job, days[8], datetime(2026, 6, 1, tzinfo=UTC), catch_up=0, on_note=notes.append)
    assert notes == ["Evidently's pages are not made: it is not installed (extra monitor)"]
    table = pa.table({"level_db": [1.0]})
    with pytest.raises(ConfigError, match="need the package evidently: .*monitor"):
        write_evidently(str(tmp_path), "north", table, table)


def test_methods__are_named_and_no_p_values() -> None:
    assert (evidently_pages.NUMERIC_METHOD, evidently_pages.CATEGORICAL_METHOD) == ("wasserstein", "jensenshannon")
    assert evidently_pages.THRESHOLD == 0.1
