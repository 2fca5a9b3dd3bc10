"""docs/tracking.md as it stands: its server on PostgreSQL and S3, and the commands that ask it (`make extras`).

`SILENCIO_BOTO3` names a folder with boto3, which nothing else here needs. What is put in the place of the page's
addresses and keys stands in the tests.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from silencio.errors import RegistryError
from silencio.registry.connection import connect
from silencio.steps import open_run, register
from tests.s3 import running_s3
from tests.unit.registry.places import CONFIG, Server, fresh_database, postgresql, register_inputs, write_bundle
from tests.waiting import HANG_S

BOTO3 = os.environ.get("SILENCIO_BOTO3", "")
pytestmark = pytest.mark.skipif(not BOTO3, reason="boto3 is not at hand: make extras")

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tracking.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


def _block(word: str) -> str:
    """The block that has it."""
    (found,) = [block for block in BLOCKS if word in block]
    return found


def _with(text: str, values: dict[str, str]) -> str:
    for word, value in values.items():
        assert word in text, f"the page no longer says {word}"
        text = text.replace(word, value)
    return text


class DocumentedServer(Server):
    """The page's server.

    Attributes:
        boto3: A folder on its PYTHONPATH, in the place of `pip install boto3`; empty: nobody installed it.
    """

    boto3 = ""

    def command(self) -> list[str]:
        s3 = running_s3()
        text = _block("mlflow server --backend-store-uri")
        values = {
            ".venv/bin/pip install boto3\n": f"export PYTHONPATH={self.boto3}\n",
            "=KEY ": f"={s3.access_key} ",
            "=SECRET\n": f"={s3.secret_key}\n",
            "http://s3.example.org:9000": f"http://{s3.endpoint}",
            "postgresql://mlflow@db/mlflow": str(self._backend),
            "--host 0.0.0.0 --port 5000": f"--host 127.0.0.1 --port {self.port} --workers 1",
            ".venv/bin/": f"exec {ROOT}/.venv/bin/",
        }
        return ["bash", "-ec", _with(text, values)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DocumentedServer]:
    folder = tmp_path_factory.mktemp("server")
    with postgresql() as database:
        server = DocumentedServer(folder, database or fresh_database(folder))
        try:
            server.start()
            yield server
        finally:
            server.kill()


@pytest.fixture
def tracked(server: DocumentedServer, monkeypatch: pytest.MonkeyPatch) -> DocumentedServer:
    name, value = re.fullmatch(r"export (\w+)=(\S+)\n", _block("export MLFLOW_TRACKING_URI")).groups()
    assert value == "http://mlflow.silencio.svc:5000"
    monkeypatch.setenv(name, server.uri)
    return server


def test_server__without_boto3_and_as_documented(tracked: DocumentedServer, tmp_path: Path) -> None:
    client, bucket = running_s3().client(), re.search(r"--artifacts-destination s3://(\S+)", PAGE)[1]
    client.make_bucket(bucket)
    with pytest.raises(RegistryError, match=r"takes no files for the run: it answers HTTP 500 .*boto3 is needed"):
        open_run.run(open_run.Inputs("train", "job-1"))
    tracked.kill()
    tracked.boto3 = str(Path(BOTO3).resolve())  # the server has a folder of its own
    tracked.start()
    run_id = open_run.run(open_run.Inputs("train", "job-1"))
    assert list(client.list_objects(bucket, recursive=True)) == []
    bundle = write_bundle(tmp_path / "bundle")
    inputs = register.Inputs(run_id, CONFIG, **register_inputs(tmp_path / "inputs", bundle))
    assert register.run(inputs, register.Outputs(tmp_path / "registration")) == "1"
    kept = {Path(one.object_name).name for one in client.list_objects(bucket, recursive=True)}
    assert {"bundle.json", "report.html", "verdict.json"} <= kept


def test_commands__list_promote_and_fetch(tracked: DocumentedServer, tmp_path: Path) -> None:
    """After the test above: there is a version."""
    assert [one.version for one in connect().search_model_versions("name = 'silencio'")] == ["1"]
    lines = [line.split("  #")[0].strip() for line in _block("silencio registry list").splitlines()]
    # What `make bench` writes has its own tests.
    for line in [line for line in lines if " benchmarks " not in line]:
        command = line.replace("bundles/champion", str(tmp_path / "champion"))
        done = subprocess.run(
            command.replace("silencio ", f"{ROOT}/.venv/bin/silencio ", 1),
            shell=True,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=HANG_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "champion" / "bundle.json").is_file()
