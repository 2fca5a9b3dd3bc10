"""The image `tracking`, started as the platform's manifest starts it, but for its database and S3 server."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from delivery.rendered import Rendered, name_of
from tests.delivery.overlays import golden_objects
from tests.serving.containers.pod import docker, image, options_of
from tests.waiting import until

pytestmark = pytest.mark.images

DATABASE = "postgresql://mlflow@postgres.silencio-platform.svc/mlflow"
PASSWORD = "of-a-test-alone"
# From inside, since its network is loopback alone: a path, and an account or none; printed is the status.
ASK = """
import base64, sys, urllib.error, urllib.request
path, account = sys.argv[1:]
request = urllib.request.Request(f"http://127.0.0.1:5000{path}")
if account:
    request.add_header("Authorization", "Basic " + base64.b64encode(account.encode()).decode())
try:
    print(urllib.request.urlopen(request).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""
EXPERIMENTS = "/api/2.0/mlflow/experiments/search?max_results=1"


def test_tracking__starts_by_the_platforms_command_and_keeps_accounts(tmp_path: Path) -> None:
    objects = golden_objects("platform")
    (pod,) = (one for one in Rendered(objects).pods if one.owner == "Deployment mlflow")
    (container,) = pod.containers
    container["image"] = image("tracking")
    here = {DATABASE: "sqlite:////tmp/mlflow.db", "s3://silencio-mlflow": "/tmp/artifacts"}
    for index, argument in enumerate(container["args"]):
        option, _, value = argument.partition("=")
        container["args"][index] = f"{option}={here.get(value, value)}"
    assert set(here.values()) <= {one.partition("=")[2] for one in container["args"]}
    volumes = {name: tmp_path / name for name in ("tmp", "config")}
    for folder in volumes.values():
        folder.mkdir()
        folder.chmod(0o777)
    (config,) = (one for one in objects if one["kind"] == "ConfigMap" and name_of(one) == "mlflow")
    text = config["data"]["basic_auth.ini"].replace(DATABASE, "sqlite:////tmp/accounts.db")
    (volumes["config"] / "basic_auth.ini").write_text(text, encoding="utf-8")
    secrets = {one["name"]: PASSWORD for one in container["env"] if "valueFrom" in one}
    name = f"silencio-{uuid.uuid4().hex[:8]}-tracking"
    try:
        docker("run", "--detach", "--name", name, "--network", "none", *options_of(container, volumes, pod, secrets))

        def status(path: str, account: str = "") -> str:
            return docker("exec", name, "python", "-c", ASK, path, account, check=False).stdout.decode().strip()

        def is_ready() -> bool:
            return status(container["readinessProbe"]["httpGet"]["path"]) == "200"

        until(is_ready, lambda: docker("logs", "--tail", "50", name, check=False).stderr.decode())
        assert status(EXPERIMENTS) == "401"
        assert status(EXPERIMENTS, f"admin:{PASSWORD}") == "200"
        drivers = "import psycopg, boto3, flask_wtf; psycopg.pq.version()"
        docker("exec", name, "python", "-c", drivers)
    finally:
        docker("rm", "--force", name, check=False)
