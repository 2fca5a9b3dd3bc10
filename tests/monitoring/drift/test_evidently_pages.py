"""Evidently's pages of a site, made by Evidently."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from monitoring.drift.evidently_pages import MAX_COLUMNS, write_evidently
from monitoring.drift.job import DriftJob
from monitoring.drift.run import run_day
from silencio.drift import DriftPolicy
from tests.monitoring.drift.made_log import FIRST, days_from, quiet_days, write_log

pytestmark = pytest.mark.monitoring


def made(n: int, shift_db: float = 0.0) -> pa.Table:
    rng = np.random.default_rng(n)
    return pa.table(
        {
            "level_db": rng.normal(-40 + shift_db, 3, n),
            "still": np.zeros(n),
            "device_id": [f"am-{number % 3}" for number in range(n)],
            "gaps": pa.array([1.0, None] * (n // 2)),
        }
    )


# Evidently would choose another test for the larger reference: KS with its p-value up to 1,000 rows.
@pytest.mark.parametrize("n_reference", [900, 1100])
def test_report__names_its_methods_whatever_the_size_of_the_reference(tmp_path: Path, n_reference: int) -> None:
    names = write_evidently(str(tmp_path), "north", made(300, 6.0), made(n_reference))
    assert names == ("evidently-north.html", "evidently-north.json")
    text = (tmp_path / names[1]).read_text()
    values = {one["metric_name"]: one["value"] for one in json.loads(text)["metrics"]}
    methods = {re.sub(r"column=\w+,", "", name) for name in values if name.startswith("ValueDrift")}
    assert methods == {
        "ValueDrift(method=wasserstein,threshold=0.1)",
        "ValueDrift(method=jensenshannon,threshold=0.1)",
    }
    (level,) = (value for name, value in values.items() if "column=level_db" in name)
    assert level == pytest.approx(2.0, abs=0.2)
    (share,) = (value for name, value in values.items() if name.startswith("DriftedColumnsCount"))
    assert share["count"] == 1


def test_page__fetches_nothing(tmp_path: Path) -> None:
    page, _ = write_evidently(str(tmp_path), "north", made(100), made(100))
    html = (tmp_path / page).read_text()
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=[\"']?https?:", html)


def test_run__has_a_page_a_site_of_recordings(tmp_path: Path) -> None:
    days = days_from(FIRST, 9)
    write_log(str(tmp_path / "log"), *quiet_days(9))
    job = DriftJob(log=str(tmp_path / "log"), place=str(tmp_path / "out"), policy=DriftPolicy.shipped())
    run_day(job, days[8], datetime(2026, 6, 1, tzinfo=UTC), catch_up=0)
    folder = tmp_path / "out" / f"date={days[8]}"
    facts = json.loads((folder / "evidently-north.json").read_text())
    columns = [one["metric_name"] for one in facts["metrics"] if one["metric_name"].startswith("ValueDrift")]
    assert 15 < len(columns) <= MAX_COLUMNS and any("column=level_db" in name for name in columns)
    assert 'href="evidently-north.html"' in (folder / "site=north.html").read_text()
