from __future__ import annotations

from pathlib import Path

import pytest
from mlflow import MlflowClient

from silencio.registry.connection import connect
from silencio.registry.runs import open_run
from silencio.registry.settings import RUN_KEY
from tests.unit.registry.places import fresh_database, write_bundle


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    """Runs are kept in a file of this test alone; a client that looks into it."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", fresh_database(tmp_path / "tracking"))
    monkeypatch.delenv("SILENCIO_EXPERIMENT", raising=False)
    monkeypatch.delenv(RUN_KEY, raising=False)
    return connect()


@pytest.fixture
def run_id(client: MlflowClient, monkeypatch: pytest.MonkeyPatch) -> str:
    """An open run, in one of whose steps this process is."""
    monkeypatch.setenv(RUN_KEY, "a-run")
    return open_run("train", "abc", "local", "")


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For reading."""
    return write_bundle(tmp_path_factory.mktemp("bundle"))
