"""The whole path through a real `mlflow server`, over PostgreSQL where this machine has one; and its sudden death."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from silencio.__main__ import main
from silencio.errors import RegistryError
from silencio.registry.connection import connect
from silencio.registry.head_run import HeadRun
from silencio.registry.models import fetch, promote, versions
from silencio.registry.runs import open_run, runs_page
from silencio.registry.settings import RUN_KEY
from silencio.steps import fetch_champion, register, train_head
from silencio.steps import open_run as open_run_step
from silencio.training.checkpoint import TrainedHead
from tests.unit.registry.places import CONFIG, Server, fresh_database, postgresql, register_inputs, write_bundle


def _fetch_champion(folder: Path) -> str:
    return fetch_champion.run(fetch_champion.Inputs("registry"), fetch_champion.Outputs(folder))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    with postgresql() as database:
        server = Server(folder, database or fresh_database(folder))
        try:
            server.start()
            yield server
        finally:
            server.kill()


@pytest.fixture
def tracked(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    return server


def test_path__from_the_first_step_to_the_champion(
    tracked: Server,
    tiny_data,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(RUN_KEY, "job-1")
    monkeypatch.setenv("SILENCIO_CODE_VERSION", "abc123")
    monkeypatch.setenv("SILENCIO_IMAGE", "silencio/train:1")
    run_id = open_run_step.run(open_run_step.Inputs("train tiny", ""))
    assert _fetch_champion(tmp_path / "compared") == ""

    (tmp_path / "classes").write_text(tiny_data.classes.model_dump_json())
    given = train_head.Inputs(tiny_data.config, "raw_cnn", tmp_path / "classes", tiny_data.development)
    train_head.run(given, train_head.Outputs(tmp_path / "model", tmp_path / "report"))
    client = connect()
    assert client.get_run(run_id).data.tags.items() >= {("git_commit", "abc123"), ("image", "silencio/train:1")}
    assert runs_page() == f"{tracked.uri}/#/experiments/1/runs"
    (child,) = client.search_runs(["1"], f"tags.`mlflow.parentRunId` = '{run_id}'")
    losses = TrainedHead.load(tmp_path / "model").epoch_losses
    assert [m.value for m in client.get_metric_history(child.info.run_id, "loss")] == losses
    assert [m.step for m in client.get_metric_history(child.info.run_id, "epoch_s")] == list(range(len(losses)))
    assert 0 < child.data.metrics["learning_rate"] <= tiny_data.config.heads["raw_cnn"].learning_rate
    assert child.data.metrics["epoch_s"] > 0
    assert "validation_macro_map" in child.data.metrics
    assert child.data.params["widths"] == "[4, 8]"

    bundle = write_bundle(tmp_path / "bundle")
    for _ in range(2):
        inputs = register.Inputs(run_id, CONFIG, **register_inputs(tmp_path / "inputs", bundle))
        assert register.run(inputs, register.Outputs(tmp_path / "registration")) == "1"
    refused = write_bundle(tmp_path / "refused", "b2", macro_map=0.1)
    other = open_run("train tiny", "abc123", "local", "job-2")
    inputs = register.Inputs(other, CONFIG, **register_inputs(tmp_path / "inputs", refused, passed=False))
    assert register.run(inputs, register.Outputs(tmp_path / "registration")) == ""
    assert client.get_run(other).data.tags["needs_retraining"] == "true"

    assert [(version.number, version.aliases) for version in versions()] == [(1, ("challenger",))]
    assert fetch("champion", tmp_path / "champion") is None
    promote(1, without_release="the first one")
    assert _fetch_champion(tmp_path / "compared with").startswith("b1 ")
    capsys.readouterr()
    assert main(["registry", "fetch", "champion", "--out", str(tmp_path / "champion")]) == 0
    assert (tmp_path / "champion" / "bundle.json").read_bytes() == (bundle / "bundle.json").read_bytes()
    assert capsys.readouterr().err == ""


def test_server__whose_store_takes_nothing_is_known_before_any_work_with_what_it_says(tracked: Server) -> None:
    with tracked.without_a_store(), pytest.raises(RegistryError) as caught:
        open_run_step.run(open_run_step.Inputs("train tiny", "job-4"))
    assert str(caught.value) == (
        f"{tracked.uri} takes no files for the run: it answers HTTP 500 (Internal Server Error); its own log says why. "
        "Where files lie on S3, boto3 is needed beside the server, and AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and "
        "MLFLOW_S3_ENDPOINT_URL in the server's environment (docs/tracking.md)"
    )
    # The same command when it is mended.
    run_id = open_run_step.run(open_run_step.Inputs("train tiny", "job-4"))
    assert connect().list_artifacts(run_id) == []


def test_server__that_stalls_while_a_head_trains_gets_the_metrics_later(
    tracked: Server, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(RUN_KEY, "stalled")
    open_run("train", "abc", "local", "")
    with caplog.at_level(logging.WARNING), HeadRun("patient", {}) as head_run:
        head_run.epoch(0, {"loss": 3.0})
        with tracked.stalled(), monkeypatch.context() as patch:  # until these calls have come back
            patch.setattr("silencio.registry.connection._PROBE_S", 0.1)  # who never answers is given up at once
            for number in (1, 2, 3):
                head_run.epoch(number, {"loss": 3.0 - number})
    assert [message.split(" (")[0] for message in caplog.messages] == [
        f"training patient goes on and keeps its metrics until they can be sent: the MLflow server {tracked.uri} "
        "does not answer"
    ]
    client = connect()
    (child,) = client.search_runs(["1"], "attributes.run_name = 'patient'")
    assert child.info.status == "FINISHED"
    history = client.get_metric_history(child.info.run_id, "loss")
    assert [(point.step, point.value) for point in history] == [(0, 3.0), (1, 2.0), (2, 1.0), (3, 0.0)]


def test_server__that_dies_while_a_head_trains_ends_no_training(
    tracked: Server, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last test of this module: the server stays dead."""
    monkeypatch.setenv(RUN_KEY, "lost")
    open_run("train", "abc", "local", "")
    with caplog.at_level(logging.WARNING), HeadRun("lost", {}) as head_run:
        head_run.epoch(0, {"loss": 3.0})
        tracked.kill()
        for number in (1, 2):
            head_run.epoch(number, {"loss": 3.0 - number})
    assert [message.split(":")[0] for message in caplog.messages] == [
        "training lost goes on and keeps its metrics until they can be sent",
        "2 metrics of head lost were not sent, register will write them",
    ]
