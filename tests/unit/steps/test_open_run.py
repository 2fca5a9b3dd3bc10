"""open_run: the MLflow run that all later steps write to."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.open_run import open_run
from silencio.errors import RegistryError
from silencio.network import free_ports
from silencio.registry.connection import connect
from silencio.steps.open_run import Inputs, run
from tests.unit.registry.places import fresh_database


def test_open_run__hands_on_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", fresh_database(tmp_path))
    run_id = open_run.python_func("train demo", "job-1")
    assert connect().get_run(run_id).data.tags["kfp_run"] == "job-1"


def test_open_run__nobody_there_is_known_before_any_work(monkeypatch: pytest.MonkeyPatch, pauses: list[float]) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_ports(1)[0]}")
    with pytest.raises(RegistryError, match="does not answer") as caught:
        run(Inputs("train", "job-1"))
    assert sum(pauses) < 10
    assert "\n" not in str(caught.value)
