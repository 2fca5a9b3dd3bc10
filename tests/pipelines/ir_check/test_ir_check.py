"""The checker as a whole: on every pipeline that is compiled, on faults planted in one, and before anything is sent."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp import dsl

from components.image import STEP, VERSION
from pipelines import submit
from pipelines.compile import COMPILED, write_package
from pipelines.ir_check import RULES, faults_in, refuse_faults
from pipelines.ir_check.schema import documents
from silencio.__main__ import main
from silencio.errors import PipelineError
from tests.pipelines.kfp_stub import KfpStub

FILES = sorted(COMPILED.glob("*.yaml"))
DEMO = COMPILED / f"train-demo-{VERSION}.yaml"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_committed_pipeline__is_one_that_a_kfp_host_runs(path: Path) -> None:
    assert faults_in(path) == []


@pytest.fixture
def planted(tmp_path: Path):
    """`planted(change)` is a copy of the compiled demo, with its documents changed."""

    def copy(change: Any) -> Path:
        documents = list(yaml.load_all(DEMO.read_text(), yaml.CSafeLoader))
        change(*documents)
        path = tmp_path / "planted.yaml"
        path.write_text(yaml.safe_dump_all(documents))
        return path

    return copy


def a_bare_list(spec: dict, _: dict) -> None:
    """What `-> list` compiles to, and what every loop was."""
    for component in spec["components"].values():
        for word, definition in component.get("inputDefinitions", {}).get("parameters", {}).items():
            if word.endswith("loop-item"):
                definition["parameterType"] = "STRING"


def a_placeholder_in_a_constant(spec: dict, _: dict) -> None:
    parameters = spec["root"]["dag"]["tasks"]["export"]["inputs"]["parameters"]
    parameters["image"] = {"runtimeValue": {"constant": "{{$.inputs.parameters['pipelinechannel--image']}}"}}


def a_step_that_knows_no_version(spec: dict, _: dict) -> None:
    for side in (
        spec["components"]["comp-validate"]["inputDefinitions"],
        spec["root"]["dag"]["tasks"]["validate"]["inputs"],
    ):
        del side["parameters"]["inputs_version"]


def a_secret_that_is_required(_: dict, platform: dict) -> None:
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    executors["exec-ingest"]["secretAsEnv"][0]["optional"] = False


def a_field_that_protobuf_does_not_know(spec: dict, _: dict) -> None:
    spec["root"]["dag"]["tasks"]["fit-ensemble"]["retries"] = 3


def a_type_that_protobuf_does_not_know(spec: dict, _: dict) -> None:
    spec["root"]["inputDefinitions"]["parameters"]["data"]["parameterType"] = "TEXT"


def a_container_in_another_form(spec: dict, _: dict) -> None:
    spec["deploymentSpec"]["executors"]["exec-fit-ensemble"]["container"]["command"] = {"run": "it"}


def a_setting_that_kubernetes_does_not_know(_: dict, platform: dict) -> None:
    platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]["exec-fit-ensemble"] = {"priority": "high"}


def memory_that_nobody_parses(spec: dict, _: dict) -> None:
    spec["deploymentSpec"]["executors"]["exec-fit-ensemble"]["container"]["resources"]["resourceMemoryLimit"] = "8GB"


PLANTED = {
    a_bare_list: (
        "comp-featurize-development-shards/featurize-development, parameter shard: it takes NUMBER_INTEGER and is "
        "given STRING by pipelinechannel--plan-development-Output-loop-item"
    ),
    a_placeholder_in_a_constant: (
        "export, parameter image: \"{{$.inputs.parameters['pipelinechannel--image']}}\" stands in a constant"
    ),
    a_step_that_knows_no_version: (
        "validate: it is cached, and input data, input previous, step inputs-version reaches it by artifacts alone, "
        "which the cache knows by name"
    ),
    a_secret_that_is_required: "exec-ingest: secret silencio-s3 is required, and a pod without it never starts",
    a_field_that_protobuf_does_not_know: "root: protobuf does not parse it (",
    a_type_that_protobuf_does_not_know: "root: protobuf does not parse it (",
    a_container_in_another_form: "deploymentSpec: protobuf does not parse it (",
    a_setting_that_kubernetes_does_not_know: "exec-fit-ensemble: protobuf does not parse it (",
    memory_that_nobody_parses: "exec-fit-ensemble: resourceMemoryLimit '8GB' is no amount",
}


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_compiled_pipeline__planted_fault_is_named(plant: Any, planted: Any) -> None:
    with pytest.raises(PipelineError) as refused:
        refuse_faults(planted(plant))
    first, *lines = str(refused.value).split("\n")
    assert first.startswith("no KFP host would run planted.yaml (")
    assert any(line.startswith(f"- {PLANTED[plant]}") for line in lines)


def test_many_faults__are_counted_and_the_first_are_shown(planted: Any) -> None:
    def everything(spec: dict, _: dict) -> None:
        for executor in spec["deploymentSpec"]["executors"].values():
            executor["container"]["image"] = "silencio/train:latest"

    path = planted(everything)
    n_faults = len(faults_in(path))
    assert n_faults > 11
    with pytest.raises(PipelineError) as refused:
        refuse_faults(path)
    lines = str(refused.value).split("\n")
    assert lines[0] == f"no KFP host would run planted.yaml ({n_faults} faults):"
    assert len(lines) == 12
    assert lines[-1] == f"- and {n_faults - 10} more"


def test_pipeline_without_faults__is_let_through() -> None:
    refuse_faults(DEMO)


def test_fault__is_named_once(planted: Any) -> None:
    faults = faults_in(planted(a_bare_list))
    assert len(faults) == len({str(fault) for fault in faults}) == 2


@dsl.component(**STEP)
def listing() -> list:
    return [1]


@dsl.component(**STEP)
def counting(number: int):
    pass


@dsl.pipeline(name="bare")
def bare() -> None:
    with dsl.ParallelFor(listing().output) as number:
        counting(number=number)


def test_compiling__refuses_what_a_host_would_not_run_and_leaves_nothing(tmp_path: Path) -> None:
    # The SDK says nothing: it lifts its own check for the items of a loop.
    with pytest.raises(
        PipelineError, match=r"counting, parameter number: it takes NUMBER_INTEGER and is given STRING by"
    ):
        write_package(bare, tmp_path / "bare.yaml")
    assert not list(tmp_path.iterdir())


def test_submitting__refuses_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(submit, "train_pipeline", lambda *_: bare)
    with KfpStub() as stub:
        assert main(["submit", "train", "--preset", "demo", "--host", stub.url]) == 1
        assert not stub.runs
    assert "no KFP host would run train-demo.yaml (1 faults)" in capsys.readouterr().err


def test_submitting__looks_at_the_image_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(submit, "pinned", lambda image, _: image)
    with KfpStub() as stub:
        image = ["--image", "Registry/Silencio:1"]
        assert main(["submit", "train", "--preset", "demo", "--host", stub.url, *image]) == 1
        assert not stub.runs
    assert "'Registry/Silencio:1' is no image's name" in capsys.readouterr().err


def test_command__prints_that_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 0
    assert capsys.readouterr().out == f"{len(FILES)} compiled pipelines: a KFP host takes all of them\n"


def test_command__names_file_and_fault(planted: Any, capsys: pytest.CaptureFixture[str]) -> None:
    path = planted(a_secret_that_is_required)
    assert main(["check", str(DEMO), str(path)]) == 1
    printed = capsys.readouterr().err.splitlines()
    assert printed == [
        "planted.yaml: exec-ingest: secret silencio-s3 is required, and a pod without it never starts: ask for it with "
        "optional=True: the step says what it lacks",
        "1 faults that a KFP host would find: correct them and compile anew",
    ]


@pytest.mark.parametrize("rule", [*RULES, documents], ids=lambda rule: rule.__name__)
def test_rule__names_where_the_backend_has_it(rule: Any) -> None:
    assert any(source in rule.__doc__ for source in (".go", ".proto", "kubernetes/"))
