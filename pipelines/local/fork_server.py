"""A process that has what steps import, and forks them: a step begins at once instead of importing torch for seconds.

`pipelines.local.launcher` starts it. It imports the modules that it is given one after the other, and between them and
from then on forks a process for each request; it starts no threads, though libraries keep some of their own. When
the run closes the socket, terminates it or is killed, it ends all steps that it started, and itself.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import tempfile
import threading
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from pipelines import step_process

# Begins a request; its descriptors say which step, where its output goes and where its process and its end are told.
REQUEST = b"step"
N_DESCRIPTORS = 3
# As the kernel keeps it of a process's name.
_MAX_NAME_BYTES = 15
_PR_SET_NAME = 15


@dataclass(frozen=True)
class ForkedStep:
    """A process that was just forked, before it becomes its step.

    Attributes:
        name: The step's, as lists of processes show it.
        source: Python of its component.
        arguments: Arguments of kfp's executor, beside the component's place.
        output: Descriptor that its output and its errors go to.
        environment: The step's whole environment; nothing of the server's stays beside it.
    """

    name: str
    source: str
    arguments: list[str]
    output: int
    environment: dict[str, str]

    def run(self) -> NoReturn:
        """Become the step, and the process that watches over it; both end here."""
        os.setpgid(0, 0)
        _name_process(self.name)
        for descriptor in (1, 2):
            os.dup2(self.output, descriptor)
        os.close(self.output)
        os.environ.clear()
        os.environ.update(self.environment)
        if "numpy" in sys.modules:  # unlike Python's own generator, it goes on in every fork with the same numbers
            sys.modules["numpy"].random.seed()
        component = Path(tempfile.mkdtemp()) / "ephemeral_component.py"
        component.write_text(self.source, encoding="utf-8")
        sys.argv = [step_process.__file__, "--component_module_path", str(component), *self.arguments]
        watcher = os.getpid()
        status = _status_of_step()
        if os.getpid() != watcher:
            _end_threads_and_libraries()
        sys.stdout.flush()
        sys.stderr.flush()
        # Native libraries would wait, at the end of the interpreter, for threads that only the server has.
        os._exit(status)


@dataclass
class _Server:
    control: socket.socket
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    started_with: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    statuses: dict[int, int] = field(default_factory=dict)
    is_over: bool = False

    def __post_init__(self) -> None:
        self.ended, ends = os.pipe()
        for descriptor in (self.ended, ends):
            os.set_blocking(descriptor, False)
        self.ends = ends
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(ends, warn_on_full_buffer=False)
        self.selector.register(self.control, selectors.EVENT_READ)
        self.selector.register(self.ended, selectors.EVENT_READ)

    def serve(self, modules: list[str]) -> ForkedStep | None:
        """In a forked process, its step; in the server, None when the run has no further ones."""
        signal.signal(signal.SIGTERM, _raise_terminated)
        with contextlib.suppress(_TerminatedError):
            if step := self._serve(modules):
                return step
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for process in self.statuses:
            os.kill(process, signal.SIGTERM)
        while self.statuses:
            self._reap(wait=True)
        return None

    def _serve(self, modules: list[str]) -> ForkedStep | None:
        for module in modules:
            if (step := self._turn(wait=False)) or self.is_over:
                return step
            with contextlib.suppress(ImportError):  # a step that needs it says so in its own words
                importlib.import_module(module)
        gc.freeze()  # a collection in a fork would copy what it only looks at
        while not self.is_over:
            if step := self._turn(wait=True):
                return step
        return None

    def _turn(self, *, wait: bool) -> ForkedStep | None:
        for key, _ in self.selector.select(None if wait else 0):
            if key.fileobj is not self.control:
                os.read(self.ended, 4096)
                self._reap(wait=False)
            elif step := self._answer():
                return step
        return None

    def _answer(self) -> ForkedStep | None:
        try:
            message, descriptors, _, _ = socket.recv_fds(self.control, len(REQUEST), N_DESCRIPTORS)
        except OSError:
            message, descriptors = b"", []
        if message != REQUEST or len(descriptors) != N_DESCRIPTORS:
            for descriptor in descriptors:
                os.close(descriptor)
            # Of a request that came without all that belongs to it, the run finds the answer's end closed.
            self.is_over = not message
            return None
        request, output, status = descriptors
        with os.fdopen(request, encoding="utf-8") as file:
            content = json.load(file)
        server = os.getpid()
        try:
            process = os.fork()
        except OSError:  # the run starts the step by itself, and reports what there is to report
            process = -1
        if process == 0:
            self._leave(status)
            return ForkedStep(output=output, **{**content, "environment": self._environment(content, server)})
        os.close(output)
        if process > 0:
            self.statuses[process] = status
            _tell(status, process)
        else:
            os.close(status)
        return None

    def _leave(self, status: int) -> None:
        """What is the server's, in a process that was forked from it."""
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        self.selector.close()
        self.control.close()
        for descriptor in (self.ended, self.ends, status, *self.statuses.values()):
            os.close(descriptor)

    def _environment(self, content: dict[str, Any], server: int) -> dict[str, str]:
        """As asked for, with what libraries set when they were imported: a step would have them set it, too."""
        wanted: dict[str, str] = dict(content["environment"])
        for name, value in os.environ.items():
            before = self.started_with.get(name)
            if value != before and wanted.get(name) == before:
                wanted[name] = value
        if step_process.RUN_PID in wanted:
            wanted[step_process.RUN_PID] = str(server)
        return wanted

    def _reap(self, *, wait: bool) -> None:
        while self.statuses:
            process, status = os.waitpid(-1, 0 if wait else os.WNOHANG)
            if not process:
                return
            # Some import may have left a process of its own behind.
            if descriptor := self.statuses.pop(process, None):
                _tell(descriptor, os.waitstatus_to_exitcode(status))
                os.close(descriptor)


class _TerminatedError(BaseException):
    """The run does not wait for what is being imported."""


def _raise_terminated(number: int, frame: FrameType | None) -> NoReturn:
    raise _TerminatedError


def _tell(descriptor: int, number: int) -> None:
    with contextlib.suppress(OSError):  # nobody waits for it any more
        os.write(descriptor, f"{number}\n".encode())


def _status_of_step() -> int:
    """As an interpreter's, whatever ends it."""
    try:
        return step_process.main()
    except SystemExit as exit_:
        if exit_.code is None or isinstance(exit_.code, int):
            return exit_.code or 0
        sys.stderr.write(f"{exit_.code}\n")
    except BaseException:  # noqa: BLE001  # it is the last that there is of this process
        traceback.print_exc()
    return 1


def _end_threads_and_libraries() -> None:
    """As at the end of an interpreter: idle workers of pools are woken to end, threads waited for, then `atexit`."""
    threading._shutdown()  # type: ignore[attr-defined]  # no public function does it
    atexit._run_exitfuncs()


def _name_process(name: str) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode()[:_MAX_NAME_BYTES] + b"\0", 0, 0, 0)


def main() -> None:
    """Serve until the run is over."""
    control_descriptor, run, _, *modules = sys.argv[1:]
    # A closed socket is noticed between two imports; a run that is killed ends everything at once.
    step_process.end_with(int(run), signal.SIGKILL)
    with socket.socket(fileno=int(control_descriptor)) as control:
        step = _Server(control).serve(modules)
    if step is not None:
        step.run()


if __name__ == "__main__":
    main()
