"""The graph of the pipeline `drift`, as it is compiled, by kfp.local in the packages of the image `monitor`."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from pipelines.drift import drift_pipeline
from pipelines.local.identity import local_image, run_identity
from pipelines.local.run import FailedStepError, run_local
from silencio.drift.document import DriftDocument
from tests.monitoring.drift.made_log import FIRST, day_rows, days_from, write_log

pytestmark = pytest.mark.monitoring


def test_run__writes_the_day_and_says_what_it_showed(tmp_path: Path) -> None:
    assert importlib.util.find_spec("torch") is None, "of .venv-monitor, as of the image"
    days = days_from(FIRST, 12)
    louder = dict.fromkeys(("am-1", "am-2", "am-3"), 9.0)
    write_log(str(tmp_path / "log"), *map(day_rows, days[:9]), *(day_rows(day, louder_db=louder) for day in days[9:]))
    arguments = {"predictions": str(tmp_path / "log"), "reports": str(tmp_path / "reports"), "day": f"{days[11]}"}
    found = run_local(drift_pipeline(), arguments, run_identity(local_image()), tmp_path / "run", {})
    day = tmp_path / "reports" / "date=2026-05-12"
    (site,) = DriftDocument.model_validate_json((day / "drift.json").read_text(encoding="utf-8")).sites
    n_alerts = sum(cause.alert for cause in site.causes)
    assert site.outcome == "changed" and n_alerts >= 1
    assert found.outputs == {"day": "2026-05-12", "n_changed": 1, "n_alerts": n_alerts}
    assert list(day.glob("evidently-*.html"))


def test_run__of_a_day_without_recordings_ends_by_one_sentence(tmp_path: Path) -> None:
    write_log(str(tmp_path / "log"), day_rows(FIRST))
    arguments = {"predictions": str(tmp_path / "log"), "reports": str(tmp_path / "reports"), "day": "2026-07-01"}
    with pytest.raises(FailedStepError) as failed:
        run_local(drift_pipeline(), arguments, run_identity(local_image()), tmp_path / "run", {})
    assert "2026-07-01" in str(failed.value) and str(failed.value).count("\n") == 0
