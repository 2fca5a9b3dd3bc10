"""The graphs of `train` with a student and with self-training, as they are compiled."""

import warnings
from pathlib import Path

import pytest
import yaml
from kfp import compiler

from pipelines.train import train_pipeline
from silencio.config import preset_text, resolve

Tasks = dict[str, dict]


@pytest.fixture
def tasks(tmp_path: Path):
    """`tasks("student={}")` are the graph's, by name."""

    def compiled(*overrides: str) -> Tasks:
        resolved = resolve(preset_text("demo"), overrides=overrides)
        path = tmp_path / "graph.yaml"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compiler.Compiler().compile(train_pipeline("demo", resolved, "{}"), str(path))
        return next(yaml.load_all(path.read_text(), yaml.CSafeLoader))["root"]["dag"]["tasks"]

    return compiled


def producer(task: dict, name: str) -> str:
    return task["inputs"]["artifacts"][name]["taskOutputArtifact"]["producerTask"]


def part(task: dict) -> str:
    """Which part of the configuration it reads."""
    given = task["inputs"]["parameters"]["config"]["taskOutputParameter"]
    assert given["producerTask"] == "configure"
    return given["outputParameterKey"]


def test_student__learns_from_the_ensemble_and_is_judged_like_it(tasks) -> None:
    graph = tasks("student={}")
    assert producer(graph["label"], "fusion") == "fuse"
    assert producer(graph["train-student"], "soft") == "label"
    assert producer(graph["fuse-student"], "head_1") == producer(graph["fuse-student"], "head_6") == "train-student"
    for step in ("fuse", "calibrate", "export", "evaluate", "judge"):
        # What of the configuration speaks of heads speaks of the student alone.
        of_student = step if step in ("calibrate", "judge") else f"{step}_student"
        assert part(graph[f"{step}-student"]) == of_student
        assert part(graph[step]) == step
    assert part(graph["train-student"]) == "student"
    assert producer(graph["evaluate"], "test") == producer(graph["evaluate-student"], "test")
    # Its figures stand beside its teacher's; an ensemble has none.
    assert producer(graph["evaluate-student"], "teacher") == "evaluate"
    assert "teacher" not in graph["evaluate"]["inputs"]["artifacts"]


@pytest.mark.parametrize(("released", "other"), [("student", "ensemble"), ("ensemble", "student")])
def test_student__only_the_released_bundle_is_registered(tasks, released: str, other: str) -> None:
    graph = tasks("student={}", f"release={released}")
    judge_of = {"student": "judge-student", "ensemble": "judge"}
    assert producer(graph["register"], "bundle") == judge_of[released]
    assert producer(graph["record"], "bundle") == judge_of[other]
    # `register` ends the run in MLflow: what is recorded is recorded before.
    assert "record" in graph["register"]["dependentTasks"]
    assert {producer(graph["compare-bundles"], name) for name in judge_of} == set(judge_of.values())


def test_self_training__trains_label_and_train_again(tasks) -> None:
    graph = tasks("self_training={rounds: 2}")
    heads = ("effnet-lora", "texture")
    assert producer(graph["label-pool-first"], "head_1") == "train-effnet-lora-first"
    for head in heads:
        assert producer(graph[f"train-{head}-second"], "soft") == "label-pool-first"
        assert producer(graph[f"train-{head}"], "soft") == "label-pool-second"
    assert producer(graph["fuse"], "head_2") == "train-texture"
    assert producer(graph["evaluate"], "fusion") == "fuse"
    for head, place in zip(heads, ("head_1", "head_2"), strict=True):
        assert {part(graph[f"train-{head}{which}"]) for which in ("-first", "-second", "")} == {place}


def test_self_training__soundscapes_reach_training_and_nothing_that_judges(tasks) -> None:
    graph = tasks("self_training={pool: soundscapes}")
    assert producer(graph["plan-development"], "assignment") == "pool"
    for name in ("plan-test", "export"):
        assert producer(graph[name], "assignment") == "split"
    assert producer(graph["fuse"], "usable") == "validate"
    assert "pool" not in tasks("self_training={pool: hidden}")


def test_training_steps__are_handed_no_test_recording(tasks) -> None:
    graph = tasks("student={}", "self_training={}")
    loop = next(name for name, task in graph.items() if "plan-test" in task.get("dependentTasks", []))
    readers = {
        name
        for name, task in graph.items()
        for artifact in task.get("inputs", {}).get("artifacts", {}).values()
        if artifact.get("taskOutputArtifact", {}).get("producerTask") == loop
    }
    # judge draws pictures of it; times are taken on validation recordings.
    assert readers == {"evaluate", "judge", "evaluate-student", "judge-student"}


def test_without_them__no_node_is_there_for_them(tasks) -> None:
    graph = tasks()
    assert not {name for name in graph if name.split("-")[0] in ("label", "pool", "compare", "record")}
