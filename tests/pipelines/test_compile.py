import re
import shutil
from pathlib import Path

import pytest
import yaml

from components.image import VERSION, train_image
from pipelines import compile as compile_
from pipelines.compile import COMPILED, compile_all, stale_files
from pipelines.train import MAX_HEADS, train_pipeline
from silencio.__main__ import main
from silencio.config import preset_names, preset_text, resolve
from silencio.errors import ConfigError
from silencio.interpreter import silencio


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """For reading."""
    return compile_all(tmp_path_factory.mktemp("compiled"))


@pytest.fixture(scope="module")
def compiled(files: list[Path]) -> dict[str, tuple[dict, dict]]:
    """By preset: the pipeline and its settings for Kubernetes."""
    documents = {path.name: tuple(yaml.load_all(path.read_text(), yaml.CSafeLoader)) for path in files}
    return {name: documents[f"train-{name}-{VERSION}.yaml"] for name in preset_names()}


@pytest.fixture
def compiled_once(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compile_, "compile_all", lambda folder: files)


@pytest.mark.usefixtures("compiled_once")
def test_committed_files__are_what_the_code_makes() -> None:
    assert stale_files() == []


@pytest.mark.usefixtures("compiled_once")
def test_changed_file__is_stale(files: list[Path], tmp_path: Path) -> None:
    paths = [Path(shutil.copy(path, tmp_path)) for path in files]
    paths[0].write_text(paths[0].read_text().replace("cpuRequest: 1.0", "cpuRequest: 2.0"))
    (tmp_path / f"train-gone-{VERSION}.yaml").write_text("")
    assert stale_files(tmp_path) == sorted([paths[0].name, f"train-gone-{VERSION}.yaml"])


def test_stale_file__is_named_with_the_command_that_makes_it_anew(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(compile_, "stale_files", lambda: ["train-demo.yaml"])
    assert main(["compile", "--check"]) == 1
    assert f"stale: train-demo.yaml; run {silencio()} compile and" in capsys.readouterr().err


def test_heads__are_named_nodes_with_requests_of_their_own(compiled) -> None:
    pipeline, _ = compiled["reserve-fast"]
    executors = pipeline["deploymentSpec"]["executors"]
    requested = {name: executors[f"exec-train-{name}"]["container"]["resources"] for name in ("effnet-lora", "texture")}
    assert requested["effnet-lora"]["accelerator"]["resourceType"] == "nvidia.com/gpu"
    assert requested["effnet-lora"]["resourceMemoryLimit"] != requested["texture"]["resourceMemoryLimit"]
    assert "accelerator" not in requested["texture"]
    assert "accelerator" not in executors["exec-validate"]["container"]["resources"]


def test_gpu_steps__go_to_gpu_nodes(compiled) -> None:
    _, platform = compiled["reserve-fast"]
    settings = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]["exec-train-effnet-lora"]
    assert settings["nodeSelector"]["labels"] == {"silencio.io/pool": "gpu"}
    assert settings["tolerations"][0]["key"] == "nvidia.com/gpu"


def test_steps_that_read_recordings__have_volume_and_secrets(compiled) -> None:
    for pipeline, platform in compiled.values():
        settings = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
        # `split` reads what `previous` names.
        for name in ("ingest", "validate", "split", "featurize-development", "featurize-test", "export"):
            assert settings[f"exec-{name}"]["pvcMount"][0]["mountPath"] == "/data"
            assert settings[f"exec-{name}"]["secretAsEnv"][0]["secretName"] == "silencio-s3"
        assert pipeline["pipelineInfo"]["name"].startswith("silencio-train-")


def test_steps__are_run_by_the_process_that_knows_when_they_are_done(files: list[Path]) -> None:
    for path in files:
        pipeline = next(yaml.load_all(path.read_text(), yaml.CSafeLoader))
        for executor in pipeline["deploymentSpec"]["executors"].values():
            if "container" in executor:
                (command,) = [part for part in executor["container"]["command"] if "_KFP_RUNTIME=true" in part]
                assert "python3 -m pipelines.step_process " in command
                assert "executor_main" not in command


