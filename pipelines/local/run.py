"""Run a graph on this machine, by kfp.local: the very graph that is compiled for a cluster.

A run that was stopped, in whatever way, is started again by the same command and takes up from its finished steps.
"""

from __future__ import annotations

import contextlib
import io
import logging
import signal
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import Any

from kfp import local

from pipelines.local.containers import ContainerLauncher, Launcher
from pipelines.local.launcher import StepLauncher
from pipelines.local.lock import only_run_in
from pipelines.local.log import StepLog, StepTime
from pipelines.local.plan import PlannedStep, PlannedSteps, unseen_steps
from pipelines.local.publish import publish
from pipelines.local.resume import FinishedSteps
from pipelines.local.steps import LocalSteps
from silencio.data.place_version import place_version
from silencio.errors import PipelineError
from silencio.storage.atomic import writing


@dataclass(frozen=True)
class LocalRun:
    """What came of a pipeline.

    Attributes:
        outputs: The pipeline's outputs, by name.
        log: Everything that the steps printed.
        times: How long each step took, and which were taken up from an earlier start.
    """

    outputs: Mapping[str, Any]
    log: Path
    times: list[StepTime]


class FailedStepError(PipelineError):
    """A step ended in an error; the message is one sentence.

    Attributes:
        details: Where in the code, and what else helps.
    """

    def __init__(self, message: str, details: str) -> None:
        super().__init__(message)
        self.details = details


class RunStopped(KeyboardInterrupt):
    """Someone stopped the run; the message says what to do."""


def run_local(
    pipeline: Callable[..., Any],
    arguments: dict[str, Any],
    identity: str,
    out: Path,
    published: Mapping[str, str],
    at_early_end: Callable[[str], None] = lambda run_key: None,
    environment: Mapping[str, str] = MappingProxyType({}),
    launcher: Launcher | None = None,
) -> LocalRun:
    """Run any pipeline, or take it up where an earlier start was stopped.

    A run that comes to its end keeps the artifacts that it used and deletes those of other arguments, code or data.

    Args:
        pipeline: Takes `arguments` and `run_key`.
        arguments: The pipeline's arguments.
        identity: What its steps depend on beside them.
        out: The run's folder, absolute.
        published: Names at the top of `out`, by output of the pipeline.
        at_early_end: Told the run's key when a run that had finished steps failed or was stopped, or when another run
            takes the place of one that was killed.
        environment: Variables of the steps, beside this process's own; no step's key depends on it.
        launcher: Starts the steps' processes, and is closed with the run; None: one that knows nothing of what they
            import.

    Raises:
        StorageError: `out` cannot be written.
        PipelineError: Another run is at work in `out`.
        FailedStepError: A step failed; what others finished is kept.
        RunStopped: By a signal; no process of a step is left.
    """
    with launcher or StepLauncher(out) as launcher, only_run_in(out) as stopped_before:
        with writing(out / "artifacts"):
            finished = FinishedSteps(out / "artifacts", identity, partial(place_version, apart_from=out))
            finished.remove_unfinished()
        log = StepLog(out / "run.log", continues=bool(stopped_before))
        steps = LocalSteps(finished, log, finished.run_key(arguments), out, launcher, environment)
        if stopped_before and finished.given_up:
            at_early_end(finished.given_up)
        try:
            with log:
                if stopped_before:
                    log.note(f"taking up the run of {stopped_before}, which did not come to its end")
                outputs = _outputs(pipeline, arguments, steps, log, out, launcher)
            for name, place in published.items():
                publish(Path(outputs[name].path), out / place)
        except BaseException:
            finished.remove_unfinished()
            if steps.n_finished or stopped_before:
                at_early_end(steps.run_key)
            raise
        finished.remove_unused()
    return LocalRun(outputs, log.path, log.times)


