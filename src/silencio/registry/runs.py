"""A pipeline run as an MLflow run."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run, RunTag
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, ErrorCode

from silencio.errors import ConfigError, RegistryError
from silencio.interpreter import script
from silencio.registry.artifacts import check_artifact_store
from silencio.registry.connection import connect, registry_errors
from silencio.registry.settings import Tracking, run_key, shown

KEY_TAG, START_TAG = "kfp_run", "kfp_start"
_KEY = re.compile(r"[\w.:/-]{0,200}")
_PER_BATCH = 100
# Where `mlflow server` answers unless it is told otherwise.
_LOCAL_SERVER = "http://127.0.0.1:5000"


def open_run(name: str, code_version: str, image: str, key: str) -> str:
    """Open the MLflow run of a pipeline run; called again with the same key, open the same one again.

    Args:
        name: Shown in the list of runs.
        code_version: Commit of the code.
        image: Image and digest of the steps.
        key: The pipeline run's identity; empty: what the environment says (`settings.run_key`). Without either, it is
            always a new run.

    Returns:
        The run's id.

    Raises:
        RegistryError: The server does not answer, or takes no files.
        ConfigError: The key cannot be one.
    """
    start = run_key()
    key = key or start
    for word in (key, start):
        if not _KEY.fullmatch(word):
            raise ConfigError(f"run key {word!r}: letters, digits and _ . : / - are allowed, 200 at most")
    tracking = Tracking()
    client = connect(tracking)
    with registry_errors(f"opening a run at {shown(tracking.uri)}"):
        experiment_id = _experiment(client, tracking)
        tags = {
            "git_commit": code_version,
            "image": image,
            KEY_TAG: key,
            # Steps know the start that they belong to, and not what else it may take up.
            START_TAG: start or key,
            # MLflow's own names: its list of runs has columns for them.
            "mlflow.source.git.commit": code_version,
            "mlflow.source.name": name,
        }
        run_id = _opened(client, experiment_id, key, name, tags)
        try:
            check_artifact_store(client, tracking, run_id)
        except RegistryError:
            client.set_terminated(run_id, "FAILED")
            raise
    return run_id


def _opened(client: MlflowClient, experiment_id: str, key: str, name: str, tags: dict[str, str]) -> str:
    """The run of a key, running again, or a new one."""
    known = client.search_runs([experiment_id], f"tags.{KEY_TAG} = '{key}'", max_results=1) if key else []
    if not known:
        return str(client.create_run(experiment_id, run_name=name, tags=tags).info.run_id)
    run_id = str(known[0].info.run_id)
    client.update_run(run_id, status="RUNNING")
    client.log_batch(run_id, tags=[RunTag(tag, value) for tag, value in tags.items()])
    return run_id


def run_of(client: MlflowClient, tracking: Tracking, start: str) -> str:
    """The run that `open_run` opened or took up in a start of the pipeline; empty where there is none.

    Raises:
        MlflowException: The server refused; see `connection.registry_errors`.
    """
    if not start or not _KEY.fullmatch(start):
        return ""
    experiment = client.get_experiment_by_name(tracking.experiment)
    if experiment is None:
        return ""
    found = client.search_runs([experiment.experiment_id], f"tags.{START_TAG} = '{start}'", max_results=1)
    return str(found[0].info.run_id) if found else ""


def end_run(key: str) -> None:
    """Close as failed what is still open of a pipeline run, its heads' runs too; without any, do nothing.

    Raises:
        RegistryError: The server does not answer.
    """
    if not key or not _KEY.fullmatch(key):
        return
    tracking = Tracking()
    client = connect(tracking)
    with registry_errors(f"closing a run at {shown(tracking.uri)}"):
        experiment = client.get_experiment_by_name(tracking.experiment)
        filter_string = f"tags.{KEY_TAG} = '{key}' and attributes.status = 'RUNNING'"
        for run in client.search_runs([experiment.experiment_id], filter_string) if experiment else []:
            close_run(client, run.info.run_id, "FAILED")


def close_run(client: MlflowClient, run_id: str, status: str) -> None:
    """Close a run and what still runs under it: a head whose process was killed has nobody else to close its run.

    Raises:
        MlflowException: The server refused; see `connection.registry_errors`.
    """
    for child in children_of(client, run_id, "attributes.status = 'RUNNING'"):
        client.set_terminated(child.info.run_id, status)
    client.set_terminated(run_id, status)


def runs_page() -> str:
    """Where a browser shows the runs; `/runs` matters: MLflow opens an experiment on its traces, with no run in sight.

    Returns:
        The page's address, after what is to be started where runs are kept in a file; empty before the first run.

    Raises:
        RegistryError: The server does not answer.
    """
    tracking = Tracking()
    client = connect(tracking)
    with registry_errors(f"asking for the runs at {shown(tracking.uri)}"):
        experiment = client.get_experiment_by_name(tracking.experiment)
    if experiment is None:
        return ""
    page = f"#/experiments/{experiment.experiment_id}/runs"
    if tracking.database is None:
        return f"{shown(tracking.uri)}/{page}"
    store = "" if tracking.database.name == "mlflow.db" else f" --backend-store-uri {tracking.uri}"
    folder = tracking.database.parent
    return f"{script('mlflow', folder)} server{store} in {folder}, then {_LOCAL_SERVER}/{page}"


def children_of(client: MlflowClient, run_id: str, where: str = "") -> list[Run]:
    """The runs under a run, the latest first.

    Args:
        client: The tracking server's client.
        run_id: The run above.
        where: A condition on them, as MLflow takes it.
    """
    experiment = client.get_run(run_id).info.experiment_id
    condition = f"tags.`mlflow.parentRunId` = '{run_id}'" + (f" and {where}" if where else "")
    return list(client.search_runs([experiment], condition))


def fresh_child(
    client: MlflowClient, parent_run_id: str, name: str, params: Mapping[str, str], started_ms: int | None = None
) -> str:
    """Open a run under another, in place of one of the same name that an earlier attempt left.

    MLflow cannot take metrics back, so the earlier one goes to its bin.

    Returns:
        The child's id.
    """
    for earlier in children_of(client, parent_run_id, f"attributes.run_name = '{name}'"):
        client.delete_run(earlier.info.run_id)
    tags = {"mlflow.parentRunId": parent_run_id}
    experiment = client.get_run(parent_run_id).info.experiment_id
    child = client.create_run(experiment, started_ms, run_name=name, tags=tags)
    log_params(client, child.info.run_id, params)
    return str(child.info.run_id)


def log_params(client: MlflowClient, run_id: str, params: Mapping[str, str]) -> None:
    """Log any number of parameters: a request holds a hundred. Logged twice they are the same."""
    rows = [Param(name, value) for name, value in params.items()]
    for start in range(0, len(rows), _PER_BATCH):
        client.log_batch(run_id, params=rows[start : start + _PER_BATCH])


def log_metrics(client: MlflowClient, run_id: str, metrics: list[Metric]) -> None:
    """Log any number of metrics; one that was logged before, with its time, stays one."""
    for start in range(0, len(metrics), _PER_BATCH):
        client.log_batch(run_id, metrics=metrics[start : start + _PER_BATCH])


def _experiment(client: MlflowClient, tracking: Tracking) -> str:
    name = tracking.experiment
    found = client.get_experiment_by_name(name)
    if found is None:
        # Beside the SQLite file, as MLflow has it, wherever this process works; a server decides for itself.
        folder = str(tracking.database.parent / "mlruns" / name) if tracking.database else None
        return _created(client, name, folder)
    if tracking.database and str(found.artifact_location).startswith("mlflow-artifacts:"):
        raise RegistryError(
            f"experiment {name!r} in {tracking.database} was made by a server, which keeps its files: "
            "set MLFLOW_TRACKING_URI to that server, or SILENCIO_EXPERIMENT to another name"
        )
    return str(found.experiment_id)


def _created(client: MlflowClient, name: str, artifact_folder: str | None) -> str:
    try:
        return str(client.create_experiment(name, artifact_folder))
    except MlflowException as error:
        made_meanwhile = client.get_experiment_by_name(name)
        if made_meanwhile is None or error.error_code != ErrorCode.Name(RESOURCE_ALREADY_EXISTS):
            raise
        return str(made_meanwhile.experiment_id)
