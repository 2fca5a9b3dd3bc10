"""`silencio serve --canary` as a process, and the commands of a release owner, each a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import serving
import silencio
from serving.canary.one_machine_state import MachineState
from serving.canary.one_machine_tools import INSTALLED
from serving.canary.store import FileStore
from silencio.errors import ReleaseError, RouteError
from silencio.network import free_ports
from silencio.release.record import ReleaseRecord

SCRAPE_INTERVAL_S = 1.0
_POLL_S = 0.05
# Ends a run that hangs.
_HANG_S = 5_400.0


def environment(folder: Path) -> dict[str, str]:
    """As a terminal has it, without this machine's MLflow, and with one thread a server."""
    packages = [str(Path(package.__path__[0]).parent) for package in (serving, silencio)]
    kept = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    paths = [os.environ.get("PATH", os.defpath), str(INSTALLED.resolve())]
    one_thread = {"SILENCIO_THREADS": "1", "OMP_NUM_THREADS": "1"}
    own = {"PYTHONPATH": os.pathsep.join(packages), "PATH": os.pathsep.join(paths), "TMPDIR": str(folder)}
    return kept | own | one_thread


def until(condition: Callable[[], bool], what: str, *, gives_up: Callable[[], bool] = lambda: False) -> None:
    """Wait, as long as it takes.

    Raises:
        TimeoutError: It hangs, or can come no more.
    """
    hangs_at_s = time.monotonic() + _HANG_S
    while not condition():
        if gives_up() or time.monotonic() > hangs_at_s:
            raise TimeoutError(f"it never came: {what}")
        time.sleep(_POLL_S)


@dataclass
class Machine:
    """One that serves.

    Attributes:
        folder: Its state folder.
        champion: Bundle.
        challenger: Bundle.
        options: Further options of `silencio serve`.
        variables: Further variables of the commands.
    """

    folder: Path
    champion: Path
    challenger: Path
    options: Sequence[str] = ()
    variables: dict[str, str] = field(default_factory=dict)
    _port: int = field(default_factory=lambda: free_ports(1)[0])
    _process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        path = self.folder / "serve.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""

    def start(self) -> None:
        """Raises `RouteError` where it ends."""
        self.folder.mkdir(parents=True, exist_ok=True)
        words = ["serve", "--bundle", self.champion, "--canary", self.challenger, "--state-dir", self.folder]
        words += ["--port", self._port, "--scrape-interval-s", SCRAPE_INTERVAL_S, *self.options]
        with (self.folder / "serve.log").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603  # our own command
                self._command(words), env=self._environment(), cwd=self.folder, stdout=log, stderr=log
            )
        until(lambda: "Ctrl-C" in self.log, "it serves", gives_up=lambda: not self.is_running)

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait()

    def state(self) -> MachineState:
        return MachineState.load(self.folder)

    def release(self, *words: object) -> subprocess.CompletedProcess[str]:
        """`silencio release …`, to its end."""
        return subprocess.run(  # noqa: S603  # our own command
            self.release_command(*words),
            env=self._environment(),
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )

    def begin(self, *words: object) -> None:
        """Raises `ReleaseError` where `silencio release start` refuses."""
        done = self.release("start", *words)
        if done.returncode:
            raise ReleaseError(f"the release does not begin: {done.stderr}")

    def start_auto(self, module: str = "silencio", *before: object) -> subprocess.Popen[bytes]:
        """`silencio release auto`, under way."""
        command = self.release_command("auto", "--until-held", module=module, before=before)
        with (self.folder / "judge.log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603  # our own command
                command, env=self._environment(), cwd=self.folder, stdout=log, stderr=log
            )

    def record(self) -> ReleaseRecord:
        """Raises `ReleaseError` where there is none."""
        record = FileStore(self.folder / "release").load()
        if record is None:
            raise ReleaseError(f"there is no release in {self.folder}")
        return record

    def holder_pid(self) -> int | None:
        """The process that had the lease last."""
        path = self.folder / "release" / "judge.lock"
        try:
            return int(json.loads(path.read_bytes())["pid"])
        except (OSError, ValueError, KeyError):
            return None  # it is being written

    def release_command(self, *words: object, module: str = "silencio", before: Sequence[object] = ()) -> list[str]:
        return self._command([*before, "release", words[0], "--state-dir", self.folder, *words[1:]], module)

    def _command(self, words: Sequence[object], module: str = "silencio") -> list[str]:
        return [sys.executable, "-m", module, *map(str, words)]

    def _environment(self) -> dict[str, str]:
        return environment(self.folder) | self.variables


@contextmanager
def serving_machine(machine: Machine) -> Iterator[Machine]:
    """It serves until the block ends."""
    try:
        machine.start()
    except TimeoutError as error:
        raise RouteError(f"`silencio serve` did not start: {machine.log}") from error
    try:
        yield machine
    finally:
        if machine.is_running:
            machine.stop()
