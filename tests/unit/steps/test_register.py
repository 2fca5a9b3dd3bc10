"""register: the record of a run, and a version where the gates let it pass."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from kfp import dsl
from mlflow import MlflowClient
from mlflow.entities import Run

from components.register import register
from silencio.errors import BundleError, BundleIntegrityError, RegistryError
from silencio.registry.connection import connect
from silencio.registry.head_record import HeadRecord, Times
from silencio.registry.models import versions
from silencio.registry.runs import children_of, fresh_child, open_run
from silencio.steps.register import Inputs, Outputs
from silencio.steps.register import run as register_run
from tests.unit.registry.places import BAD, CONFIG, PARENTS, fresh_database, register_inputs, write_bundle


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", fresh_database(tmp_path / "tracking"))
    return connect()


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "bundle")


def _register(client: MlflowClient, bundle: Path, folder: Path, *, passed: bool = True) -> tuple[str, Run]:
    run_id = open_run("train", "abc123", "local", "job-1")
    inputs = register_inputs(folder / "inputs", bundle, passed=passed)
    version = register_run(Inputs(run_id, CONFIG, **inputs), Outputs(folder / "registration"))
    return version, client.get_run(run_id)


def test_register__records_all_that_the_run_was(client: MlflowClient, bundle: Path, tmp_path: Path) -> None:
    _, run = _register(client, bundle, tmp_path)
    assert run.info.status == "FINISHED"
    assert run.data.params["heads.raw_cnn.widths"] == "[4, 8]"
    assert run.data.metrics == {"test/macro_map": 0.81, "test/top1": 0.75, "test/by_class/Aves/top1": 0.5}
    wanted = {"git_commit": PARENTS["code_version"], "bundle_version": "b1", "verdict": "passed"}
    wanted |= {name: PARENTS[name] for name in ("data_fingerprint", "split_sha256", "image")}
    assert {name: run.data.tags[name] for name in wanted} == wanted
    assert "| macro_map | passed | 0.81 is at least 0.50 |" in run.data.tags["mlflow.note.content"]
    names = {entry.path for entry in client.list_artifacts(run.info.run_id)}
    assert names == {"bundle", "config.yaml", "evaluation.json", "report.html", "verdict.json"}
    stored = {Path(entry.path).name for entry in client.list_artifacts(run.info.run_id, "bundle")}
    assert stored == {path.name for path in bundle.iterdir()}
    verdict = Path(client.download_artifacts(run.info.run_id, "verdict.json", str(tmp_path)))
    assert json.loads(verdict.read_text())["policy"] == "kept as it is"


def test_register__what_passed_is_a_version(client: MlflowClient, bundle: Path, tmp_path: Path) -> None:
    version, run = _register(client, bundle, tmp_path)
    assert version == "1"
    assert run.data.tags["model_version"] == "1"
    assert run.data.tags["needs_retraining"] == "false"
    (found,) = versions()
    assert (found.number, found.aliases, found.run_id) == (1, ("challenger",), run.info.run_id)
    registration = json.loads((tmp_path / "registration").read_text())
    assert (registration["version"], registration["verdict"], registration["failed_gates"]) == ("1", "passed", [])


def test_register__what_was_refused_is_no_version_and_why(client: MlflowClient, bundle: Path, tmp_path: Path) -> None:
    version, run = _register(client, bundle, tmp_path, passed=False)
    assert version == ""
    assert versions() == []
    assert not client.search_registered_models()
    tags = run.data.tags
    assert (tags["verdict"], tags["needs_retraining"]) == ("refused", "true")
    assert tags["refused_because"] == "birds: 0.31 is less than 0.50"
    assert "| birds | **failed** |" in tags["mlflow.note.content"]
    assert run.info.status == "FINISHED"
    # What was refused can still be looked at.
    assert "bundle" in {entry.path for entry in client.list_artifacts(run.info.run_id)}
    assert json.loads((tmp_path / "registration").read_text())["failed_gates"] == ["birds: 0.31 is less than 0.50"]


@pytest.mark.parametrize("applies", ["applies", "asked"], ids=["now", "before 0.1.0"])
def test_register__what_did_not_apply_stands_in_the_run(
    client: MlflowClient, bundle: Path, tmp_path: Path, applies: str
) -> None:
    inputs = register_inputs(tmp_path / "inputs", bundle)
    facts = json.loads(inputs["verdict"].read_text())
    few = {"gate": "calibration", "passed": True, "message": "so few", "decides": False, applies: True}
    none = {"gate": "minimum test top1", "passed": True, "message": "taken away", "decides": False, applies: False}
    inputs["verdict"].write_text(json.dumps({**facts, "reasons": [*facts["reasons"], few, none]}))
    run_id = open_run("train", "abc123", "local", "")
    register_run(Inputs(run_id, CONFIG, **inputs), Outputs(tmp_path / "registration"))
    tags = client.get_run(run_id).data.tags
    assert tags["gates_not_asked"] == "minimum test top1"
    assert "| calibration | too few to decide | so few |" in tags["mlflow.note.content"]
    assert "| minimum test top1 | not asked | taken away |" in tags["mlflow.note.content"]


def test_register__started_again_registers_nothing_twice(client: MlflowClient, bundle: Path, tmp_path: Path) -> None:
    first = _register(client, bundle, tmp_path)
    second = _register(client, bundle, tmp_path)
    assert (first[0], first[1].info.run_id) == (second[0], second[1].info.run_id)
    assert len(versions()) == 1
    assert len(client.get_metric_history(second[1].info.run_id, "test/macro_map")) == 1


def test_register__leaves_no_head_without_its_record_and_none_running(
    client: MlflowClient, bundle: Path, tmp_path: Path
) -> None:
    run_id = open_run("train", "abc", "local", "job-1")
    fresh_child(client, run_id, "killed before it was trained by another", {})
    (tmp_path / "head").mkdir()
    HeadRecord("raw_cnn", {"epochs": 1}, [{"loss": 1.0}], {"validation_top1": 0.5}).save(tmp_path / "head")
    inputs = register_inputs(tmp_path / "inputs", bundle)
    heads = {str(tmp_path / "head"): ""}
    for _ in range(2):
        register_run(Inputs(run_id, CONFIG, **inputs, heads=heads), Outputs(tmp_path / "registration"))
        children = {str(child.info.run_name): child for child in children_of(client, run_id)}
        assert len(children) == 2
        assert {child.info.status for child in children.values()} == {"FINISHED"}
        assert children["raw_cnn"].data.metrics == {"loss": 1.0, "validation_top1": 0.5}


@pytest.mark.parametrize(
    "verdict",
    [
        "",
        "[]",
        "{}",
        '{"passed": "yes", "reasons": []}',
        '{"passed": 1, "reasons": []}',
        '{"passed": true, "reasons": [{}]}',
        '{"passed": true, "reasons": [{"gate": "birds", "passed": "no", "message": "0.31 of 0.50"}]}',
        '{"reasons": []}',
    ],
)
def test_register__a_verdict_that_cannot_be_read_lets_nothing_pass(
    verdict: str, client: MlflowClient, bundle: Path, tmp_path: Path
) -> None:
    inputs = register_inputs(tmp_path / "inputs", bundle)
    inputs["verdict"].write_text(verdict)
    with pytest.raises(BundleError, match="is no verdict of the gates"):
        register_run(
            Inputs(open_run("train", "abc", "local", ""), CONFIG, **inputs), Outputs(tmp_path / "registration")
        )
    assert versions() == []


def test_register__a_verdict_that_contradicts_itself_or_the_bundle(client: MlflowClient, tmp_path: Path) -> None:
    sealed = write_bundle(tmp_path / "sealed", verdict={"passed": False, "failed_gates": ["too few birds"]})
    run_id = open_run("train", "abc", "local", "")
    inputs = register_inputs(tmp_path / "inputs", sealed)
    with pytest.raises(RegistryError, match="sealed with another verdict"):
        register_run(Inputs(run_id, CONFIG, **inputs), Outputs(tmp_path / "registration"))
    inputs["verdict"].write_text(json.dumps({"passed": True, "reasons": [BAD]}))
    with pytest.raises(BundleError, match=r"contradicts itself: passed, but birds: 0\.31"):
        register_run(Inputs(run_id, CONFIG, **inputs), Outputs(tmp_path / "registration"))
    assert versions() == []


def test_register__a_bundle_that_was_changed_is_not_registered(
    client: MlflowClient, bundle: Path, tmp_path: Path
) -> None:
    (bundle / "MODEL_CARD.md").write_text("better")
    with pytest.raises(BundleIntegrityError, match=r"MODEL_CARD\.md was changed"):
        _register(client, bundle, tmp_path)
    assert versions() == []


def test_register__as_a_component(client: MlflowClient, bundle: Path, tmp_path: Path) -> None:
    run_id = open_run("train", "abc", "local", "")
    paths = register_inputs(tmp_path / "inputs", bundle)
    inputs = {name: dsl.Artifact(uri=str(path)) for name, path in paths.items()}
    registration = dsl.Artifact(uri=str(tmp_path / "out" / "registration"))
    (tmp_path / "head").mkdir()
    HeadRecord("raw_cnn", {}, [{"loss": 1.0}], {}).save(tmp_path / "head")
    times = Times(started_ms=1, ended_ms=[2], epoch_s=[0.5]).to_json()
    # One head stands in all six places.
    head = dsl.Model(uri=str(tmp_path / "head"), metadata={"times": times})
    inputs |= {f"head_{number}": head for number in range(1, 7)}
    assert register.python_func(run_id=run_id, config=CONFIG, registration=registration, **inputs) == ("1",)
    assert [child.data.metrics["epoch_s"] for child in children_of(client, run_id)] == [0.5]
    assert registration.metadata["version"] == "1"
    assert json.loads(Path(registration.path).read_text())["run_id"] == run_id


def test_register__without_a_run(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="takes the run_id of the step open_run"):
        register_run(
            Inputs("", CONFIG, **register_inputs(tmp_path / "inputs", bundle)), Outputs(tmp_path / "registration")
        )


def test_register__configuration_that_the_run_does_not_have(client: MlflowClient, bundle: Path, tmp_path: Path) -> None:
    _, recorded = _register(client, bundle, tmp_path)
    inputs = register_inputs(tmp_path / "inputs", bundle)
    with pytest.raises(RegistryError, match=r"^recording run \w+ failed: .*seed") as caught:
        register_run(Inputs(recorded.info.run_id, "seed: 4\n", **inputs), Outputs(tmp_path / "registration"))
    assert "\n" not in str(caught.value)
