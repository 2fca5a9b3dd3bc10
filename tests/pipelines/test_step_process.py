import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.step_process import FAILED, RUN_PID, sentence_of
from silencio.errors import DataError


def open_nowhere() -> None:
    open("/nowhere/at/all")  # noqa: PTH123, SIM115


def wrapped_full_disk() -> None:
    try:
        raise OSError(errno.ENOSPC, "No space left on device", "/out/shard")
    except OSError as error:
        raise RuntimeError("the writer failed") from error


def of_the_library() -> None:
    try:
        open_nowhere()
    except OSError as error:
        raise DataError("row 4: no such\n   label") from error


@pytest.mark.parametrize(
    ("raises", "sentence"),
    [
        (of_the_library, "row 4: no such label"),
        (open_nowhere, "/nowhere/at/all is not there any more: put it back"),
        (wrapped_full_disk, "no space left on the disk while writing /out/shard: free some, or name another --out"),
        (lambda: {}["key"], "KeyError: 'key'"),
        (lambda: (_ for _ in ()).throw(ValueError), "ValueError"),
        (lambda: (_ for _ in ()).throw(ValueError("two\nlines")), "ValueError: two lines"),
    ],
)
def test_sentence__says_what_was_wrong_in_one_line(raises: Callable[[], object], sentence: str) -> None:
    with pytest.raises(Exception) as caught:
        raises()
    assert sentence_of(caught.value) == sentence


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.EFBIG, "File too large", "/out/a"), "ulimit -f"),
        (OSError(errno.EDQUOT, "Quota exceeded"), "no space left on the disk"),
        (MemoryError(), "has no memory left"),
        # A server that is gone has an OSError below it, too, and that one is no advice.
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), "ConnectionRefusedError: "),
    ],
)
def test_sentence__knows_what_machines_run_out_of(error: Exception, words: str) -> None:
    assert words in sentence_of(error)


@pytest.mark.parametrize(
    ("does", "status"),
    [
        ("pass", 0),
        ("import atexit, os; atexit.register(os.abort)", 0),
        ("import os; os.abort()", 128 + 6),
        ("raise ValueError('oops')", 1),
        ("raise SystemExit(5)", 5),
    ],
)
def test_process__on_a_cluster_ends_as_its_work_did(does: str, status: int, tmp_path: Path) -> None:
    component = tmp_path / "program" / "ephemeral_component.py"
    component.parent.mkdir()
    component.write_text(f"def step() -> str:\n    {does}\n    return 'made'\n")
    wanted = {"inputs": {}, "outputs": {"outputFile": str(tmp_path / "executor.json")}}
    wanted["outputs"]["parameters"] = {"Output": {"outputFile": str(tmp_path / "output")}}
    command = [sys.executable, "-m", "pipelines.step_process", "--component_module_path", str(component)]
    command += ["--function_to_execute", "step", "--executor_input", json.dumps(wanted)]
    done = subprocess.run(
        command,
        cwd=Path(__file__).parents[2],
        env={name: value for name, value in os.environ.items() if name != RUN_PID} | {"PYTHONPATH": "src"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == status, done.stdout
    assert (tmp_path / "executor.json").exists() == (status == 0)
    # That line is for a run of this machine, which takes it out of the log.
    assert FAILED not in done.stdout


@pytest.mark.parametrize("pod", [True, False])
def test_process__of_a_pod_says_where_what_it_lacks_belongs(pod: bool, tmp_path: Path) -> None:
    component = tmp_path / "program" / "ephemeral_component.py"
    component.parent.mkdir()
    source = "from silencio.registry.settings import Tracking; Tracking(); open('/nowhere')"
    component.write_text(f"def step() -> str:\n    {source}\n    return 'made'\n")
    wanted = {"inputs": {}, "outputs": {"outputFile": str(tmp_path / "executor.json")}}
    command = [sys.executable, "-m", "pipelines.step_process", "--component_module_path", str(component)]
    command += ["--executor_input", json.dumps(wanted), "--function_to_execute", "step"]
    environment = {name: value for name, value in os.environ.items() if name not in (RUN_PID, "MLFLOW_TRACKING_URI")}
    # As KFP's launcher has it.
    environment |= {"PYTHONPATH": "src"} | ({"KFP_POD_NAME": "train-x", "NAMESPACE": "ana"} if pod else {})
    root = Path(__file__).parents[2]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root, env=environment)
    assert done.returncode == 1
    last = done.stdout.rstrip().splitlines()[-1]
    if pod:
        assert "MLFLOW_TRACKING_URI is not set" in done.stdout
        assert last.startswith(
            "on a cluster, MLFLOW_TRACKING_URI is key mlflow_tracking_uri of the config map silencio-tracking: "
            "kubectl -n "
            "ana create configmap silencio-tracking --from-literal=mlflow_tracking_uri="
        )
    else:
        assert "on a cluster" not in done.stdout
