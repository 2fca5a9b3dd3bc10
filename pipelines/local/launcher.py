"""Starts the processes of steps: forked from one that has imported what they need, or by the command that kfp wrote."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self, TextIO

from pipelines.local.fork_server import REQUEST
from pipelines.step_process import supervised

_KILLED_CODE = -9
STOP_S = 10.0
_RUNTIME = {"_KFP_RUNTIME": "true"}
# kfp's command for a function: its source is the shell's $0, what follows are the executor's arguments.
_COMMAND = re.compile(
    r'\s*program_path=\$\(mktemp -d\)\s+printf "%s" "\$0" > "\$program_path/ephemeral_component\.py"\s+'
    r'_KFP_RUNTIME=true \S+ -m \S+\s+--component_module_path\s+"\$program_path/ephemeral_component\.py"\s+"\$@"\s*'
)


class StepProcess(Protocol):
    """A step's process."""

    @property
    def stdout(self) -> TextIO: ...

    def wait(self) -> int:
        """Wait for its end; returns its exit status, or minus the signal that killed it."""


class StepLauncher:
    """Starts steps while it is open; once closed, or once its thread has ended, none of its processes is left.

    Args:
        run: The run's folder, by which a list of processes tells one run from another.
        modules: What steps import; imported once, in a process that they are forked from. Where the system is not
            Linux, or that process is gone, each step is started by its command instead.
    """

    def __init__(self, run: Path, modules: Sequence[str] = ()) -> None:
        self._lock = threading.Lock()
        self._started: set[StartedStep] = set()
        self._server: subprocess.Popen[bytes] | None = None
        prepare_environment()
        self._stopping = False
        if sys.platform == "linux":
            self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                self._server = _start_server(theirs.fileno(), [str(run), *modules])

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> StepProcess:
        """Start one step.

        Args:
            name: The step's.
            command: As kfp runs it.
            environment: All of it.
        """
        if forked := self._forked(name, command, environment):
            return forked
        process = StartedStep.by(command, environment)
        self._started.add(process)
        if self._stopping:
            process.terminate()
        return process

    def stop(self) -> None:
        """End all steps. May be called by a signal handler: takes no lock."""
        self._stopping = True
        if self._server is not None:
            with contextlib.suppress(OSError):  # it is gone
                self._control.shutdown(socket.SHUT_RDWR)
            if self._server.returncode is None:
                self._server.terminate()  # it may be importing
        for process in list(self._started):
            if process.returncode is None:
                process.terminate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.stop()
        if self._server is not None:
            self._control.close()
        for process in (*self._started, self._server):
            if process is not None:
                try:
                    process.wait(STOP_S)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def _forked(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> StepProcess | None:
        if self._server is None or self._stopping or (parts := _parts(command)) is None:
            return None
        source, arguments = parts
        content = {"name": name, "source": source, "arguments": arguments, "environment": {**environment, **_RUNTIME}}
        with tempfile.TemporaryFile("w+", encoding="utf-8") as request, contextlib.ExitStack() as ours:
            json.dump(content, request)
            request.flush()
            request.seek(0)
            output, their_output = _pipe(ours)
            status, their_status = _pipe(ours)
            descriptors = [request.fileno(), their_output, their_status]
            try:
                with self._lock:
                    socket.send_fds(self._control, [REQUEST], descriptors)
            except OSError:  # the server is gone
                os.close(output)
                os.close(status)
                return None
        forked = _Forked(
            os.fdopen(output, encoding="utf-8", errors="replace", buffering=1), os.fdopen(status, encoding="ascii")
        )
        return forked if forked.begins() else None


def prepare_environment() -> None:
    """What every process of a run begins with, this one's children; what is set already stays."""
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    # glibc gives the memory of every STFT back to the system and asks for it again: twice the time of a log-mel.
    os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", "33554432")
    os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", "33554432")


@dataclass(frozen=True)
class _Forked:
    """A step of the server's, which tells its process first, and how it ended at last; the server ends it, too."""

    stdout: TextIO
    status: TextIO

    def begins(self) -> bool:
        if self.status.readline().strip():
            return True
        self.stdout.close()
        self.status.close()
        return False

    def wait(self) -> int:
        with self.status:
            # A server that is killed tells nothing, and the kernel ends its steps.
            return int(self.status.readline().strip() or _KILLED_CODE)


class StartedStep(subprocess.Popen[str]):
    """A step that its command starts."""

    stdout: TextIO

    @classmethod
    def by(cls, command: Sequence[str], environment: Mapping[str, str]) -> Self:
        return cls(
            [_supervised(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            bufsize=1,
            env=dict(environment),
            process_group=0,  # Ctrl-C is for the run to catch, and for the run to pass on
        )


def _start_server(control: int, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "pipelines.local.fork_server", str(control), str(os.getpid()), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **_RUNTIME},
        pass_fds=[control],
        process_group=0,
    )


def _pipe(ours: contextlib.ExitStack) -> tuple[int, int]:
    """The end that is read from, and the one that is written to, which is closed here in the end."""
    read, write = os.pipe()
    ours.callback(os.close, write)
    return read, write


def _parts(command: Sequence[str]) -> tuple[str, list[str]] | None:
    """Source and arguments of kfp's command for a function; None for another one."""
    if len(command) < 4 or command[0] != "sh" or not _COMMAND.fullmatch(command[2]):
        return None
    return command[3], list(command[4:])


def _supervised(part: str) -> str:
    """kfp's shell command with our process in place of its own; `exec`, so that the shell is no process between."""
    return supervised(part.replace("_KFP_RUNTIME=true ", "exec env _KFP_RUNTIME=true ", 1))
