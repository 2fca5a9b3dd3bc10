"""A head's own run, made of what its folder keeps: whole, and once, whatever was sent while it trained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from silencio.network import free_ports
from silencio.registry.head_record import HeadRecord, Times, record_heads
from silencio.registry.head_run import HeadRun
from silencio.registry.runs import children_of

PARAMS = {"kind": "raw_cnn", "epochs": 3}
LOSSES = [3.0, 2.0, 1.5]
RESULT = {"validation_top1": 0.5}
TIMES = Times(started_ms=1_700_000_000_000, ended_ms=[1_700_000_001_000 * (n + 1) for n in range(3)], epoch_s=[1.0] * 3)


def trained(folder: Path, losses: list[float] = LOSSES, name: str = "raw_cnn") -> str:
    folder.mkdir()
    HeadRecord(name, PARAMS, [{"loss": loss, "learning_rate": 0.1} for loss in losses], RESULT).save(folder)
    return str(folder)


def losses_of(client: MlflowClient, child: Run) -> list[tuple[int, float]]:
    return [(point.step, point.value) for point in client.get_metric_history(child.info.run_id, "loss")]


def test_record__of_a_head_that_was_taken_up_is_whole(client: MlflowClient, run_id: str, tmp_path: Path) -> None:
    record_heads(client, run_id, {trained(tmp_path / "head"): TIMES.to_json()})
    (child,) = children_of(client, run_id)
    assert (child.info.run_name, child.info.status) == ("raw_cnn", "FINISHED")
    assert child.data.params == {"kind": "raw_cnn", "epochs": "3"}
    assert losses_of(client, child) == list(enumerate(LOSSES))
    assert {"loss", "learning_rate", "epoch_s", "validation_top1"} == set(child.data.metrics)
    # It shows when it was trained, and not when it was recorded.
    assert (child.info.start_time, child.info.end_time) == (TIMES.started_ms, TIMES.ended_ms[-1])
    stamps = [point.timestamp for point in client.get_metric_history(child.info.run_id, "loss")]
    assert stamps == TIMES.ended_ms


def test_record__without_times_has_every_figure_that_is_no_time(
    client: MlflowClient, run_id: str, tmp_path: Path
) -> None:
    record_heads(client, run_id, {trained(tmp_path / "head"): ""})
    (child,) = children_of(client, run_id)
    assert losses_of(client, child) == list(enumerate(LOSSES))
    assert "epoch_s" not in child.data.metrics
    assert child.data.metrics["validation_top1"] == 0.5


def test_record__twice_is_as_once(client: MlflowClient, run_id: str, tmp_path: Path) -> None:
    heads = {trained(tmp_path / "one"): TIMES.to_json(), trained(tmp_path / "two", name="texture"): ""}
    record_heads(client, run_id, heads)
    before = {child.info.run_name: child.info.run_id for child in children_of(client, run_id)}
    record_heads(client, run_id, heads)
    children = children_of(client, run_id)
    assert {child.info.run_name: child.info.run_id for child in children} == before
    assert [losses_of(client, child) for child in children] == [list(enumerate(LOSSES))] * 2


def test_record__completes_what_a_server_that_went_away_has_by_half(
    client: MlflowClient, run_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    folder = tmp_path / "head"
    folder.mkdir()
    with HeadRun("raw_cnn", PARAMS) as head_run:
        for number, loss in enumerate(LOSSES):
            head_run.epoch(number, {"loss": loss, "learning_rate": 0.1, "epoch_s": 0.25})
            monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_ports(1)[0]}")
        head_run.result(RESULT)
        head_run.save(folder)
    (child,) = children_of(client, run_id)
    assert (losses_of(client, child), child.info.status) == ([(0, 3.0)], "RUNNING")
    record_heads(client, run_id, {str(folder): head_run.times.to_json()})
    (completed,) = children_of(client, run_id)
    assert completed.info.run_id == child.info.run_id
    assert (losses_of(client, completed), completed.info.status) == (list(enumerate(LOSSES)), "FINISHED")
    seconds = client.get_metric_history(child.info.run_id, "epoch_s")
    assert [(point.step, point.value) for point in seconds] == [(0, 0.25), (1, 0.25), (2, 0.25)]
    assert completed.data.metrics["validation_top1"] == 0.5


@pytest.mark.parametrize("killed", [[9.0], [3.0, 2.0, 1.5, 1.2]], ids=["other figures", "more epochs"])
def test_record__takes_the_place_of_another_training_that_was_killed(
    killed: list[float], client: MlflowClient, run_id: str, tmp_path: Path
) -> None:
    abandoned = HeadRun("raw_cnn", PARAMS).__enter__()
    for number, loss in enumerate(killed):
        abandoned.epoch(number, {"loss": loss})
    record_heads(client, run_id, {trained(tmp_path / "head"): ""})
    (child,) = children_of(client, run_id)
    assert losses_of(client, child) == list(enumerate(LOSSES))


def test_folders__of_equal_trainings_are_equal_however_long_they_took(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What follows is keyed by their bytes.
    monkeypatch.delenv("SILENCIO_RUN_KEY", raising=False)
    texts = []
    for seconds in (1.0, 7.5):
        with HeadRun("raw_cnn", PARAMS) as head_run:
            head_run.epoch(0, {"loss": 3.0, "epoch_s": seconds})
            head_run.result(RESULT)
            (tmp_path / str(seconds)).mkdir()
            head_run.save(tmp_path / str(seconds))
        assert json.loads(head_run.times.to_json())["epoch_s"] == [seconds]
        texts.append((tmp_path / str(seconds) / "record.json").read_bytes())
    assert texts[0] == texts[1]
