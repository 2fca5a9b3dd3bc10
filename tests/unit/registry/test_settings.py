"""Where runs are kept."""

from __future__ import annotations

import os
from pathlib import Path

import mlflow
import pytest

from silencio.errors import ConfigError
from silencio.interpreter import script
from silencio.registry.settings import Tracking, shown


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("SILENCIO_EXPERIMENT", raising=False)
    folder = tmp_path / "a folder"
    folder.mkdir()
    monkeypatch.chdir(folder)


def test_uri__by_default_is_mlflows_own(tmp_path: Path) -> None:
    assert Tracking().uri == mlflow.get_tracking_uri()
    assert Tracking().database == tmp_path / "a folder" / "mlflow.db"


def test_uri__that_is_set_to_nothing_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Tracking().uri
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    assert Tracking().uri == before


def test_uri__in_a_pod_must_be_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KFP_POD_NAME", "train-x2")
    with pytest.raises(ConfigError, match="MLFLOW_TRACKING_URI is not set"):
        Tracking()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////volume/mlflow.db")
    assert Tracking().database == Path("/volume/mlflow.db")


def test_uri__of_a_relative_file_is_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///runs/x.db")
    assert Tracking().database == tmp_path / "a folder" / "runs" / "x.db"
    absolute = Tracking().uri
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", absolute)
    assert Tracking().uri == absolute


def test_uri__of_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.reserve.org/tracking/")
    assert (Tracking().uri, Tracking().database) == ("https://mlflow.reserve.org/tracking", None)


@pytest.mark.parametrize("uri", ["./mlruns", "file:///mlruns", "postgresql://me:geheim@db/runs", "sqlite:///", "http:"])
def test_uri__that_cannot_be_used_is_refused_without_its_password(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(ConfigError, match="MLFLOW_TRACKING_URI=.*address of an MLflow server") as caught:
        Tracking()
    assert f"({script('mlflow')} server --backend-store-uri" in str(caught.value)
    assert "geheim" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_shown__hides_the_password_and_nothing_else() -> None:
    assert shown("https://me:s3cret@host:5000/x") == "https://me:***@host:5000/x"
    assert shown("http://host:5000") == "http://host:5000"
    assert shown("sqlite:////home/a@b/mlflow.db") == "sqlite:////home/a@b/mlflow.db"


def test_experiment__by_default_is_silencio(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Tracking().experiment == "silencio"
    monkeypatch.setenv("SILENCIO_EXPERIMENT", "reserve")
    assert Tracking().experiment == "reserve"


def test_mlflow__sends_no_usage_data() -> None:
    from mlflow.telemetry.utils import is_telemetry_disabled

    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert is_telemetry_disabled()