def plan_local(
    pipeline: Any,
    arguments: dict[str, Any],
    identity: str,
    out: Path,
    looking: frozenset[str],
    assumed: Mapping[str, dict[str, Any]],
    launcher: Launcher | None = None,
) -> list[PlannedStep]:
    """Say what `run_local` would do, and leave everything as it is.

    Args:
        pipeline: As for `run_local`, with its compiled graph.
        arguments: As for `run_local`.
        identity: As for `run_local`.
        out: The run's folder; it need not be there.
        looking: See `PlannedSteps`.
        assumed: See `PlannedSteps`.
        launcher: As for `run_local`.

    Raises:
        PipelineError: A run is at work in `out`.
        FailedStepError: A step that looks failed, as it would in a run.
        RunStopped: By a signal; no process of a step is left.
    """
    with contextlib.ExitStack() as stack, launcher or StepLauncher(out) as launcher:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="silencio-plan-")))
        if (out / "artifacts").is_dir():
            stack.enter_context(only_run_in(out, is_start=False))
        else:
            out = scratch / "nothing-yet"
            (out / "artifacts").mkdir(parents=True)
        finished = FinishedSteps(out / "artifacts", identity, partial(place_version, apart_from=out))
        log = StepLog(scratch / "plan.log", io.StringIO())
        steps = PlannedSteps(finished, log, "plan", out, launcher, looking, assumed)
        try:
            with log:
                _outputs(pipeline, arguments, steps, log, scratch, launcher)
        except FailedStepError as error:
            raise FailedStepError(str(error), "a start would end with it") from error
        except RunStopped as stop:
            raise RunStopped("stopped; nothing was changed") from stop
        except RuntimeError:  # kfp.local's: a step that has never run leads no further
            pass
        return [*steps.planned, *unseen_steps(pipeline.pipeline_spec, steps.planned, finished.has_ended)]


def _outputs(
    pipeline: Callable[..., Any],
    arguments: Mapping[str, Any],
    steps: LocalSteps,
    log: StepLog,
    out: Path,
    launcher: Launcher,
) -> Mapping[str, Any]:
    """Of the pipeline, whose steps write below `out`; without it, an error that says why."""
    _quiet_kfp()
    local.init(
        local.DockerRunner() if isinstance(launcher, ContainerLauncher) else local.SubprocessRunner(use_venv=False),
        pipeline_root=str(out / "artifacts"),
        # No step has a use for one; kfp would make a folder and leave it behind when it is killed.
        workspace_root=str(out / ".workspace"),
    )
    try:
        with _stopped_by_signals(steps), steps.in_charge():
            return pipeline(**arguments, run_key=steps.run_key).outputs  # type: ignore[no-any-return]  # kfp's
    except RunStopped as stop:
        at = f" in {' and '.join(log.running)}" if log.running else ""
        raise RunStopped(
            f"stopped{at} after {steps.n_finished} finished steps; the same command takes up from there"
        ) from stop
    except RuntimeError as error:
        failure = steps.failure
        if failure is None:
            raise
        raise FailedStepError(
            f"step {failure.step} failed: {failure.sentence}",
            f"{failure.traceback}\n\nEverything the steps printed is in {log.path}; started again, the same command "
            f"takes up from {steps.n_finished} finished steps.",
        ) from error


@contextlib.contextmanager
def _stopped_by_signals(steps: LocalSteps) -> Iterator[None]:
    """Turn a signal that would end this process into `RunStopped`, with no step's process left behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # What is ignored (nohup, a shell's background job) stays ignored.
    wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    numbers = [number for number in wanted if signal.getsignal(number) != signal.SIG_IGN]

    def stop(number: int, _: FrameType | None) -> None:
        for one in numbers:
            signal.signal(one, signal.SIG_IGN)
        steps.stop()
        raise RunStopped

    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _quiet_kfp() -> None:
    """Its messages about images and Kubernetes are no news here."""
    warnings.filterwarnings("ignore", module="kfp")
    logging.getLogger("kfp").setLevel(logging.ERROR)
