"""A pipeline run is one MLflow run, however often it is started."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from mlflow import MlflowClient

from silencio.errors import ConfigError, RegistryError
from silencio.interpreter import script
from silencio.registry.runs import end_run, fresh_child, log_params, open_run, run_of, runs_page
from silencio.registry.settings import RUN_KEY, Tracking


def test_open_run__says_what_runs(client: MlflowClient) -> None:
    run = client.get_run(open_run("silencio-train-demo", "abc123", "image@sha256:1", "job-1"))
    assert run.info.run_name == "silencio-train-demo"
    assert run.info.status == "RUNNING"
    tags = {name: run.data.tags[name] for name in ("git_commit", "image", "kfp_run", "mlflow.source.git.commit")}
    assert tags == {
        "git_commit": "abc123",
        "image": "image@sha256:1",
        "kfp_run": "job-1",
        "mlflow.source.git.commit": "abc123",
    }
    assert client.get_experiment(run.info.experiment_id).name == "silencio"


def test_open_run__with_the_same_key_is_the_same_run_and_open_again(client: MlflowClient) -> None:
    first = open_run("train", "abc", "local", "job-1")
    client.set_terminated(first, "FAILED")
    assert open_run("train", "def", "local", "job-1") == first
    run = client.get_run(first)
    assert run.info.status == "RUNNING"
    assert run.data.tags["git_commit"] == "def"
    assert open_run("train", "abc", "local", "job-2") != first


def test_open_run__without_a_key_is_always_a_new_one(client: MlflowClient) -> None:
    assert open_run("train", "abc", "local", "") != open_run("train", "abc", "local", "")


def test_open_run__without_a_key_takes_the_pipeline_s_and_its_steps_find_it(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a cluster the pod knows its KFP run, and the run's page asks for no key.
    monkeypatch.setenv(RUN_KEY, "kfp-1")
    run_id = open_run("train", "abc", "local", "")
    assert client.get_run(run_id).data.tags["kfp_run"] == "kfp-1"
    assert open_run("train", "abc", "local", "") == run_id == run_of(client, Tracking(), "kfp-1")


def test_run_of__a_run_that_another_start_took_up_by_its_key(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(RUN_KEY, "kfp-1")
    run_id = open_run("train", "abc", "local", "mine")
    assert run_of(client, Tracking(), "kfp-1") == run_id
    monkeypatch.setenv(RUN_KEY, "kfp-2")
    assert open_run("train", "abc", "local", "mine") == run_id
    assert run_of(client, Tracking(), "kfp-2") == run_id
    # Its first start is over.
    assert run_of(client, Tracking(), "kfp-1") == ""


def test_run_of__nothing_and_nobody(client: MlflowClient) -> None:
    assert run_of(client, Tracking(), "job-1") == ""
    open_run("train", "abc", "local", "")
    for start in ("job-1", "", "x' or tags.image = 'local"):
        assert run_of(client, Tracking(), start) == ""


@pytest.mark.parametrize("by_environment", [False, True])
def test_open_run__a_key_cannot_be_a_query(
    by_environment: bool, client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "x' or tags.image = 'local"
    if by_environment:
        monkeypatch.setenv(RUN_KEY, key)
    with pytest.raises(ConfigError, match="run key"):
        open_run("train", "abc", "local", "" if by_environment else key)


def test_open_run__keeps_files_beside_the_database_wherever_it_works(
    client: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    run_id = open_run("train", "abc", "local", "")
    client.log_text(run_id, "x", "x.txt")
    assert client.get_run(run_id).info.artifact_uri == str(tmp_path / f"tracking/mlruns/silencio/{run_id}/artifacts")
    assert not list(elsewhere.iterdir())


def test_open_run__where_a_server_keeps_the_files(client: MlflowClient, monkeypatch: pytest.MonkeyPatch) -> None:
    client.create_experiment("of a server", "mlflow-artifacts:/1")
    monkeypatch.setenv("SILENCIO_EXPERIMENT", "of a server")
    with pytest.raises(RegistryError, match="was made by a server"):
        open_run("train", "abc", "local", "")


def test_end_run__closes_what_is_open(client: MlflowClient) -> None:
    end_run("job-1")  # there is none yet
    run_id = open_run("train", "abc", "local", "job-1")
    other = open_run("train", "abc", "local", "job-2")
    end_run("job-1")
    assert [client.get_run(one).info.status for one in (run_id, other)] == ["FAILED", "RUNNING"]
    client.set_terminated(run_id, "FINISHED")
    end_run("job-1")
    assert client.get_run(run_id).info.status == "FINISHED"


def test_runs_page__of_a_file_says_what_to_start(client: MlflowClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert runs_page() == ""
    experiment_id = client.get_run(open_run("train", "abc", "local", "")).info.experiment_id
    database = Tracking().database
    assert database is not None
    # As it can be typed in that folder: what is found there by its bare name may be another one, or none.
    server = f"{script('mlflow', database.parent)} server"
    assert server != "mlflow server"
    page = f"http://127.0.0.1:5000/#/experiments/{experiment_id}/runs"
    assert runs_page() == f"{server} in {database.parent}, then {page}"
    # Under another name `mlflow server` does not find it by itself.
    other = f"sqlite:///{shutil.copy(database, database.with_name('ours.db'))}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", other)
    assert runs_page() == f"{server} --backend-store-uri {other} in {database.parent}, then {page}"


def test_end_run__closes_the_heads_with_their_run(client: MlflowClient) -> None:
    parent, other = (open_run("train", "abc", "local", key) for key in ("job-1", "job-2"))
    done, killed = fresh_child(client, parent, "raw_cnn", {}), fresh_child(client, parent, "texture", {})
    elsewhere = fresh_child(client, other, "raw_cnn", {})
    client.set_terminated(done, "FINISHED")
    end_run("job-1")
    status = {run_id: client.get_run(run_id).info.status for run_id in (parent, done, killed, other, elsewhere)}
    assert status == {parent: "FAILED", done: "FINISHED", killed: "FAILED", other: "RUNNING", elsewhere: "RUNNING"}


def test_fresh_child__stands_in_place_of_the_earlier_one(client: MlflowClient) -> None:
    parent = open_run("train", "abc", "local", "")
    other = fresh_child(client, parent, "effnet", {})
    first = fresh_child(client, parent, "raw_cnn", {"epochs": "2"})
    second = fresh_child(client, parent, "raw_cnn", {"epochs": "3"})
    children = client.search_runs(
        [client.get_run(parent).info.experiment_id], f"tags.`mlflow.parentRunId` = '{parent}'"
    )
    assert {child.info.run_id for child in children} == {other, second}
    assert first != second
    assert client.get_run(second).data.params == {"epochs": "3"}


def test_log_params__more_than_a_request_holds(client: MlflowClient) -> None:
    run_id = open_run("train", "abc", "local", "")
    many = {f"p{number}": str(number) for number in range(230)}
    for _ in range(2):
        log_params(client, run_id, many)
    assert client.get_run(run_id).data.params == many
