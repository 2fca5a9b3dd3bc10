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


def test_student__learns_from_the_ensemble_and_is_evaluated_like_it(tasks) -> None:
    graph = tasks("student={}")
    assert producer(graph["pseudo-label"], "ensemble") == "fit-ensemble"
    assert producer(graph["distill-student"], "soft_labels") == "pseudo-label"
    assert (
        producer(graph["fit-ensemble-student"], "head_1")
        == producer(graph["fit-ensemble-student"], "head_6")
        == "distill-student"
    )
    for step in ("fit-ensemble", "calibrate", "export", "evaluate", "apply-gates"):
        # What of the configuration speaks of heads speaks of the student alone.
        of_student = step.replace("-", "_") + ("" if step in ("calibrate", "apply-gates") else "_student")
        assert part(graph[f"{step}-student"]) == of_student
        assert part(graph[step]) == step.replace("-", "_")
    assert part(graph["distill-student"]) == "student"
    assert producer(graph["evaluate"], "test") == producer(graph["evaluate-student"], "test")
    # Its figures stand beside its teacher's; an ensemble has none.
    assert producer(graph["evaluate-student"], "teacher") == "evaluate"
    assert "teacher" not in graph["evaluate"]["inputs"]["artifacts"]


@pytest.mark.parametrize(("released", "other"), [("student", "ensemble"), ("ensemble", "student")])
def test_student__only_the_released_bundle_is_registered(tasks, released: str, other: str) -> None:
    graph = tasks("student={}", f"release={released}")
    gates_of = {"student": "apply-gates-student", "ensemble": "apply-gates"}
    assert producer(graph["register"], "bundle") == gates_of[released]
    assert producer(graph["record"], "bundle") == gates_of[other]
    # `register` ends the run in MLflow: what is recorded is recorded before.
    assert "record" in graph["register"]["dependentTasks"]
    assert {producer(graph["compare-bundles"], name) for name in gates_of} == set(gates_of.values())


def test_self_training__trains_label_and_train_again(tasks) -> None:
    graph = tasks("self_training={rounds: 2}")
    heads = ("effnet-lora", "texture")
    assert producer(graph["pseudo-label-first"], "head_1") == "train-effnet-lora-first"
    for head in heads:
        assert producer(graph[f"distill-{head}-second"], "soft_labels") == "pseudo-label-first"
        assert producer(graph[f"distill-{head}"], "soft_labels") == "pseudo-label-second"
    assert producer(graph["fit-ensemble"], "head_2") == "distill-texture"
    assert producer(graph["evaluate"], "ensemble") == "fit-ensemble"
    for head, place in zip(heads, ("head_1", "head_2"), strict=True):
        assert {part(graph[node]) for node in (f"train-{head}-first", f"distill-{head}-second", f"distill-{head}")} == {
            place
        }


def test_heads__are_named_on_the_page_of_every_step_that_has_places_for_them(tasks) -> None:
    graph = tasks("student={}", "self_training={}")
    named = {name: task["inputs"]["parameters"].get("heads_in_places") for name, task in graph.items()}
    places = {name for name, task in graph.items() if "head_1" in task["inputs"].get("artifacts", {})}
    assert {name for name, value in named.items() if value} == places
    for name in places:
        words = named[name]["runtimeValue"]["constant"]
        of_student = name.endswith("-student")
        assert words == (
            "head_1 to head_6: student" if of_student else "head_1: effnet_lora; head_2 to head_6: texture"
        )
        inputs = graph[name]["inputs"]["artifacts"]
        makers = [inputs[f"head_{number}"]["taskOutputArtifact"]["producerTask"] for number in (1, 2, 6)]
        if not of_student:
            assert ["effnet-lora" in makers[0], "texture" in makers[1], "texture" in makers[2]] == [True] * 3


def test_self_training__soundscapes_reach_training_and_nothing_that_evaluates(tasks) -> None:
    graph = tasks("self_training={pool: soundscapes}")
    assert producer(graph["plan-development"], "assignment") == "pool-unlabelled"
    for name in ("plan-test", "export"):
        assert producer(graph[name], "assignment") == "split"
    assert producer(graph["fit-ensemble"], "usable") == "validate"
    assert "pool-unlabelled" not in tasks("self_training={pool: hidden}")


def test_training_steps__are_handed_no_test_recording(tasks) -> None:
    graph = tasks("student={}", "self_training={}")
    loop = next(name for name, task in graph.items() if "plan-test" in task.get("dependentTasks", []))
    readers = {
        name
        for name, task in graph.items()
        for artifact in task.get("inputs", {}).get("artifacts", {}).values()
        if artifact.get("taskOutputArtifact", {}).get("producerTask") == loop
    }
    # `apply-gates` draws pictures of it; times are taken on validation recordings.
    assert readers == {"evaluate", "apply-gates", "evaluate-student", "apply-gates-student"}


def test_without_them__no_node_is_there_for_them(tasks) -> None:
    graph = tasks()
    assert not {name for name in graph if name.split("-")[0] in ("pseudo", "pool", "distill", "compare", "record")}


def test_cross_fit__trains_each_head_without_each_fold_on_nodes_of_their_own(tasks) -> None:
    graph = tasks("split.scheme=cross_fit", "split.n_folds=3")
    for head in ("effnet-lora", "texture"):
        folds = [f"train-{head}-fold-{number}" for number in (1, 2, 3)]
        assert {name for name in graph if name.startswith(f"train-{head}")} == {f"train-{head}", *folds}
        for number, name in enumerate(folds):
            assert graph[name]["inputs"]["parameters"]["fold"]["runtimeValue"]["constant"] == number
            # The head's own settings and the recordings: another head that changes leaves it alone.
            assert part(graph[name]) == part(graph[f"train-{head}"])
            assert graph[name]["dependentTasks"] == graph[f"train-{head}"]["dependentTasks"]
        joined = graph[f"join-{head}"]
        assert producer(joined, "whole") == f"train-{head}"
        assert [producer(joined, f"fold_{place}") for place in range(1, 11)] == [*folds, *7 * [folds[-1]]]
    assert producer(graph["fit-ensemble"], "head_1") == "join-effnet-lora"
    assert producer(graph["evaluate"], "head_2") == "join-texture"
    # Nothing is held out: what is evaluated is what was trained on, by models that had not seen it.
    assert not [name for name in graph if "test" in name]
    assert producer(graph["evaluate"], "test") == producer(graph["evaluate"], "development")


def test_holdout__has_no_folds(tasks) -> None:
    graph = tasks("split.n_folds=7")
    assert not [name for name in graph if "fold" in name or name.startswith("join-")]
