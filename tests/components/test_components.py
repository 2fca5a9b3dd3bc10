"""Components are thin: they say what, the library says how."""

import ast
import inspect
import json
import re
from pathlib import Path

import pytest
import yaml
from kfp import dsl

import components
from components.plan import plan
from silencio.config import resolve
from silencio.errors import ConfigError
from silencio.steps import __path__ as steps_path
from silencio.steps.configure import configure_step

FOLDERS = sorted(path.parent for path in Path(components.__path__[0]).glob("*/component.py"))
MOST_STATEMENTS = 10


def function_of(folder: Path) -> ast.FunctionDef:
    tree = ast.parse((folder / "component.py").read_text())
    return next(node for node in tree.body if isinstance(node, ast.FunctionDef))


def component_of(folder: Path):
    return getattr(__import__(f"components.{folder.name}", fromlist=[folder.name]), folder.name)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_component__has_a_body_of_at_most_ten_lines(folder: Path) -> None:
    body = function_of(folder).body[1:]
    n_lines = sum(node.end_lineno - node.lineno + 1 for node in body)
    assert n_lines <= MOST_STATEMENTS


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_component__describes_every_argument_for_the_ui(folder: Path) -> None:
    function = function_of(folder)
    documentation = ast.get_docstring(function)
    assert documentation
    missing = [argument.arg for argument in function.args.args if f"{argument.arg}: " not in documentation]
    assert not missing


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_component__has_its_step_in_the_library(folder: Path) -> None:
    assert (Path(next(iter(steps_path))) / f"{folder.name}.py").is_file()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_component__installs_nothing_when_it_starts(folder: Path) -> None:
    spec = component_of(folder).component_spec.implementation.container
    assert "pip install" not in " ".join(spec.command)
    assert not spec.image.endswith(":latest")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_component__needs_nothing_of_its_module(folder: Path) -> None:
    # KFP ships the function's source alone: a name from the module would be missing in the pod.
    function = component_of(folder).python_func
    names = {node.id for node in ast.walk(ast.parse(inspect.getsource(function))) if isinstance(node, ast.Name)}
    assert "STEP" in names  # the decorator, which is not shipped
    assert not names & {"Path", "pd", "np", "yaml"}


def test_plan__lists_the_shards_of_a_part(tmp_path: Path) -> None:
    import pandas as pd

    table = pd.DataFrame({"split": ["train", "validation", "test", "train"], "shard": [0, 0, 2, 1]})
    table.to_parquet(tmp_path / "assignment")
    assignment = dsl.Dataset(uri=str(tmp_path / "assignment"))
    assert plan.python_func("development", assignment) == [0, 1]
    assert plan.python_func("test", assignment) == [2]


def test_ingest__leaves_out_labels_with_fewer_recordings_than_configured(tiny_source: Path, tmp_path: Path) -> None:
    from components.ingest import ingest

    outputs = {name: dsl.Artifact(uri=str(tmp_path / name)) for name in ("recordings", "classes", "soundscapes")}
    metrics = dsl.Metrics(uri=str(tmp_path / "metrics"))
    ingest.python_func(
        str(tiny_source), '{"reads": ["min_recordings"], "min_recordings": 1}', metrics=metrics, **outputs
    )
    assert (metrics.metadata["recordings"], metrics.metadata["species"]) == (20, 4)


CONFIG = "{heads: {raw_cnn: {epochs: 3}}, supervisor: {}}"


def test_configure__hands_every_step_its_part_under_its_name() -> None:
    from components.configure import configure

    overrides = ["heads.raw_cnn.epochs=7"]
    configured = configure.python_func(CONFIG, overrides, resolve(CONFIG).graph)
    named = dict(zip(configure.component_spec.outputs, configured, strict=True))
    assert json.loads(named["head_1"])["heads"]["raw_cnn"]["epochs"] == 7
    assert yaml.safe_load(named["resolved"])["heads"]["raw_cnn"]["epochs"] == 7
    assert named["head_2"] == ""
    assert named == configure_step(CONFIG, overrides, {})


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("student={}", "compiled for student: none (configured: one); release: ensemble (configured: student)"),
        ("self_training={rounds: 2}", "self_training: none (configured: 2 rounds from hidden): compile it again"),
        ("heads.effnet_lora={}", "heads: raw_cnn (configured: effnet_lora, raw_cnn)"),
    ],
)
def test_configure__a_configuration_that_wants_other_nodes_is_refused(override: str, message: str) -> None:
    # Somebody switches it on in the KFP page, where the graph can no longer grow.
    from components.configure import configure

    with pytest.raises(ConfigError, match=re.escape(message)):
        configure.python_func(CONFIG, [override], resolve(CONFIG).graph)
