"""Starts steps as containers of one image, by the Docker engine that answers: what `--image` of a run is for.

A step finds the files of this machine under their own names, those that it reads and those that it writes. Its code and
its libraries are the image's, its servers those that this machine reaches.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from pipelines.local.launcher import STOP_S, StartedStep, StepLauncher, StepProcess, prepare_environment
from pipelines.step_process import RUN_PID
from silencio.errors import ConfigError

# Of this process's environment, what a step gets as well: by how a name begins.
_HANDED_ON = ("AWS_", "MALLOC_", "MLFLOW_", "OMP_", "PYTHONWARNINGS", "SILENCIO_")
# No capability, no new privilege; nothing is written but to the run's own places, and to /tmp in memory.
_RESTRICTED = ("--cap-drop=ALL", "--security-opt=no-new-privileges", "--read-only", "--tmpfs=/tmp")
# Processes of one step hand tensors on through it; Docker's default is 64 MB.
_SHARED_MEMORY = "--shm-size=1g"


class ContainerLauncher:
    """Starts steps while it is open; once closed, or stopped, no container of a step is left.

    Args:
        image: Its name, with a tag; an engine has it already, and nothing is pulled.
        read: Files and folders of this machine that steps read.
        written: Folders that they write.
        variables: Variables of the steps, beside what this process has.

    Attributes:
        image: Name and content of the image, which a run's finished steps depend on.

    Raises:
        ConfigError: No engine answers, or it does not have the image.
    """

    def __init__(self, image: str, read: Sequence[Path], written: Sequence[Path], variables: Mapping[str, str]) -> None:
        self._name, self._variables = image, dict(variables)
        self.image = f"{image}@{_content(image)}"
        self._started: set[StartedStep] = set()
        self._stopping = False
        self._mounts = [f"--mount=type=bind,src={path},dst={path}" for path in dict.fromkeys(written)]
        others = [path for path in dict.fromkeys(read) if path not in written]
        self._mounts += [f"--mount=type=bind,src={path},dst={path},readonly" for path in others]
        prepare_environment()

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> StepProcess:
        """Start one step.

        Args:
            name: The step's.
            command: As kfp runs it.
            environment: Variables; a step gets those that are its concern.
        """
        variables = {key: value for key, value in environment.items() if key.startswith(_HANDED_ON)}
        # The step is its container's first process, whose parent is none; whoever it runs as has a name.
        variables |= self._variables | {RUN_PID: "0", "LOGNAME": "silencio"}
        options = [f"--user={os.getuid()}:{os.getgid()}", *_RESTRICTED, _SHARED_MEMORY, *self._mounts]
        options += [part for key in variables for part in ("--env", key)]
        words = ["docker", "run", "--rm", "--network=host", *options, self._name, *command]
        process = StartedStep.by(words, {**os.environ, **variables})
        self._started.add(process)
        if self._stopping:
            process.terminate()
        return process

    def stop(self) -> None:
        """End all steps: Docker's client hands the signal on. May be called by a signal handler: takes no lock."""
        self._stopping = True
        for process in list(self._started):
            if process.returncode is None:
                process.terminate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.stop()
        for process in self._started:
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


Launcher = StepLauncher | ContainerLauncher


def launcher_in(image: str, out: Path, places: Sequence[str]) -> ContainerLauncher:
    """A launcher whose steps see what a run's arguments name, and keep MLflow's file and the cache where processes do.

    Args:
        image: See `ContainerLauncher`.
        out: The run's folder.
        places: What the run's arguments name: of this machine, of another, or of none.

    Raises:
        ConfigError: See `ContainerLauncher`.
    """
    from silencio.data.manifest_places import SETTING
    from silencio.data.source import is_listed
    from silencio.registry.settings import Tracking
    from silencio.settings import Settings
    from silencio.storage import is_local, local_path

    tracking, cache = Tracking(), Settings().cache.absolute()
    written = [out.resolve(), cache]
    if tracking.database is not None:
        written.append(tracking.database.parent)
    for folder in written:
        folder.mkdir(parents=True, exist_ok=True)
    listed = [one for one in os.environ.get(SETTING, "").split(",") if one.strip()]
    here = [one.strip() for one in (*places, *listed) if is_local(one.strip())]
    paths = {one: local_path(one).resolve() for one in here if one}
    # Beside a table lie the recordings that it names.
    read = [path if is_listed(one) else path.parent for one, path in paths.items() if path.exists()]
    variables = {"MLFLOW_TRACKING_URI": tracking.uri, "SILENCIO_CACHE": str(cache)}
    return ContainerLauncher(image, read, written, variables)


def _content(image: str) -> str:
    try:
        done = subprocess.run(["docker", "image", "inspect", image], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise ConfigError(f"--image {image}: there is no `docker` in the path, which would run it") from error
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no reason was given"])[-1]
        raise ConfigError(f"--image {image}: Docker does not have it ({reason}): build it by `make images ONLY=train`")
    return str(json.loads(done.stdout)[0]["Id"])
