"""KFP's cache follows the data: everything after the step that looks at the place has its answer as a parameter."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.cache_keys import MADE_OF, MADE_WITH, NODE
from pipelines.compile import COMPILED, write_package
from pipelines.ir_check.caching import equal_keys
from pipelines.ir_check.package import read_package
from pipelines.train import train_pipeline
from silencio.config import preset_text, resolve
from silencio.config.parts import parts_by_step, steps_before

FILES = sorted(COMPILED.glob("*.yaml"))
LOOK = "inputs-version"
# It reads no recording: weights that the configuration names are in what `configure` hands it.
READS_NO_RECORDING = {"preflight"}


def read(path: Path) -> dict[str, Any]:
    return next(yaml.load_all(path.read_text(), yaml.CSafeLoader))


def tasks_of(spec: dict[str, Any], component: dict[str, Any] | None = None) -> list[tuple[str, dict[str, Any]]]:
    """All tasks that run a container, those inside loops too."""
    found = []
    for name, task in (component or spec["root"])["dag"]["tasks"].items():
        inner = spec["components"][task["componentRef"]["name"]]
        found += tasks_of(spec, inner) if "dag" in inner else [(name, task)]
    return found


def is_keyed_by_version(spec: dict[str, Any], task: dict[str, Any]) -> bool:
    """Whether a parameter of the task is what the looking step said, through a loop's own inputs too."""
    channel = f"pipelinechannel--{LOOK}-Output"
    wanted = [
        {"taskOutputParameter": {"outputParameterKey": "Output", "producerTask": LOOK}},
        {"componentInputParameter": channel},
    ]
    given = task["inputs"].get("parameters", {})
    return (given.get("inputs_version") or given.get(MADE_OF)) in wanted


# Of the pipelines `release`, `deliver` and `drift` nothing is what it was: places, the registry, a log that grows.
OF_RECORDINGS = [path for path in FILES if not path.name.startswith(("release-", "deliver-", "drift-"))]


@pytest.mark.parametrize("path", sorted(set(FILES) - set(OF_RECORDINGS)), ids=lambda path: path.name)
def test_release_and_delivery__keep_no_step(path: Path) -> None:
    assert not any(task["cachingOptions"].get("enableCache") for _, task in tasks_of(read(path)))


@pytest.mark.parametrize("path", OF_RECORDINGS, ids=lambda path: path.name)
def test_every_cached_step__is_keyed_by_what_is_there(path: Path) -> None:
    spec = read(path)
    tasks = dict(tasks_of(spec))
    cached = {name: task for name, task in tasks.items() if task["cachingOptions"].get("enableCache")}
    assert LOOK not in cached
    assert len(cached) >= 4
    assert {name for name, task in cached.items() if not is_keyed_by_version(spec, task)} <= READS_NO_RECORDING


TRAINS = pytest.mark.parametrize("path", [one for one in FILES if "train" in one.name], ids=lambda path: path.name)


def sources(inputs: dict[str, Any], kind: str) -> dict[str, tuple[str, str]]:
    """By input, the step and the output that it is; channels into loops are named so."""
    found = {}
    for name, one in inputs.get(kind, {}).items():
        inherited = one.get("componentInputParameter") or one.get("componentInputArtifact") or ""
        if inherited.startswith("pipelinechannel--configure-"):
            found[name] = ("configure", inherited.removeprefix("pipelinechannel--configure-"))
        elif output := one.get("taskOutputParameter") or one.get("taskOutputArtifact"):
            key = output.get("outputParameterKey") or output["outputArtifactKey"]
            found[name] = (output["producerTask"], key)
    return found


def settings_read_before(spec: dict[str, Any]) -> dict[str, set[str]]:
    """By task of the top level, the parts that all steps before it have read, over all artifacts and parameters."""
    dag = spec["root"]["dag"]["tasks"]
    read: dict[str, set[str]] = {}

    def own(name: str) -> set[str]:
        inner = spec["components"][dag[name]["componentRef"]["name"]]
        tasks = inner["dag"]["tasks"].values() if "dag" in inner else [dag[name]]
        given = [sources(task["inputs"], "parameters").get("config", ("", "")) for task in tasks]
        return {output for step, output in given if step == "configure"}

    def before(name: str) -> set[str]:
        if name not in read:
            inputs = dag[name].get("inputs", {})
            found = [*sources(inputs, "parameters").values(), *sources(inputs, "artifacts").values()]
            steps = {step for step, _ in found} - {"configure"}
            read[name] = set().union(*(before(step) | own(step) for step in steps))
        return read[name]

    return {name: before(name) for name in dag}


