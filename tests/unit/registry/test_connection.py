"""Nobody there, or a file that is none: one sentence, soon."""

from __future__ import annotations

import os
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient

from silencio.errors import RegistryError
from silencio.network import free_ports
from silencio.registry.connection import connect, registry_errors
from silencio.registry.settings import Tracking
from tests.unit.registry.places import fresh_database


@pytest.fixture(autouse=True)
def patience(pauses: list[float]) -> Iterator[None]:
    """By itself MLflow's client pauses again and again for minutes."""
    yield
    assert sum(pauses) < 10


def _refusal(uri: str) -> str:
    with pytest.raises(RegistryError) as caught:
        connect(Tracking(uri=uri))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def short_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who never answers is given up at once."""
    monkeypatch.setattr("silencio.registry.connection._PROBE_S", 0.1)


def test_server__that_is_not_there() -> None:
    uri = f"http://127.0.0.1:{free_ports(1)[0]}"
    assert _refusal(uri) == (
        f"the MLflow server {uri} does not answer (Connection refused): start it, correct MLFLOW_TRACKING_URI, "
        "or unset it to keep runs in ./mlflow.db"
    )


def test_server__on_this_machine_is_asked_without_a_proxy(short_probe: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says who refused: a proxy that is not there would be another port's refusal, and be named."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("no_proxy", "example.org")
        assert "does not answer (no answer within 0.1 s)" in _refusal(f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert os.environ["no_proxy"] == "example.org,127.0.0.1"


def test_server__behind_a_proxy_that_is_not_there_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://me:geheim@127.0.0.1:9")
    message = _refusal("http://192.0.2.1:5000")
    assert "through the proxy that the environment names, HTTP_PROXY=http://127.0.0.1:9 (Connection refused)" in message
    assert "geheim" not in message


def test_server__with_a_name_that_nobody_has() -> None:
    assert "does not answer (Name or service not known)" in _refusal("http://nobody.invalid:5000")


def test_server__that_takes_the_call_and_says_nothing(short_probe: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        message = _refusal(f"http://me:geheim@127.0.0.1:{silent.getsockname()[1]}")
    assert "no answer within 0.1 s" in message
    assert "geheim" not in message


def test_file__in_a_folder_that_is_not_there(tmp_path: Path) -> None:
    message = _refusal(f"sqlite:///{tmp_path}/missing/mlflow.db")
    assert f"{tmp_path}/missing/mlflow.db cannot be used (unable to open database file)" in message


def test_file__that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("not a database, " * 100)
    assert "file is not a database" in _refusal(f"sqlite:///{tmp_path}/notes.db")


def test_file__in_a_folder_whose_name_has_a_blank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", fresh_database(tmp_path / "a b"))
    connect().create_experiment("here")
    with closing(sqlite3.connect(tmp_path / "a b" / "mlflow.db")) as database:
        assert ("here",) in database.execute("SELECT name FROM experiments").fetchall()


def test_what_mlflow_raises__is_one_sentence(client: MlflowClient) -> None:
    with (
        pytest.raises(RegistryError, match=r"^reading a run failed: .*no-such-run") as caught,
        registry_errors("reading a run"),
    ):
        client.get_run("no-such-run")
    assert "\n" not in str(caught.value)
