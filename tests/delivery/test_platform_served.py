"""MLflow as the platform runs it, on a real PostgreSQL and a real S3 server (`make extras`)."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click import Command

from delivery.others import MLFLOW
from delivery.rendered import Rendered
from tests.delivery.overlays import golden_objects
from tests.delivery.platform_mlflow import PACKAGES, PlatformServer
from tests.s3 import running_s3
from tests.unit.registry.places import Server, postgresql
from tests.waiting import HANG_S

pytestmark = pytest.mark.skipif(not PACKAGES, reason="boto3 and Flask-WTF are not at hand: make extras")

SERVICE = "mlflow.silencio-platform.svc:5000"
# One that no other test makes.
BUCKET = "platform-mlflow"
PASSWORD = "of-a-test-alone"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformServer]:
    with postgresql() as database:
        if database is None:
            pytest.skip("this machine has no PostgreSQL")
        client = running_s3().client()
        if not client.bucket_exists(BUCKET):
            client.make_bucket(BUCKET)
        server = PlatformServer(tmp_path_factory.mktemp("platform"), database, running_s3(), BUCKET, PASSWORD)
        try:
            server.start()
            yield server
        finally:
            server.kill()


def _status(server: Server, path: str, host: str, account: str = "", content: Any = None) -> int:
    headers = {"Host": host, "Content-Type": "application/json"}
    if account:
        headers["Authorization"] = f"Basic {base64.b64encode(account.encode()).decode()}"
    data = None if content is None else json.dumps(content).encode()
    request = urllib.request.Request(f"{server.uri}{path}", data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=HANG_S) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


EXPERIMENTS = "/api/2.0/mlflow/experiments/search?max_results=1"


def test_mlflow__takes_the_options() -> None:
    from mlflow.cli import server

    assert isinstance(server, Command)
    assert {option for one in server.params for option in one.opts} >= MLFLOW.options


def test_mlflow__answers_the_kubelet_by_the_address_of_the_pod(server: PlatformServer) -> None:
    (container,) = (pod.containers[0] for pod in Rendered(golden_objects("platform")).pods if "mlflow" in pod.owner)
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert _status(server, container[probe]["httpGet"]["path"], "10.1.2.3:5000") == 200


def test_mlflow__lets_in_who_has_an_account_at_the_name_of_the_service(server: PlatformServer) -> None:
    assert _status(server, EXPERIMENTS, SERVICE) == 401
    assert _status(server, EXPERIMENTS, SERVICE, "admin:password1234") == 401
    assert _status(server, EXPERIMENTS, SERVICE, f"admin:{PASSWORD}") == 200
    assert _status(server, EXPERIMENTS, "elsewhere.example", f"admin:{PASSWORD}") == 403


def test_mlflow__keeps_files_in_s3(server: PlatformServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import mlflow

    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORD)
    client = mlflow.MlflowClient(server.uri)
    run = client.create_run("0")
    (tmp_path / "note.txt").write_text("kept")
    client.log_artifact(run.info.run_id, str(tmp_path / "note.txt"))
    kept = running_s3().client().list_objects(BUCKET, recursive=True)
    assert any(one.object_name.endswith(f"{run.info.run_id}/artifacts/note.txt") for one in kept)
