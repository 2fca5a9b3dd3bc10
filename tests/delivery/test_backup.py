"""The platform is backed up, destroyed, and restored by what is rendered (`make extras`): MLflow has what it had."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.delivery.platform_backup import PASSWORD, READER, Jobs, missing, run_psql, steps, using
from tests.delivery.platform_label_studio import run_script
from tests.delivery.platform_mlflow import PACKAGES, PlatformServer
from tests.s3 import S3Server, running_s3, s3_of_its_own
from tests.unit.registry.places import postgresql
from tests.waiting import until

needs_programs = pytest.mark.skipif(
    not PACKAGES or bool(missing()), reason=f"boto3, restic and rclone are not at hand: make extras ({missing()})"
)
BUCKET = "silencio-mlflow"
GRAPH = bytes(range(256)) * 40_000
BUNDLE = {"3f2a/manifest.json": b"{}", "3f2a/heads/raw.onnx": GRAPH[::-1], "3f2a/empty": b""}


def test_backup__dumps_rows_before_it_copies_the_files_that_they_name() -> None:
    assert list(steps("platform", "CronJob backup")) == ["unlock", "database", "files", "snapshot", "retention"]


def test_backup__keeps_databases_and_buckets_without_naming_one() -> None:
    """One that is added later is in the next backup."""
    words = json.dumps([one["args"] for one in steps("platform", "CronJob backup").values()])
    assert '"s3:"' in words and "silencio-mlflow" not in words
    assert steps("platform", "CronJob backup")["database"]["command"] == ["pg_dumpall"]


def test_restore__takes_the_snapshots_of_the_backup() -> None:
    host = "--host=silencio-platform"
    backup = steps("platform", "CronJob backup")
    assert host in backup["snapshot"]["args"] and host in backup["retention"]["args"]
    assert host in steps("restore", "Job restore")["snapshot"]["args"]


@dataclass(frozen=True)
class Platform:
    """Servers as the platform has them.

    Attributes:
        mlflow: Not started yet.
        databases: Address of PostgreSQL.
        s3: Where files and bundles lie.
        jobs: Backup and restore.
    """

    mlflow: PlatformServer
    databases: str
    s3: S3Server
    jobs: Jobs


@contextlib.contextmanager
def _platform(folder: Path, password: str, repository: str) -> Iterator[Platform]:
    """An empty one, with passwords of its own, destroyed at the end."""
    folder.mkdir()
    try:
        with (
            pytest.MonkeyPatch.context() as patch,
            postgresql(f"postgres-{password}") as databases,
            s3_of_its_own(READER) as s3,
        ):
            if databases is None:
                pytest.skip("this machine has no PostgreSQL")
            patch.setenv("PGPASSWORD", f"postgres-{password}")
            # The image of PostgreSQL makes it.
            run_psql(databases, "CREATE DATABASE mlflow")
            address = databases.removesuffix("/postgres") + "/mlflow"
            mlflow = PlatformServer(folder / "mlflow", address, s3, BUCKET, password)
            try:
                pods = Jobs(folder / "pods", databases, s3, running_s3(), repository, f"postgres-{password}")
                yield Platform(mlflow, databases, s3, pods)
            finally:
                mlflow.kill()
    finally:
        shutil.rmtree(folder)


@dataclass(frozen=True)
class Restored:
    """An empty platform after a restore.

    Attributes:
        platform: With MLflow started.
        run_id: Of the run that the last whole backup has.
        later_run_id: Of one that began after it.
    """

    platform: Platform
    run_id: str
    later_run_id: str


@pytest.fixture(scope="module")
def restored() -> Iterator[Restored]:
    """Backed up, killed in the middle of the next backup, destroyed, restored."""
    repository = f"backups-{uuid.uuid4().hex[:8]}/silencio"
    # The volumes of pods are at the same paths, whichever pod it is.
    with tempfile.TemporaryDirectory(prefix="silencio-platform-") as folder, pytest.MonkeyPatch.context() as patch:
        Path(folder).chmod(0o711)
        there = Path(folder) / "platform"
        patch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
        patch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORD)
        with _platform(there, PASSWORD, repository) as first:
            run_id, later_run_id = _lived_through(first)
        with _platform(there, "another-one", repository) as second:
            second.jobs.restore()
            second.mlflow.start()
            yield Restored(second, run_id, later_run_id)


def _database(platform: Platform, name: str) -> str:
    return f"{platform.databases.removesuffix('/postgres')}/{name}"


def _lived_through(platform: Platform) -> tuple[str, str]:
    store = platform.s3.client()
    for bucket in (BUCKET, "silencio-bundles"):
        store.make_bucket(bucket)
    for name, content in BUNDLE.items():
        store.put_object("silencio-bundles", name, io.BytesIO(content), len(content))
    made = run_script(_database(platform, "mlflow"), platform.jobs.folder, "label-studio-then")
    assert made.returncode == 0, made.stderr
    platform.mlflow.start()
    run_id = _train(platform.mlflow, "1")
    platform.jobs.run({**steps("platform", "CronJob backup")["snapshot"], "args": ["init"], "name": "init"})
    platform.jobs.back_up()
    later_run_id = _train(platform.mlflow, "2")
    _kill_a_backup(platform.jobs)
    return run_id, later_run_id


def _train(mlflow: PlatformServer, version: str) -> str:
    from mlflow import MlflowClient

    client = MlflowClient(mlflow.uri)
    run = client.create_run("0", run_name=f"train {version}").info
    client.log_metric(run.run_id, "macro_map", 0.81)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "graph.onnx").write_bytes(GRAPH)
        client.log_artifacts(run.run_id, folder, "bundle")
    if version == "1":
        client.create_registered_model("birds")
    made = client.create_model_version("birds", f"{run.artifact_uri}/bundle", run.run_id)
    assert made.version == version
    client.set_registered_model_alias("birds", "champion", version)
    client.set_terminated(run.run_id)
    return str(run.run_id)


def _kill_a_backup(jobs: Jobs) -> None:
    """In the middle: its lock is there, and of its data nothing, at a KiB a second."""
    jobs.back_up("unlock", "database", "files")
    process = jobs.start(steps("platform", "CronJob backup")["snapshot"], "--limit-upload=1")
    until(lambda: jobs.locks() or process.poll() is not None)
    assert process.poll() is None
    process.kill()
    process.communicate()


@needs_programs
def test_restore__brings_the_run_its_version_and_its_alias(restored: Restored) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(restored.platform.mlflow.uri)
    run = client.get_run(restored.run_id)
    assert run.info.status == "FINISHED" and run.data.metrics == {"macro_map": 0.81}
    champion = client.get_model_version_by_alias("birds", "champion")
    assert (champion.version, champion.run_id) == ("1", restored.run_id)


@needs_programs
def test_restore__brings_files_byte_by_byte(restored: Restored, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    folder = MlflowClient(restored.platform.mlflow.uri).download_artifacts(restored.run_id, "bundle", str(tmp_path))
    assert (Path(folder) / "graph.onnx").read_bytes() == GRAPH
    store = restored.platform.s3.client()
    found = {one.object_name: one for one in store.list_objects("silencio-bundles", recursive=True)}
    assert set(found) == set(BUNDLE)
    for name, content in BUNDLE.items():
        assert store.get_object("silencio-bundles", name).read() == content


@needs_programs
def test_restore__brings_every_database_and_its_owner(restored: Restored) -> None:
    owners = run_psql(
        restored.platform.databases,
        "SELECT datname || ' ' || pg_get_userbyid(datdba) FROM pg_database WHERE datname LIKE '%l%o%' ORDER BY 1",
    )
    assert {"label_studio label_studio", "mlflow mlflow"} <= set(owners.splitlines())


@needs_programs
def test_restore__leaves_passwords_to_the_secrets(restored: Restored, tmp_path: Path) -> None:
    """PostgreSQL's is the new platform's, as whatever asks these servers shows; Label Studio's comes by its Job."""
    platform = restored.platform
    hashed = "SELECT rolname FROM pg_authid WHERE rolpassword IS NOT NULL AND rolcanlogin ORDER BY 1"
    assert run_psql(platform.databases, hashed) == "mlflow"
    done = run_script(_database(platform, "mlflow"), tmp_path, "label-studio-now")
    assert done.returncode == 0, done.stderr
    theirs = _database(platform, "label_studio").replace("mlflow@", "label_studio:label-studio-now@")
    assert run_psql(theirs, "SELECT current_user") == "label_studio"


