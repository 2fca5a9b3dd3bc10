"""What a step's process is told by a run of this machine."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pipelines.local_steps import LocalSteps
from silencio.data.place_version import RUN_FOLDER
from silencio.registry.settings import RUN_KEY


def test_process__knows_the_run_s_folder_whose_files_are_no_recordings(tmp_path: Path) -> None:
    # With --out inside --data, every start would else find other recordings than the one before.
    lines: list[str] = []
    steps = LocalSteps(cast(Any, None), cast(Any, SimpleNamespace(output=lines.append)), "key", tmp_path)
    steps._here.step = "inputs-version"
    assert steps._run_process(["sh", "-c", f"echo ${RUN_FOLDER}"]) == 0
    assert lines == [str(tmp_path)]


def test_process__knows_the_run_s_key_by_which_it_finds_its_record(tmp_path: Path) -> None:
    lines: list[str] = []
    steps = LocalSteps(cast(Any, None), cast(Any, SimpleNamespace(output=lines.append)), "key-of-run", tmp_path, {})
    steps._here.step = "train-raw-cnn"
    assert steps._run_process(["sh", "-c", f"echo ${RUN_KEY}"]) == 0
    assert lines == ["key-of-run"]


def test_process__says_what_this_run_is_and_not_what_the_graph_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The graph names the image that a cluster's pods run in; here there is none.
    lines: list[str] = []
    log = cast(Any, SimpleNamespace(output=lines.append))
    environment = {"SILENCIO_IMAGE": "silencio/train:local-0", "SILENCIO_CODE_VERSION": "abc123"}
    monkeypatch.setenv("SILENCIO_CODE_VERSION", "of a terminal")
    steps = LocalSteps(cast(Any, None), log, "key", tmp_path, environment)
    steps._here.step = "export"
    command = ["sh", "-c", "echo $SILENCIO_IMAGE $SILENCIO_CODE_VERSION"]
    assert steps._run_process(command, {"SILENCIO_IMAGE": "docker.io/silencio/train:0.1.0"}) == 0
    assert lines == ["silencio/train:local-0 abc123"]
