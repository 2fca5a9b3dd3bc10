"""A run's files: a store that takes none is known when the run is opened, and not after hours."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

from silencio.errors import RegistryError
from silencio.registry.runs import open_run


def test_store__that_takes_files_keeps_none_of_them(client: MlflowClient) -> None:
    assert client.list_artifacts(open_run("train", "abc", "local", "")) == []


def test_store__where_nobody_may_delete_is_good_enough(client: MlflowClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(self: LocalArtifactRepository, artifact_path: str | None = None) -> None:
        raise PermissionError("s3:DeleteObject is denied")

    monkeypatch.setattr(LocalArtifactRepository, "delete_artifacts", refused)
    run_id = open_run("train", "abc", "local", "")
    # What it cannot take back says what it is.
    assert [entry.path for entry in client.list_artifacts(run_id)] == ["written-by-open-run.txt"]


def test_store__that_takes_nothing_ends_the_run_in_one_sentence(client: MlflowClient, tmp_path: Path) -> None:
    (tmp_path / "tracking" / "mlruns").write_text("a file where the folder should be")
    with pytest.raises(RegistryError, match="takes no files for the run: .*mlruns.*: Not a directory") as caught:
        open_run("train", "abc", "local", "job-1")
    assert "\n" not in str(caught.value)
    (run,) = client.search_runs([client.get_experiment_by_name("silencio").experiment_id])
    assert run.info.status == "FAILED"


def test_store__that_clients_write_to_themselves_and_cannot(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    # `mlflow server --no-serve-artifacts --default-artifact-root s3://…`: boto3 would be needed here, and the keys.
    client.create_experiment("by clients", "s3://nowhere/1")
    monkeypatch.setenv("SILENCIO_EXPERIMENT", "by clients")
    with pytest.raises(
        RegistryError, match="boto3 is not installed here: start the server with --artifacts-destination"
    ):
        open_run("train", "abc", "local", "")
