"""record: the bundle that is not released is kept, and is no version."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow import MlflowClient

from silencio.errors import RegistryError
from silencio.registry.connection import connect
from silencio.registry.models import versions
from silencio.registry.runs import open_run
from silencio.steps import record, register
from tests.unit.registry.places import CONFIG, fresh_database, register_inputs, write_bundle

FILES = ("bundle", "verdict", "evaluation", "report", "page", "table")


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", fresh_database(tmp_path / "tracking"))
    return connect()


def test_record__keeps_the_other_bundle_beside_the_registered_one(client: MlflowClient, tmp_path: Path) -> None:
    inputs = register_inputs(tmp_path / "inputs", write_bundle(tmp_path / "bundle"), passed=True)
    for name in ("page", "table"):
        (tmp_path / name).write_text(f"the {name}")
    pages = {name: tmp_path / name for name in ("page", "table")}
    run_id = open_run("train", "abc123", "local", "job-1")
    for _ in range(2):  # a step may be started again
        record.run(record.Inputs(run_id, "ensemble", **inputs, **pages))
    assert versions() == []
    register.run(register.Inputs(run_id, CONFIG, **inputs), register.Outputs(tmp_path / "registration"))
    (version,) = versions()
    assert version.aliases == ("challenger",)
    metrics = client.get_run(run_id).data.metrics
    assert metrics["ensemble/test/macro_map"] == metrics["test/macro_map"] == 0.81
    kept = {entry.path for entry in client.list_artifacts(run_id, "ensemble")}
    assert kept == {f"ensemble/{name}" for name in ("bundle", "verdict.json", "evaluation.json", "report.html")}
    assert {"bundles.html", "bundles.json"} <= {entry.path for entry in client.list_artifacts(run_id)}


def test_record__without_a_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="given no run"):
        record.run(record.Inputs("", "ensemble", **dict.fromkeys(FILES, tmp_path)))