def test_nodes__are_called_by_what_they_do(files: list[Path]) -> None:
    loops_of = {
        "train": {"featurize-development-shards", "featurize-test-shards"},
        "batch": {"score-shards"},
        "release": set(),
        "deliver": set(),
        "drift": set(),
    }
    for path in files:
        pipeline = next(yaml.load_all(path.read_text(), yaml.CSafeLoader))
        dags = [pipeline["root"], *pipeline["components"].values()]
        tasks = {name: task for dag in dags for name, task in dag.get("dag", {}).get("tasks", {}).items()}
        # kfp's own words for a loop, a condition, and a second node of one component.
        assert [name for name in tasks if re.search(r"for-loop|condition|-\d+$", name)] == []
        # A label of its own would hide a loop's outputs from the backend, and kfp.local warns of it.
        assert {name: task["taskInfo"]["name"] for name, task in tasks.items()} == {name: name for name in tasks}
        loops = {name for name, task in tasks.items() if "parameterIterator" in task}
        assert loops == loops_of[path.name.split("-")[0]]


def test_demo__runs_on_a_cluster_without_gpus(compiled) -> None:
    pipeline, _ = compiled["demo"]
    for executor in pipeline["deploymentSpec"]["executors"].values():
        assert "accelerator" not in executor["container"]["resources"]


def test_training_steps__are_handed_no_test_recording(compiled) -> None:
    pipeline, _ = compiled["demo"]
    tasks = pipeline["root"]["dag"]["tasks"]
    producers = {
        name: {
            artifact["taskOutputArtifact"]["producerTask"]
            for artifact in task["inputs"].get("artifacts", {}).values()
            if "taskOutputArtifact" in artifact
        }
        for name, task in tasks.items()
        if "inputs" in task
    }
    loop_of = {
        part: next(name for name, task in tasks.items() if f"plan-{part}" in task.get("dependentTasks", []))
        for part in ("development", "test")
    }
    readers = {name for name, inputs in producers.items() if loop_of["test"] in inputs}
    # The report shows pictures of test recordings; nothing is fitted in `apply-gates`.
    assert readers == {"evaluate", "apply-gates"}
    assert loop_of["development"] in producers["train-effnet-lora"]


def test_run_page__shows_the_configuration(compiled) -> None:
    pipeline, _ = compiled["reserve-fast"]
    parameters = pipeline["root"]["inputDefinitions"]["parameters"]
    assert resolve(parameters["config"]["defaultValue"]) == resolve(preset_text("reserve-fast"))
    # Nothing that only says what runs: edited on the page, the bundle would keep an image that never ran.
    assert set(parameters) == {"data", "config", "overrides", "previous", "champion", "run_key"}


def test_steps_that_keep_their_image__run_in_it(compiled) -> None:
    for pipeline, _ in compiled.values():
        containers = {name: one["container"] for name, one in pipeline["deploymentSpec"]["executors"].items()}
        kept = {name: one["env"] for name, one in containers.items() if "env" in one}
        assert {"exec-open-run", "exec-export"} <= kept.keys()
        for name, variables in kept.items():
            assert variables == [{"name": "SILENCIO_IMAGE", "value": containers[name]["image"]}]


def test_too_many_heads__are_refused() -> None:
    config = resolve(preset_text("demo"))
    heads = {f"texture_{i}": config.heads["texture"] for i in range(MAX_HEADS + 1)}
    with pytest.raises(ConfigError, match="room for 6"):
        train_pipeline("many", config.model_copy(update={"heads": heads}), "")


@pytest.mark.parametrize("image", ["silencio/train:latest", "silencio/train"])
def test_image_that_moves__is_refused(image: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILENCIO_TRAIN_IMAGE", image)
    with pytest.raises(ConfigError, match="latest"):
        train_image()


def test_version__is_the_distribution_s() -> None:
    import tomllib

    project = tomllib.loads((COMPILED.parent.parent / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION


def test_command__writes_what_other_clusters_need_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(compile_, "preset_names", lambda: ["demo", "birdclef"])
    out = ["--out", str(tmp_path)]
    assert main(["compile", "--resources", "none", "--no-claim", *out]) == 0
    mounts = {}
    for path in tmp_path.glob("*.yaml"):
        pipeline, platform = yaml.load_all(path.read_text(), yaml.CSafeLoader)
        for executor in pipeline["deploymentSpec"]["executors"].values():
            assert "resources" not in executor["container"]
        requested = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"].values()
        mounts[path.name.removesuffix(f"-{VERSION}.yaml")] = "silencio-recordings" in str(requested)
        assert not any("nodeSelector" in one or "tolerations" in one for one in requested)
    # `birdclef` names weights on the claim.
    assert mounts == {
        "train-demo": False,
        "train-birdclef": True,
        "batch-score": False,
        "release": False,
        "deliver": False,
        "drift": False,
    }
    for options in (["--no-claim"], ["--resources", "cpu"], ["--resources", "gpu", "--check", *out]):
        assert main(["compile", *options]) == 1
        assert "need --out" in capsys.readouterr().err
