"""What a step's process is told by a run of this machine."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any, cast

import pytest

from pipelines.local.launcher import StepLauncher
from pipelines.local.steps import LocalSteps
from silencio.data.place_version import RUN_FOLDER
from silencio.registry.settings import RUN_KEY

NOTHING: Mapping[str, str] = MappingProxyType({})


def printed(
    command: str, out: Path, run_key: str = "key", environment: Mapping[str, str] = NOTHING, **of_graph: str
) -> list[str]:
    """By a step that runs this shell command."""
    lines: list[str] = []
    log = cast(Any, SimpleNamespace(output=lines.append))
    with StepLauncher(out) as launcher:
        steps = LocalSteps(cast(Any, None), log, run_key, out, launcher, environment)
        steps._here.step = "export"
        assert steps._run_process(["sh", "-c", command], of_graph) == 0
    return lines


def test_process__knows_the_run_s_folder_whose_files_are_no_recordings(tmp_path: Path) -> None:
    # With --out inside --data, every start would else find other recordings than the one before.
    assert printed(f"echo ${RUN_FOLDER}", tmp_path) == [str(tmp_path)]


def test_process__knows_the_run_s_key_by_which_it_finds_its_record(tmp_path: Path) -> None:
    assert printed(f"echo ${RUN_KEY}", tmp_path, "key-of-run") == ["key-of-run"]


def test_process__says_what_this_run_is_and_not_what_the_graph_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The graph names the image that a cluster's pods run in; here there is none.
    environment = {"SILENCIO_IMAGE": "silencio/train:local-0", "SILENCIO_CODE_VERSION": "abc123"}
    monkeypatch.setenv("SILENCIO_CODE_VERSION", "of a terminal")
    command = "echo $SILENCIO_IMAGE $SILENCIO_CODE_VERSION"
    of_graph = {"SILENCIO_IMAGE": "registry.example/silencio/train:0.1.0"}
    assert printed(command, tmp_path, environment=environment, **of_graph) == ["silencio/train:local-0 abc123"]
