"""Steps as containers, with a made-up client of Docker that runs a container's command here; the real one's are in
tests/pipelines/test_run_in_containers.py."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.local import containers
from pipelines.local.containers import ContainerLauncher, launcher_in
from pipelines.local.launcher import StartedStep
from pipelines.local.run import run_local
from pipelines.step_process import RUN_PID
from silencio.errors import ConfigError
from tests.pipelines.toy_run import only_begin
from tests.waiting import HANG_S, is_gone, until

IMAGE = "silencio/train:0.1.0"
# Notes the options of `run` and starts its container, which outlives it when it is killed. From a container's first
# process the kernel keeps SIGTERM unless it has a handler; its parent is none, here the client.
CLIENT = """#!/bin/sh
case "$1" in
image) {inspect} ;;
run)
    for word in "$@"; do echo "$word"; done >"{folder}/words"
    env >"{folder}/environment"
    while [ "$1" != "{image}" ]; do
        case "$1" in --name=*) name=${{1#--name=}} ;; esac
        shift
    done
    shift
    [ -z "$SILENCIO_RUN_PID" ] || export SILENCIO_RUN_PID=$$
    trap '' TERM
    told=
    setsid "$@" &
    container=$!
    trap 'told=yes; kill "$container"' TERM
    echo "$container" >"{folder}/containers/$name"
    wait "$container"
    code=$?
    # A signal ended the wait and no more: how the container ends is still to come, or has come meanwhile.
    while [ -n "$told" ] && [ "$code" = 143 ]; do told=; wait "$container"; code=$?; done
    rm -f "{folder}/containers/$name"
    exit "$code" ;;
rm)
    shift 2
    for name in "$@"; do
        kill -KILL "$(cat "{folder}/containers/$name")" || echo "Error response from daemon: No such container: $name"
    done >&2 ;;
esac
"""
THERE = """echo '[{"Id": "sha256:abc"}]'"""


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """A folder with a client that answers so, and with what it was given."""

    def make(inspect: str) -> Path:
        folder = tmp_path / "client"
        (folder / "containers").mkdir(parents=True)
        (folder / "docker").write_text(CLIENT.format(inspect=inspect, folder=folder, image=IMAGE))
        (folder / "docker").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        # What is to be removed in the end is not waited for.
        monkeypatch.setattr(containers, "STOP_S", 0.1)
        return folder

    return make


@pytest.fixture
def run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SILENCIO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/runs/mlflow.db")
    return tmp_path / "run"


def mounts(folder: Path) -> dict[str, str]:
    """Access by place; each lies where it lies on this machine."""
    words = (word.removeprefix("--mount=type=bind,") for word in (folder / "words").read_text().splitlines())
    parts = [word.split(",") for word in words if word.startswith("src=")]
    assert all(src.removeprefix("src=") == dst.removeprefix("dst=") for src, dst, *_ in parts)
    return {src.removeprefix("src="): "read" if how else "written" for src, _, *how in parts}


def started(launcher: ContainerLauncher, *command: str, **environment: str) -> tuple[list[str], int]:
    process = launcher.start("train-head", command, environment)
    with process.stdout as lines:
        printed = list(lines)
    return printed, process.wait()


def test_step__is_a_container_of_the_image_and_ends_as_it_does(client: Callable[[str], Path], run_folder: Path) -> None:
    client(THERE)
    with launcher_in(IMAGE, run_folder, ["demo"]) as launcher:
        assert launcher.image == f"{IMAGE}@sha256:abc"
        assert started(launcher, "sh", "-c", "echo made; exit 7") == (["made\n"], 7)


def test_step__sees_what_the_run_names_and_writes_what_the_run_keeps(
    client: Callable[[str], Path], run_folder: Path, tmp_path: Path
) -> None:
    folder = client(THERE)
    (tmp_path / "reserve").mkdir()
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "manifest.csv").write_text("path\n")
    places = [f"{tmp_path}/reserve", f"{tmp_path}/tables/manifest.csv", "s3://bucket/reserve/", "none", ""]
    with launcher_in(IMAGE, run_folder, places) as launcher:
        started(launcher, "true")
    assert mounts(folder) == {
        str(run_folder): "written",
        f"{tmp_path}/cache": "written",
        f"{tmp_path}/runs": "written",
        f"{tmp_path}/reserve": "read",
        f"{tmp_path}/tables": "read",
    }


def test_step__has_no_rights_and_is_told_nothing_of_this_machine_that_is_not_its_concern(
    client: Callable[[str], Path], run_folder: Path
) -> None:
    folder = client(THERE)
    with launcher_in(IMAGE, run_folder, []) as launcher:
        started(launcher, "true", SILENCIO_THREADS="1", AWS_REGION="here", HOME="/home/me", PYTHONPATH="/mine")
    words = (folder / "words").read_text().splitlines()
    assert {"--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"} <= set(words)
    assert f"--user={os.getuid()}:{os.getgid()}" in words
    told = {words[i + 1] for i, word in enumerate(words) if word == "--env"}
    assert {"SILENCIO_THREADS", "AWS_REGION", "SILENCIO_CACHE", "MLFLOW_TRACKING_URI", RUN_PID} <= told
    assert not {"HOME", "PATH", "PYTHONPATH"} & told
    # By name: a password among them stands in no list of processes.
    assert not [word for word in words if word.startswith(("SILENCIO_THREADS=", "AWS_REGION="))]
    environment = dict(line.split("=", 1) for line in (folder / "environment").read_text().splitlines() if "=" in line)
    assert (environment["SILENCIO_THREADS"], environment[RUN_PID]) == ("1", "0")


def container(folder: Path) -> int:
    """The process of the one that runs, as soon as there is one."""
    (path,) = until(lambda: [one for one in (folder / "containers").iterdir() if one.read_text()])
    return int(path.read_text())


def test_close__leaves_no_container_that_had_no_handler_for_a_signal(
    client: Callable[[str], Path], run_folder: Path
) -> None:
    folder = client(THERE)
    with launcher_in(IMAGE, run_folder, []) as launcher:
        launcher.start("train-head", ["sleep", "1000"], {})
        process = container(folder)
    until(lambda: is_gone(process))


def test_close__leaves_no_container_whose_client_was_killed(client: Callable[[str], Path], run_folder: Path) -> None:
    folder = client(THERE)
    with launcher_in(IMAGE, run_folder, []) as launcher:
        started_step = launcher.start("train-head", ["sleep", "1000"], {})
        process = container(folder)
        assert isinstance(started_step, StartedStep)
        started_step.kill()
        started_step.wait()
        assert not is_gone(process)
    until(lambda: is_gone(process))


def test_step__that_handles_the_signal_ends_by_itself(
    client: Callable[[str], Path], run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client(THERE)
    monkeypatch.setattr(containers, "STOP_S", HANG_S)
    handles = "import signal; signal.signal(15, lambda *_: exit(9)); print('ready', flush=True); signal.pause()"
    with launcher_in(IMAGE, run_folder, []) as launcher:
        process = launcher.start("train-head", [sys.executable, "-c", handles], {})
        assert process.stdout.readline() == "ready\n"
    assert process.wait() == 9


def test_run__reaches_the_engine_that_the_client_reaches(
    client: Callable[[str], Path], run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a context of Docker's, which docker-py does not know: it would ask an engine that is not there."""
    folder = client(THERE)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{folder}/nobody.sock")

    monkeypatch.setenv("TOY_JOURNAL", f"{folder}/journal")
    launcher = launcher_in(IMAGE, run_folder, [])
    run = run_local(only_begin, {"text": "frog"}, "code", run_folder, {}, launcher=launcher)
    assert Path(run.outputs["Output"].path).read_text() == "frog"
    assert IMAGE in (folder / "words").read_text().splitlines()


def test_stop__ends_what_runs_and_lets_nothing_start(client: Callable[[str], Path], run_folder: Path) -> None:
    folder = client(THERE)
    with launcher_in(IMAGE, run_folder, []) as launcher:
        process = launcher.start("train-head", ["sleep", "1000"], {})
        until(lambda: (folder / "environment").exists())
        launcher.stop()
        assert process.wait() != 0
        assert started(launcher, "sleep", "1000")[1] != 0


@pytest.mark.parametrize(
    ("inspect", "reason"),
    [
        ("echo Error: No such image: silencio/train:0.1.0 >&2; exit 1", "No such image: silencio/train:0.1.0"),
        ("echo Cannot connect to the Docker daemon >&2; exit 1", "Cannot connect to the Docker daemon"),
    ],
)
def test_image__that_no_engine_has_is_refused_before_anything_runs(
    client: Callable[[str], Path], run_folder: Path, inspect: str, reason: str
) -> None:
    client(inspect)
    with pytest.raises(ConfigError) as refused:
        launcher_in(IMAGE, run_folder, [])
    assert reason in str(refused.value)
    assert str(refused.value).startswith(f"--image {IMAGE}: ")


def test_image__without_a_client_is_refused(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", json.dumps("nowhere"))
    with pytest.raises(ConfigError, match="there is no `docker` in the path"):
        launcher_in(IMAGE, run_folder, [])