@pytest.mark.parametrize(
    "overrides",
    [[], ["student={}"], ["self_training={pool: soundscapes}"], ["student={}", "self_training={rounds: 2}"]],
)
def test_made_with__stands_for_all_settings_that_any_step_before_has_read(overrides: list[str], tmp_path: Path) -> None:
    resolved = resolve(preset_text("demo"), overrides=overrides)
    write_package(train_pipeline("demo", resolved, "{}"), tmp_path / "graph.yaml")
    spec = read(tmp_path / "graph.yaml")
    stands_for = steps_before(resolved, parts_by_step(resolved))
    for name, wanted in settings_read_before(spec).items():
        task = spec["root"]["dag"]["tasks"][name]
        keyed = sources(task["inputs"], "parameters").get(MADE_WITH)
        if not wanted or not task.get("cachingOptions", {}).get("enableCache"):  # loops have none of their own
            continue
        assert keyed is not None, name
        assert wanted <= set(stands_for[keyed[1].removeprefix("before_")]), name


@TRAINS
def test_step__is_not_keyed_by_settings_of_steps_after_it(path: Path) -> None:
    spec = read(path)
    for name, task in tasks_of(spec):
        given = task["inputs"].get("parameters", {})
        whole = [word for word, (step, output) in sources(task["inputs"], "parameters").items() if output == "resolved"]
        # The whole configuration is for the record; no cached step is handed it, or the text that was typed.
        assert not task["cachingOptions"].get("enableCache") or (whole == [] and "overrides" not in given), name


@TRAINS
def test_no_cached_step__knows_the_run(path: Path) -> None:
    # A run of MLflow is new wherever a gate or a server's address is: heads would be trained again for their record.
    spec = read(path)
    of_runs = {
        "run_id": {"taskOutputParameter": {"outputParameterKey": "Output", "producerTask": "open-run"}},
        "run_key": {"componentInputParameter": "run_key"},
    }
    cached = {name: task for name, task in tasks_of(spec) if task["cachingOptions"].get("enableCache")}
    assert {"fit-ensemble", "calibrate", "export", "evaluate", "apply-gates"} <= cached.keys()
    for name, task in cached.items():
        given = task["inputs"]["parameters"]
        assert not given.keys() & of_runs.keys(), name
        assert [source for source in given.values() if source in of_runs.values()] == [], name


@TRAINS
def test_steps_that_compare__are_keyed_by_the_champion_and_others_are_not(path: Path) -> None:
    # By its content: version 3 of another server is another bundle, and a place may hold another one tomorrow.
    tasks = dict(tasks_of(read(path)))
    assert not tasks["fetch-champion"]["cachingOptions"].get("enableCache")
    content = {"taskOutputParameter": {"outputParameterKey": "Output", "producerTask": "fetch-champion"}}
    keyed = {name for name, task in tasks.items() if content in task["inputs"].get("parameters", {}).values()}
    assert keyed == {name for name in tasks if name.startswith(("evaluate", "apply-gates", "compare-bundles"))}


@TRAINS
def test_after_the_champion_is_there__only_what_records_asks_the_tracking_server(path: Path) -> None:
    _, platform = yaml.load_all(path.read_text(), yaml.CSafeLoader)
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    asking = {
        label.removeprefix("exec-")
        for label, requested in executors.items()
        if "silencio-tracking" in {one["configMapName"] for one in requested.get("configMapAsEnv", [])}
    }
    assert {"open-run", "fetch-champion", "register"} <= asking
    # Training goes on without it.
    assert {name for name in asking if not name.startswith(("train-", "distill-"))} <= {
        "open-run",
        "fetch-champion",
        "record",
        "register",
    }


@TRAINS
def test_steps_that_record__know_the_run_by_their_pod(path: Path) -> None:
    _, platform = yaml.load_all(path.read_text(), yaml.CSafeLoader)
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    of_pod = [{"name": "SILENCIO_RUN_KEY", "fieldPath": "metadata.labels['pipeline/runid']"}]
    knowing = {
        label.removeprefix("exec-")
        for label, requested in executors.items()
        if requested.get("fieldPathAsEnv") == of_pod
    }
    wanted = {
        name for name, _ in tasks_of(read(path)) if name.startswith(("open-run", "train-", "distill-", "register"))
    }
    assert wanted <= knowing
    assert len(wanted) >= 3


