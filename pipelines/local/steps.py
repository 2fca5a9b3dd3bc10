"""How steps run on this machine, in the place of `kfp.local` (`pipelines.local.kfp_patches`).

A finished step is taken up, and one that ends well is recorded; its process ends with the run, can be stopped, and says
in one sentence why it failed. Nothing here knows which steps there are.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kfp.local import status
from kfp.local.orchestrator.orchestrator_utils import OrchestratorUtils

from pipelines.local.containers import Launcher
from pipelines.local.kfp_patches import Executed, steps_run_by
from pipelines.local.log import StepLog
from pipelines.local.resume import FinishedSteps
from pipelines.step_process import FAILED, RUN_PID, sentence_of
from silencio.data.place_version import RUN_FOLDER
from silencio.registry.settings import RUN_KEY

# Less than this, and even a record of a step has no place.
_FULL_BYTES = 1 << 16
_KILLED = 128
_WHY_KILLED: dict[int, str] = {
    signal.SIGABRT: "a library gave up; the last lines in the log say why",
    signal.SIGBUS: "a full disk or a broken file does it",
    signal.SIGILL: "a library was built for another processor",
    signal.SIGKILL: "by hand, or because memory ran out",
    signal.SIGSEGV: "a library crashed; a broken file does it",
    signal.SIGXFSZ: "a file grew larger than this process may write: raise the limit (ulimit -f)",
}


@dataclass(frozen=True)
class Failure:
    """Why a run ended early.

    Attributes:
        step: The first step that failed.
        sentence: What was wrong.
        traceback: Where; "" where the step had no time to say.
    """

    step: str
    sentence: str
    traceback: str = ""


class LocalSteps:
    """Runs the steps of one pipeline run.

    Args:
        finished: What need not run again.
        log: Shows steps, and keeps what they print.
        run_key: Stands for `dsl.PIPELINE_JOB_ID_PLACEHOLDER`: the same each time that the run is started again.
        out: The run's folder.
        launcher: Starts their processes; it is closed by whoever opened it.
        environment: Variables of the steps' processes, beside this one's; what the graph sets gives way to it.

    Attributes:
        run_key: The run's key.
        failure: Why the first step that failed did so.
        n_finished: Steps that ended well or were taken up.
    """

    def __init__(
        self,
        finished: FinishedSteps,
        log: StepLog,
        run_key: str,
        out: Path,
        launcher: Launcher,
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.failure: Failure | None = None
        self.n_finished = 0
        self._finished = finished
        self._log = log
        self.run_key = run_key
        self._out = out
        self._launcher = launcher
        self._environment = {**environment, RUN_PID: str(os.getpid()), RUN_FOLDER: str(out), RUN_KEY: run_key}
        self._here = threading.local()
        self._stopping = False

    @contextlib.contextmanager
    def in_charge(self) -> Iterator[None]:
        """While this holds, `kfp.local` runs its steps here; afterwards no step's process is left."""
        with steps_run_by(self._execute, self._run_process), self._log.of_loggers():
            try:
                yield
            finally:
                self.stop()

    def stop(self) -> None:
        """End the steps that are running; no further one starts. May be called by a signal handler: takes no lock."""
        self._stopping = True
        self._launcher.stop()

    def _execute(self, execute: Callable[..., Executed], task: dict[str, Any]) -> Executed:
        name, spec = task["task_name"], task["task_spec"]
        is_exit_task = any(given.HasField("task_final_status") for given in spec.inputs.parameters.values())
        if self._stopping or (self.failure and not is_exit_task):
            return {}, status.Status.FAILURE
        self._here.step = name
        try:
            key = "" if is_exit_task else self._key(task)
            if key and (step := self._finished.find(key)):
                self._log.taken_up(name, step.seconds, step.ended_at)
                self.n_finished += 1
                return step.outputs, status.Status.SUCCESS
            self._log.began(name, self._finished.why(key))
            began = time.monotonic()
            outputs, outcome = execute(**{**task, "unique_pipeline_id": self.run_key})
            seconds = time.monotonic() - began
            if outcome != status.Status.SUCCESS:
                self._fail(name, "it ended without a word")
                return {}, outcome
            self._finished.keep(key, outputs, seconds)
            self._log.ended(name, seconds)
            self.n_finished += 1
            return outputs, outcome
        except Exception as error:  # noqa: BLE001  # kfp.local would hide it in a log, or let it through as it is
            self._fail(name, sentence_of(error))
            return {}, status.Status.FAILURE

    def _key(self, task: dict[str, Any]) -> str:
        """Empty for what is never taken up: importers, and steps for which the graph wants no caching."""
        spec = task["task_spec"]
        component = task["components"][spec.component_ref.name]
        executor = task["executors"][component.executor_label]
        if executor.WhichOneof("spec") != "container" or not spec.caching_options.enable_cache:
            return ""
        return self._finished.key(spec.component_ref.name, executor.container, self._arguments(task))

    def _arguments(self, task: dict[str, Any]) -> dict[str, Any]:
        inputs, io_store = task["task_spec"].inputs, task["io_store"]
        return OrchestratorUtils.make_task_arguments(  # type: ignore[no-any-return]  # kfp has no types
            task_inputs_spec=inputs, io_store=io_store
        )

    def _run_process(self, full_command: list[str], env_vars: dict[str, str] | None = None) -> int:
        step = self._here.step
        reported: list[str] = []
        process = self._launcher.start(step, full_command, {**os.environ, **(env_vars or {}), **self._environment})
        with process.stdout as lines:
            for line in lines:
                if line.startswith(FAILED):
                    reported = json.loads(line.removeprefix(FAILED))
                else:
                    self._log.output(line.rstrip("\n"))
        code = process.wait()
        if code:
            self._fail(step, *(reported or [_ended_by(code)]))
        return code

    def _fail(self, step: str, sentence: str, traceback: str = "") -> None:
        if self.failure or self._stopping:
            return
        # Libraries have their own words for a full disk, or die of it.
        if "no space" not in sentence and shutil.disk_usage(self._out).free < _FULL_BYTES:
            sentence = f"no space left on the disk of {self._out}: free some, or name another --out ({sentence})"
        self.failure = Failure(step, sentence, traceback)
        self._log.failed(step)


def _ended_by(code: int) -> str:
    number = code - _KILLED if code > _KILLED else -code
    if number <= 0:
        return f"it ended with status {code}"
    why = f" ({_WHY_KILLED[number]})" if number in _WHY_KILLED else ""
    return f"it was killed by signal {number}{why}"
