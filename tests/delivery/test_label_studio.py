"""Label Studio and its database in the platform's PostgreSQL, as they are rendered, on servers of this machine."""

from __future__ import annotations

import contextlib
import http.cookiejar
import os
import re
import shutil
import signal
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from silencio.network import free_ports
from tests.delivery.platform_label_studio import container_of, run_script
from tests.unit.registry.places import postgresql
from tests.waiting import HANG_S, until

# An environment with Label Studio in it; it and ours do not go together.
ENVIRONMENT = os.environ.get("SILENCIO_LABEL_STUDIO", "")
PASSWORD = "of-a-test-alone"
pytestmark = pytest.mark.skipif(shutil.which("psql") is None, reason="this machine has no psql")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of MLflow's database, as PostgreSQL has it before anybody else comes."""
    with postgresql() as database:
        if database is None:
            pytest.skip("this machine has no PostgreSQL")
        assert _psql(database, "CREATE DATABASE mlflow").returncode == 0
        yield f"{database.rpartition('/')[0]}/mlflow"


def _psql(address: str, sql: str) -> subprocess.CompletedProcess[str]:
    command = ["psql", "--no-psqlrc", "--tuples-only", "--no-align", f"--dbname={address}", f"--command={sql}"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_database__is_made_once_and_its_password_follows_the_secret(server: str, tmp_path: Path) -> None:
    before = _psql(server, "SELECT rolpassword FROM pg_authid WHERE rolname = 'label_studio'")
    assert before.stdout == ""
    kept = list[str]()
    for password in ("o'ne", "o'ne", "two"):
        done = run_script(server, tmp_path, password)
        assert done.returncode == 0, done.stderr
        kept.append(_psql(server, "SELECT oid FROM pg_database WHERE datname = 'label_studio'").stdout)
    assert len(set(kept)) == 1 and kept[0], "the database is the same one each time"
    owner = _psql(server, "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'label_studio'")
    assert owner.stdout.strip() == "label_studio"
    hashed = _psql(server, "SELECT rolpassword FROM pg_authid WHERE rolname = 'label_studio'").stdout
    assert hashed.startswith("SCRAM-SHA-256$") and "two" not in hashed


def test_database__is_closed_to_other_users_as_mlflows_is_to_label_studio(server: str, tmp_path: Path) -> None:
    assert run_script(server, tmp_path, "one").returncode == 0
    mine = server.replace("mlflow@", "label_studio@")
    assert "permission denied for database" in _psql(mine, "SELECT 1").stderr
    theirs = f"{mine.rpartition('/')[0]}/label_studio"
    assert _psql(theirs, "CREATE TEMPORARY TABLE note (id int); SELECT count(*) FROM note").stdout.strip().endswith("0")
    _psql(server, "CREATE ROLE other LOGIN")
    other = theirs.replace("label_studio@", "other@")
    assert "permission denied for database" in _psql(other, "SELECT 1").stderr
    # MLflow's user is the server's administrator.
    assert _psql(f"{server.rpartition('/')[0]}/label_studio", "SELECT 1").stdout.strip() == "1"


@pytest.fixture(scope="module")
def label_studio(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of Label Studio with the rendered command and variables."""
    if not ENVIRONMENT:
        pytest.skip("Label Studio is not at hand: make extras")
    assert run_script(server, tmp_path_factory.mktemp("script"), PASSWORD).returncode == 0
    folder = tmp_path_factory.mktemp("label-studio")
    container, port = container_of("Deployment label-studio"), free_ports(1)[0]
    database = urllib.parse.urlsplit(server)
    here = {
        "LABEL_STUDIO_BASE_DATA_DIR": str(folder / "data"),
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "POSTGRE_HOST": str(database.hostname),
        "POSTGRE_PORT": str(database.port),
    }
    secrets = {
        "LABEL_STUDIO_USERNAME": "ranger@example.org",
        "LABEL_STUDIO_PASSWORD": PASSWORD,
        "POSTGRE_PASSWORD": PASSWORD,
        "SECRET_KEY": PASSWORD,
    }
    given = {one["name"]: one["value"] for one in container["env"] if "value" in one}
    assert set(here) - {"TMPDIR"} < set(given)
    assert set(secrets) == {one["name"] for one in container["env"] if "valueFrom" in one}
    words = [
        str(Path(ENVIRONMENT).resolve() / "bin" / container["command"][0]),
        *container["command"][1:],
        *container["args"],
    ]
    words = [*(f"--port={port}" if one == "--port=8080" else one for one in words), "--internal-host=127.0.0.1"]
    environment = {"PATH": os.environ["PATH"], **given, **secrets, **here}
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(words, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
    url = f"http://127.0.0.1:{port}"
    path = container["readinessProbe"]["httpGet"]["path"]

    def answers() -> bool:
        assert process.poll() is None, (folder / "server.log").read_text()
        # A request that was taken before the server was there may never be answered: another one is sent then.
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}{path}", timeout=HANG_S / 30) as answer:
            return bool(answer.status == 200 and answer.url == f"{url}{path}")
        return False

    try:
        until(answers, (folder / "server.log").read_text)
        yield url
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class _Browser:
    """Sends forms as a page does, with its cookies."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def status(self, path: str, **form: str) -> int:
        """Status of a page, or of what its form gives."""
        try:
            page = self._opener.open(f"{self._url}{path}", timeout=HANG_S)
            if form:
                (token,) = set(re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.read().decode()))
                content = urllib.parse.urlencode({**form, "csrfmiddlewaretoken": token}).encode()
                request = urllib.request.Request(f"{self._url}{path}", content, {"Referer": f"{self._url}{path}"})
                page = self._opener.open(request, timeout=HANG_S)
        except urllib.error.HTTPError as error:
            return error.code
        return int(page.status)


def test_label_studio__keeps_its_tables_in_its_own_database(label_studio: str, server: str) -> None:
    theirs = f"{server.rpartition('/')[0]}/label_studio"
    assert int(_psql(theirs, "SELECT count(*) FROM pg_tables WHERE tablename LIKE 'task%'").stdout) > 0
    assert int(_psql(server, "SELECT count(*) FROM pg_tables WHERE tablename LIKE 'task%'").stdout) == 0


def test_label_studio__takes_the_user_of_the_secret_in_and_nobody_else(label_studio: str) -> None:
    ranger, other = _Browser(label_studio), _Browser(label_studio)
    assert ranger.status("/user/login/", email="ranger@example.org", password=PASSWORD) == 200
    assert ranger.status("/api/projects/") == 200
    other.status("/user/login/", email="ranger@example.org", password="another")
    assert other.status("/api/projects/") == 401


def test_label_studio__makes_no_account_for_whoever_was_not_invited(label_studio: str, server: str) -> None:
    stranger = _Browser(label_studio)
    assert stranger.status("/user/signup/", email="stranger@example.org", password=PASSWORD) == 403
    theirs = f"{server.rpartition('/')[0]}/label_studio"
    assert _psql(theirs, "SELECT email FROM htx_user").stdout.split() == ["ranger@example.org"]


def test_label_studio__tells_nobody_outside(label_studio: str) -> None:
    given = {one["name"]: one.get("value") for one in container_of("Deployment label-studio")["env"]}
    assert given["SENTRY_DSN"] == given["FRONTEND_SENTRY_DSN"] == ""
    page = urllib.request.urlopen(f"{label_studio}/user/login/", timeout=HANG_S).read().decode()
    assert "ingest.sentry.io" not in page