@pytest.mark.parametrize(
    "overrides", [["student={}"], ["self_training={pool: soundscapes}"], ["student={}", "self_training={}"]]
)
def test_every_graph_that_a_configuration_asks_for__compiles_with_it(overrides: list[str], tmp_path: Path) -> None:
    resolved = resolve(preset_text("demo"), overrides=overrides)
    # `write_package` holds it against the backend's rules.
    write_package(train_pipeline("demo", resolved, "{}"), tmp_path / "graph.yaml")


def key(spec: dict[str, Any], name: str, changed: str) -> str:
    """A task's key in KFP's cache, where artifacts count by name alone: `cacheutils/cache.go`, GenerateCacheKey."""
    task = dict(tasks_of(spec))[name]
    given = task["inputs"].get("parameters", {})
    values = {word: json.dumps(source) for word, source in given.items()}
    if is_keyed_by_version(spec, task):
        values["inputs_version" if "inputs_version" in values else MADE_OF] = changed
    artifacts = sorted(task["inputs"].get("artifacts", {}))
    label = spec["components"][task["componentRef"]["name"]]["executorLabel"]
    return json.dumps([values, artifacts, spec["deploymentSpec"]["executors"][label]], sort_keys=True)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_changed_recordings__are_other_keys_for_every_cached_step_and_unchanged_ones_are_the_same(path: Path) -> None:
    spec = read(path)
    cached = [name for name, task in tasks_of(spec) if task["cachingOptions"].get("enableCache")]
    for name in set(cached) - READS_NO_RECORDING:
        assert key(spec, name, "version 1") == key(spec, name, "version 1")
        assert key(spec, name, "version 1") != key(spec, name, "version 2")
    assert len({key(spec, name, "version 1") for name in cached}) == len(cached)


def test_looking_step__sees_the_volume_and_what_else_is_read() -> None:
    for path in OF_RECORDINGS:
        spec, platform = yaml.load_all(path.read_text(), yaml.CSafeLoader)
        task = spec["root"]["dag"]["tasks"][LOOK]
        beside = "previous" if "train" in path.name else "bundle"
        assert task["inputs"]["parameters"]["data"] == {"componentInputParameter": "data"}
        assert task["inputs"]["parameters"]["beside"] == {"componentInputParameter": beside}
        requested = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"][f"exec-{LOOK}"]
        assert requested["pvcMount"][0]["mountPath"] == "/data"
        assert requested["secretAsEnv"][0]["secretName"] == "silencio-s3"


def test_rounds_of_self_training__have_keys_of_their_own(tmp_path: Path) -> None:
    # The supervisors of all rounds have the same settings and artifacts of the same names: the last one would be
    # answered with the first one's weights.
    resolved = resolve(preset_text("demo"), overrides=["self_training={rounds: 2}"])
    path = tmp_path / "graph.yaml"
    write_package(train_pipeline("demo", resolved, "{}"), path)
    assert list(equal_keys(read_package(path))) == []
    documents = list(yaml.load_all(path.read_text(), yaml.CSafeLoader))
    for task in documents[0]["root"]["dag"]["tasks"].values():
        task["inputs"].get("parameters", {}).pop(NODE, None)
    path.write_text(yaml.safe_dump_all(documents))
    doubled = {str(fault).split(":")[0] for fault in equal_keys(read_package(path))}
    # Of each kind all but the one that is met first.
    assert len(doubled & {"fit-ensemble-first", "fit-ensemble-second", "fit-ensemble"}) == 2
    assert len(doubled & {"pseudo-label-first", "pseudo-label-second"}) == 1


def test_local_key__has_no_recordings_of_steps_that_open_none() -> None:
    # On a cluster they are keyed by the recordings all the same, under a name that a run of this machine passes over.
    spec = read(next(path for path in FILES if "train-demo" in path.name))
    passed_over = {name for name, task in tasks_of(spec) if MADE_OF in task["inputs"].get("parameters", {})}
    assert passed_over == {
        "split",
        "plan-development",
        "plan-test",
        "featurize-development",
        "featurize-test",
        "fit-ensemble",
        "calibrate",
    }
