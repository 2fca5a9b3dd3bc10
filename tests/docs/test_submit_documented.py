"""docs/running.md, "On a KFP host": its commands are ones that a host takes, and do what stands beside them."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from silencio.__main__ import main
from tests.pipelines.kfp_stub import KfpStub

pytestmark = pytest.mark.usefixtures("caller_named_at_once")

SECTION = (Path(__file__).parents[2] / "docs" / "running.md").read_text().split("## On a KFP host")[1]
PROGRAM = ["silencio"]
OF_TRAINING = {"--data", "--preset", "--config", "--set", "--previous", "--champion"}


def commands(word: str) -> list[list[str]]:
    """Arguments of the section's commands, as a shell hands them on."""
    blocks = re.findall(r"```sh\n(.*?)```", SECTION, re.DOTALL)
    lines = [shlex.split(line) for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [line[len(PROGRAM) :] for line in lines if line[: len(PROGRAM) + 1] == [*PROGRAM, word]]


def test_submissions__are_taken_and_need_neither_gpu_nor_claim() -> None:
    asked = commands("submit")
    assert len(asked) == 4
    runs: list[dict[str, Any]] = []
    for arguments in asked:
        with KfpStub() as kfp:
            host = arguments.index("--host") + 1
            assert arguments[host] == "http://127.0.0.1:8888"  # where `kubectl port-forward` puts it
            assert main([*arguments[:host], kfp.url, *arguments[host + 1 :]]) == 0
            runs += kfp.runs or kfp.schedules.values()
    assert "trigger" in runs[2] and "trigger" not in runs[3]
    for run in runs[:3]:
        spec, platform = run["pipeline_spec"]["pipeline_spec"], run["pipeline_spec"]["platform_spec"]
        containers = [one["container"] for one in spec["deploymentSpec"]["executors"].values()]
        assert not any("accelerator" in container["resources"] for container in containers)
        assert "pvcMount" not in str(platform)
    first, second, weekly, released = (run["runtime_config"]["parameters"] for run in runs)
    # Of the same place, which has grown: recordings keep their names.
    assert first["data"] == second["data"]
    assert "previous" not in first and second["previous"].startswith("s3://")
    assert weekly == second
    assert released["place"].startswith("kserve:")


def test_compilation__writes_files_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (arguments,) = commands("compile")
    monkeypatch.setattr("pipelines.compile.preset_names", lambda: ["reserve-fast"])
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 0
    names = sorted(path.name for path in (tmp_path / "out" / "compiled").iterdir())
    assert [name.rpartition("-")[0] for name in names] == [
        "batch-score",
        "deliver",
        "drift",
        "release",
        "train-reserve-fast",
    ]
    for name in names:
        text = (tmp_path / "out" / "compiled" / name).read_text()
        assert "silencio-recordings" not in text and "nvidia.com/gpu" not in text
        # The judge's volume has nothing to do with where recordings lie.
        assert ("pvcMount" in text) == name.startswith(("deliver", "release"))
        assert len(list(yaml.load_all(text, yaml.CSafeLoader))) == 2


@pytest.mark.parametrize(("pipeline", "others"), [("train", {"--argument"}), ("release", OF_TRAINING)])
def test_options__are_those_of_the_command(pipeline: str, others: set[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["submit", pipeline, "--help"])
    table = "\n".join(line for line in SECTION.splitlines() if line.startswith("| `--"))
    documented = set(re.findall(r"--[a-z-]+", " ".join(line.split("|")[1] for line in table.splitlines())))
    offered = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    assert (documented | {"--host", "--preset", "--help"}) - others == offered
