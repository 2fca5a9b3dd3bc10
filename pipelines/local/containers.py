"""Starts steps as containers of one image, by the Docker engine that answers: what `--image` of a run is for.

A step finds the files of this machine under their own names, those that it reads and those that it writes. Its code and
its libraries are the image's, its servers those that this machine reaches.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue
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
    """Starts steps while it is open; once closed, no container of a step is left.

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
        # Docker's clients, by the names of their containers.
        self._started: dict[str, StartedStep] = {}
        self._stopping = False
        # Whoever stops may be a signal handler, and this queue takes no lock.
        self._stops: SimpleQueue[bool] = SimpleQueue()
        self._watch = threading.Thread(target=self._end_when_stopped, daemon=True)
        self._watch.start()
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
        container = f"silencio-{uuid.uuid4().hex}"
        words = ["docker", "run", "--rm", f"--name={container}", "--network=host", *options, self._name, *command]
        process = StartedStep.by(words, {**os.environ, **variables})
        self._started[container] = process
        if self._stopping:
            self.stop()
        return process

    def stop(self) -> None:
        """End all steps: Docker's client hands the signal on, and whatever goes on all the same is removed.

        May be called by a signal handler: takes no lock.
        """
        self._stopping = True
        for process in list(self._started.values()):
            if process.returncode is None:
                process.terminate()
        self._stops.put(True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.stop()
        self._stops.put(False)
        self._watch.join()

    def _end_when_stopped(self) -> None:
        """In a thread of its own: who runs steps may wait for them before this is closed, as kfp.local's loops do."""
        while self._stops.get():
            self._end()

    def _end(self) -> None:
        """The kernel keeps a signal from a container's first process until that has a handler, and the client waits."""
        started, ends_at_s = dict(self._started), time.monotonic() + STOP_S
        for process in started.values():
            try:
                process.wait(max(0.0, ends_at_s - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        # A client that ended well has seen its container end; any other may have left it. Of most, none is there.
        if left := [name for name, process in started.items() if process.returncode]:
            subprocess.run(["docker", "rm", "--force", *left], capture_output=True, check=False)


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
