"""Components are thin: a signature, and one call of their step with what KFP hands them."""

import ast
import builtins
import dataclasses
import importlib
import json
import re
from pathlib import Path

import pytest
import yaml
from kfp import dsl

import components
from components.plan import plan
from monitoring.steps import __path__ as monitoring_steps_path
from serving.canary.steps import __path__ as release_steps_path
from silencio.config import resolve
from silencio.errors import ConfigError
from silencio.steps import __path__ as steps_path
from silencio.steps import configure as configure_step

FOLDERS = sorted(path.parent for path in Path(components.__path__[0]).glob("*/component.py"))
# Where steps lie: those of the library, those that carry out or show a release, and those that watch.
STEPS = {
    "silencio.steps": Path(next(iter(steps_path))),
    "serving.canary.steps": Path(next(iter(release_steps_path))),
    "monitoring.steps": Path(next(iter(monitoring_steps_path))),
}
# Fields that a component fills with something of another name.
OTHER_NAMES = {"heads", "min_recordings", "spec_rate_hz", "validation"}
# What a body may hold of Python beside statements one after the other: calls, attributes, names, literals.
BRANCHES = (ast.If, ast.IfExp, ast.Match, ast.Try, ast.TryStar, ast.BoolOp, ast.Assert, ast.While, ast.Lambda)


def function_of(folder: Path) -> ast.FunctionDef:
    tree = ast.parse((folder / "component.py").read_text())
    return next(node for node in tree.body if isinstance(node, ast.FunctionDef))


def package_of(folder: Path) -> str:
    """The one package in which a component's step lies."""
    (package,) = (name for name, path in STEPS.items() if (path / f"{folder.name}.py").is_file())
    return package


def component_of(folder: Path):
    return getattr(__import__(f"components.{folder.name}", fromlist=[folder.name]), folder.name)


def faults_of(function: ast.FunctionDef) -> list[str]:
    """Every branch of a component's body, and every loop that runs over something else than artifacts."""
    artifacts = {one.arg for one in function.args.args if one.annotation and "dsl." in ast.unparse(one.annotation)}
    # `models = (head_1, head_2)` is as good as what it holds.
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and is_of(node.value, artifacts):
            artifacts |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    faults = []
    for node in ast.walk(ast.Module(body=function.body, type_ignores=[])):
        if isinstance(node, BRANCHES):
            faults.append(f"a branch: {ast.unparse(node)}")
        if isinstance(node, ast.For | ast.AsyncFor) and not is_of(node.iter, artifacts):
            faults.append(f"a loop: for {ast.unparse(node.target)} in {ast.unparse(node.iter)}")
        if isinstance(node, ast.comprehension):
            if not is_of(node.iter, artifacts):
                faults.append(f"a loop: for {ast.unparse(node.target)} in {ast.unparse(node.iter)}")
            faults += [f"a branch: if {ast.unparse(one)}" for one in node.ifs]
    return faults


def is_of(node: ast.expr, artifacts: set[str]) -> bool:
    """Whether an expression is a list of artifacts, or artifacts one by one."""
    if isinstance(node, ast.Tuple | ast.List):
        return bool(node.elts) and all(isinstance(one, ast.Name) and one.id in artifacts for one in node.elts)
    return isinstance(node, ast.Name) and node.id in artifacts


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_component__has_no_branch_and_no_loop_but_over_artifacts(folder: Path) -> None:
    assert faults_of(function_of(folder)) == []


SMALL = """
def small(config: str, rows: list, head_1: dsl.Input[dsl.Model], shards: dsl.Input[List[dsl.Dataset]]):
    models = (head_1,)
    {}
"""


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("return [head.path for head in models] + [one.path for one in shards]", None),
        ("for shard in shards: print(shard.path)", None),
        ("if config: print(config)", "a branch: if config"),
        ("path = head_1.path if head_1 else ''", "a branch: head_1.path if head_1 else ''"),
        ("path = head_1 and head_1.path", "a branch: head_1 and head_1.path"),
        ("for row in rows: print(row)", "a loop: for row in rows"),
        ("names = [name for name in config.split()]", "a loop: for name in config.split()"),
        ("paths = [one.path for one in shards if one.uri]", "a branch: if one.uri"),
        ("while config: config = config[1:]", "a branch: while config"),
        ("try: print(config)\n    except ValueError: pass", "a branch: try"),
        ("match config:\n        case 'a': pass", "a branch: match config"),
        ("assert config", "a branch: assert config"),
    ],
)
def test_faults__of_bodies_that_have_one(body: str, fault: str | None) -> None:
    (function,) = ast.parse(SMALL.format(body)).body
    assert isinstance(function, ast.FunctionDef)
    found = faults_of(function)
    assert len(found) == (fault is not None)
    assert all(one.startswith(str(fault)) for one in found)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_component__is_one_call_of_its_step(folder: Path) -> None:
    function = function_of(folder)
    calls = [ast.unparse(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)]
    assert calls.count("step.run") == calls.count("step.Inputs") == 1
    imported = [ast.unparse(node) for node in ast.walk(function) if isinstance(node, ast.ImportFrom)]
    assert f"from {package_of(folder)} import {folder.name} as step" in imported
    # Artifacts are handed on by the names of the step's own fields: a slip would pass one file for another.
    step = importlib.import_module(f"{package_of(folder)}.{folder.name}")
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("step.Inputs", "step.Outputs"):
            of = getattr(step, ast.unparse(node.func).removeprefix("step."))
            required = {one.name for one in dataclasses.fields(of) if one.default is one.default_factory}
            assert not node.args
            assert required <= {one.arg for one in node.keywords}
            for keyword in node.keywords:
                names = {one.id for one in ast.walk(keyword.value) if isinstance(one, ast.Name)}
                assert keyword.arg in names | OTHER_NAMES, f"{keyword.arg}={ast.unparse(keyword.value)}"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_component__describes_every_argument_for_the_ui(folder: Path) -> None:
    function = function_of(folder)
    documentation = ast.get_docstring(function)
    assert documentation
    missing = [argument.arg for argument in function.args.args if f"{argument.arg}: " not in documentation]
    assert not missing


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_component__has_its_step_in_one_place(folder: Path) -> None:
    assert package_of(folder) in STEPS


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_component__installs_nothing_when_it_starts(folder: Path) -> None:
    spec = component_of(folder).component_spec.implementation.container
    assert "pip install" not in " ".join(spec.command)
    assert not spec.image.endswith(":latest")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_component__needs_nothing_of_its_module(folder: Path) -> None:
    # KFP ships the function's source alone: a name from the module would be missing in the pod.
    function = function_of(folder)
    nodes = [node for statement in function.body for node in ast.walk(statement)]
    own = {one.arg for one in function.args.args}
    own |= {(one.asname or one.name) for node in nodes if isinstance(node, ast.ImportFrom) for one in node.names}
    own |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    read = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    assert read - own <= set(dir(builtins))


def test_plan__lists_the_shards_of_a_split(tmp_path: Path) -> None:
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
    assert named == configure_step.run(configure_step.Inputs(CONFIG, overrides, {}))


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
