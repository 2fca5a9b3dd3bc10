"""A head's own run under the pipeline's run."""

from __future__ import annotations

import logging

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from silencio.network import free_ports
from silencio.registry.head_run import HeadRun
from silencio.registry.runs import open_run
from silencio.registry.settings import RUN_KEY
from tests.waiting import until

CONFIG = {"kind": "raw_cnn", "epochs": 2, "augment": {"mixup_probability": 0.3}}


def _children(client: MlflowClient, run_id: str) -> list[Run]:
    experiment = client.get_run(run_id).info.experiment_id
    return list(client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{run_id}'"))


def test_head_run__has_parameters_figures_by_epoch_and_results(client: MlflowClient, run_id: str) -> None:
    with HeadRun("raw_cnn", CONFIG) as head_run:
        for number, loss in enumerate((2.0, 1.0)):
            head_run.epoch(number, {"loss": loss, "learning_rate": 0.01})
            # Live: it is there before training ends.
            (child,) = _children(client, run_id)
            assert (child.info.status, child.data.metrics["loss"]) == ("RUNNING", loss)
        head_run.result({"validation_macro_map": 0.5})
    (child,) = _children(client, run_id)
    assert (child.info.run_name, child.info.status) == ("raw_cnn", "FINISHED")
    assert child.data.params == {"kind": "raw_cnn", "epochs": "2", "augment.mixup_probability": "0.3"}
    assert [(m.step, m.value) for m in client.get_metric_history(child.info.run_id, "loss")] == [(0, 2.0), (1, 1.0)]
    assert child.data.metrics["validation_macro_map"] == 0.5
    assert client.get_run(run_id).info.status == "RUNNING"


def test_head_run__of_training_that_failed(client: MlflowClient, run_id: str) -> None:
    with pytest.raises(ZeroDivisionError), HeadRun("raw_cnn", CONFIG):
        _ = 1 / 0
    assert [child.info.status for child in _children(client, run_id)] == ["FAILED"]


def test_head_run__of_a_step_that_is_started_again_begins_anew(client: MlflowClient, run_id: str) -> None:
    abandoned = HeadRun("raw_cnn", CONFIG).__enter__()  # killed: it has no end
    for number in range(5):
        abandoned.epoch(number, {"loss": 9.0})
    with HeadRun("effnet_lora", CONFIG):
        pass
    with HeadRun("raw_cnn", CONFIG) as head_run:
        head_run.epoch(0, {"loss": 2.0})
    children = {child.info.run_name: child.info.run_id for child in _children(client, run_id)}
    assert set(children) == {"raw_cnn", "effnet_lora"}
    assert [m.value for m in client.get_metric_history(children["raw_cnn"], "loss")] == [2.0]


def test_head_run__has_the_systems_metrics(client: MlflowClient, run_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.05")
    with HeadRun("raw_cnn", CONFIG):
        wanted = {"system/cpu_utilization_percentage", "system/system_memory_usage_megabytes"}
        until(lambda: wanted <= set(_children(client, run_id)[0].data.metrics), "the system's metrics")


def test_head_run__outside_a_pipeline_asks_nobody(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv(RUN_KEY, raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nowhere at all")
    with caplog.at_level(logging.WARNING), HeadRun("raw_cnn", CONFIG) as head_run:
        head_run.epoch(0, {"loss": 1.0})
    assert caplog.messages == []


def test_head_run__of_a_pipeline_that_has_no_run_is_warned_of_once(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # Its run was opened on another server, or under another experiment.
    other = open_run("train", "abc", "local", "another")
    monkeypatch.setenv(RUN_KEY, "a-run")
    with caplog.at_level(logging.WARNING), HeadRun("raw_cnn", CONFIG) as head_run:
        for number in range(3):
            head_run.epoch(number, {"loss": 1.0})
        head_run.result({"validation_top1": 0.5})
    (message,) = caplog.messages
    assert message.startswith("head raw_cnn is trained and not recorded: experiment 'silencio' at sqlite:///")
    assert message.endswith("has no run of this pipeline (a-run)")
    assert _children(client, other) == []


def test_head_run__nobody_there_from_beginning_to_end_is_warned_of_twice(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, pauses: list[float]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_ports(1)[0]}")
    monkeypatch.setenv(RUN_KEY, "a-run")
    with caplog.at_level(logging.WARNING), HeadRun("raw_cnn", CONFIG) as head_run:
        for number in range(50):
            head_run.epoch(number, {"loss": 1.0})
    assert sum(pauses) < 10
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert "training raw_cnn goes on" in caplog.messages[0]
    assert caplog.messages[1].startswith(
        "50 metrics of head raw_cnn were not sent, register will write them: the MLflow server"
    )