@needs_programs
def test_restore__knows_nothing_of_the_backup_that_was_killed(restored: Restored) -> None:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    client = MlflowClient(restored.platform.mlflow.uri)
    with pytest.raises(MlflowException, match=restored.later_run_id):
        client.get_run(restored.later_run_id)
    assert [one.version for one in client.search_model_versions("name='birds'")] == ["1"]


@needs_programs
def test_backup__after_a_killed_one_is_whole_again(restored: Restored) -> None:
    jobs = restored.platform.jobs
    jobs.back_up()
    listed = {**steps("platform", "CronJob backup")["snapshot"], "args": ["snapshots", "--json"]}
    assert len(json.loads(jobs.run(listed))) == 2
    jobs.run({**listed, "args": ["check", "--read-data"]})


@needs_programs
def test_backup__waits_for_another_one_and_leaves_it_its_lock(restored: Restored) -> None:
    jobs = restored.platform.jobs
    # Nothing of it is there already, and at a KiB a second it takes longer than this test.
    (jobs.folder / "backup" / "postgres.sql").write_bytes(os.urandom(1 << 20))
    other = jobs.start(steps("platform", "CronJob backup")["snapshot"], "--limit-upload=1")
    until(lambda: jobs.locks() or other.poll() is not None)
    held = jobs.locks()
    waiting = jobs.start(steps("platform", "CronJob backup")["unlock"])
    assert waiting.stdout
    told = next((line for line in waiting.stdout if "waiting for its end" in line), "")
    assert told and waiting.poll() is None and other.poll() is None and jobs.locks() == held != []
    for one in (waiting, other):
        os.killpg(one.pid, signal.SIGKILL)
        one.communicate()
    jobs.back_up("unlock")
    assert jobs.locks() == []


@needs_programs
def test_backup__reads_the_platforms_files_and_may_not_write_them(restored: Restored) -> None:
    jobs = restored.platform.jobs
    files = steps("platform", "CronJob backup")["files"]
    written = {**files, "args": ["copyto", "/backup/postgres.sql", "s3:silencio-bundles/3f2a/more"]}
    process = jobs.start(written, "--retries=1", "--low-level-retries=1")
    printed, _ = process.communicate()
    assert process.returncode and "AccessDenied" in printed


@needs_programs
def test_restore__ends_where_a_database_is_in_use_and_leaves_it(restored: Restored) -> None:
    """The last test of these: what comes before that database in the dump is gone until the next restore."""
    databases = restored.platform.databases
    mlflow = databases.removesuffix("/postgres") + "/mlflow"
    counted = "SELECT count(*) FROM runs"
    n_runs = run_psql(mlflow, counted)
    with using(mlflow):
        until(lambda: run_psql(databases, "SELECT 1 FROM pg_stat_activity WHERE application_name = 'somebody'"))
        with pytest.raises(AssertionError, match='database "mlflow" is being accessed by other users'):
            restored.platform.jobs.restore()
    assert run_psql(mlflow, counted) == n_runs == "1"
