"""The step that a component calls."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitoring.drift.given import yesterday
from monitoring.drift.outcomes import NoDataError
from monitoring.steps.drift import Inputs, Outputs, run
from silencio.errors import ConfigError
from tests.monitoring.drift.made_log import FIRST, day_rows, days_from, quiet_days, write_log


def test_step__hands_on_what_the_day_showed(tmp_path: Path) -> None:
    days = days_from(FIRST, 12)
    louder = dict.fromkeys(("am-1", "am-2", "am-3"), 9.0)
    write_log(str(tmp_path / "log"), *quiet_days(9), *(day_rows(day, louder_db=louder) for day in days[9:]))
    inputs = Inputs(predictions=str(tmp_path / "log"), reports=str(tmp_path / "out"), day=f"{days[11]}")
    found = run(inputs, Outputs(page=tmp_path / "page" / "index.html"))
    assert (found.day, found.n_changed) == ("2026-05-12", 1) and found.n_alerts >= 1
    assert "Tuesday, 2026-05-12" in (tmp_path / "page" / "index.html").read_text()


def test_step__of_a_day_without_recordings_fails(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    with pytest.raises(NoDataError):
        run(Inputs(str(tmp_path / "log"), str(tmp_path / "out"), "2026-05-12"), Outputs(tmp_path / "page.html"))


@pytest.mark.parametrize(
    ("zone", "day"), [("", "2026-05-08"), ("America/Bogota", "2026-05-07"), ("Pacific/Kiritimati", "2026-05-08")]
)
def test_yesterday__is_that_of_the_sites(zone: str, day: str) -> None:
    assert f"{yesterday(datetime(2026, 5, 9, 3, tzinfo=UTC), zone)}" == day
    with pytest.raises(ConfigError, match="no time zone"):
        yesterday(datetime(2026, 5, 9, tzinfo=UTC) + timedelta(hours=3), "../etc/passwd")
