"""Files that KFP compiled are read, and others are named in one sentence."""

from pathlib import Path

import pytest

from pipelines.ir_check.package import Dag, Package, at, claim_of, read_package
from silencio.errors import PipelineError


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "cannot be read as YAML"),
        ("", "holds 0 pipelines instead of one"),
        ("just words", "holds 0 pipelines instead of one"),
        ("pipelineInfo: {}\n---\npipelineInfo: {}", "holds 2 pipelines instead of one"),
    ],
)
def test_file__that_is_no_pipeline_is_one_sentence(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(PipelineError, match=message):
        read_package(path)


def test_file__that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"gone\.yaml cannot be read as YAML"):
        read_package(tmp_path / "gone.yaml")


def test_file__without_settings_for_kubernetes_has_none(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("pipelineInfo: {name: x}\n")
    assert read_package(path).kubernetes == {}
    path.write_text("pipelineInfo: {name: x}\n---\nplatforms: {kubernetes: {deploymentSpec: {executors: {a: {}}}}}\n")
    assert read_package(path).kubernetes == {"a": {}}


def test_file__holds_the_pipeline_s_document_in_any_order(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("platforms: {other: {}}\n---\n[1]\n---\npipelineInfo: {name: x}\nroot: {}\n")
    package = read_package(path)
    assert package.spec == {"pipelineInfo": {"name": "x"}, "root": {}}
    assert package.kubernetes == {}


def test_package__without_parts_has_none(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("pipelineInfo: {name: x}\n")
    package = read_package(path)
    assert (package.components, package.executors, list(package.dags()), list(package.containers())) == ({}, {}, [], [])
    assert package.component_of({}) == {}


def test_containers__are_those_of_executors_that_have_one() -> None:
    package = Package(
        {"deploymentSpec": {"executors": {"a": {"container": {"image": "x"}}, "b": {"importer": {}}}}}, {}
    )
    assert list(package.containers()) == [("a", {"image": "x"})]


def test_task__is_called_by_its_graph_unless_that_is_the_pipeline_s() -> None:
    assert at(Dag("root", {}), "train") == "train"
    assert at(Dag("comp-loop", {}), "train") == "comp-loop/train"


@pytest.mark.parametrize(
    ("mount", "name"),
    [
        ({"constant": "a"}, "a"),
        ({"pvcNameParameter": {"runtimeValue": {"constant": "b"}}}, "b"),
        ({"constant": "a", "pvcNameParameter": {"runtimeValue": {"constant": "b"}}}, "a"),
        ({"pvcNameParameter": {"componentInputParameter": "claim"}}, ""),
    ],
)
def test_claim__is_the_one_that_is_named(mount: dict, name: str) -> None:
    assert claim_of(mount) == name
