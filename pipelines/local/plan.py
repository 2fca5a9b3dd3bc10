"""What a start would do: which steps would run, which would be taken up, and why. Nothing is trained or recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kfp import dsl
from kfp.local import status

from pipelines.local.containers import Launcher
from pipelines.local.kfp_patches import Executed
from pipelines.local.log import StepLog
from pipelines.local.resume import FinishedSteps
from pipelines.local.steps import LocalSteps

RUNS, TAKEN_UP, DEPENDS = "runs", "taken up", "depends"
_EACH_TIME = "it runs each time"
_NEVER_RAN = "it has not run here"


@dataclass(frozen=True)
class PlannedStep:
    """What a start would do about a step.

    Attributes:
        step: Its name in the graph; a loop's step has one entry for each item that is known.
        what: `runs`, `taken up`, or `depends`: it runs if a step before it makes something else than it did.
        why: In words; "" for what is taken up.
    """

    step: str
    what: str
    why: str


class PlannedSteps(LocalSteps):
    """Asks of every step whether it would run, and hands on what it made the last time.

    Args:
        finished: What need not run again.
        log: Keeps what the steps that look print.
        run_key: As for `LocalSteps`.
        out: The run's folder.
        launcher: As for `LocalSteps`.
        looking: Steps without caching that change nothing: they run, and say what is to be done.
        assumed: By step without caching that is not to run, what it would say.

    Attributes:
        planned: In the order of the graph.
    """

    def __init__(
        self,
        finished: FinishedSteps,
        log: StepLog,
        run_key: str,
        out: Path,
        launcher: Launcher,
        looking: frozenset[str],
        assumed: Mapping[str, dict[str, Any]],
    ) -> None:
        super().__init__(finished, log, run_key, out, launcher)
        self.planned: list[PlannedStep] = []
        self._looking, self._assumed = looking, assumed
        # Steps that would run, by the artifacts of which they would make others.
        self._made_by: dict[str, str] = {}

    def _execute(self, execute: Callable[..., Executed], task: dict[str, Any]) -> Executed:
        name = task["task_name"]
        if name in self._looking:
            self.planned.append(PlannedStep(name, RUNS, _EACH_TIME))
            return super()._execute(execute, task)
        key = self._key(task)
        if not key:
            self.planned.append(PlannedStep(name, RUNS, _EACH_TIME))
            return self._assumed.get(name, {}), status.Status.SUCCESS
        step = self._finished.find(key)
        remade = {self._made_by[uri] for uri in _uris(self._arguments(task)) if uri in self._made_by}
        if step and not remade:
            self.planned.append(PlannedStep(name, TAKEN_UP, ""))
            return step.outputs, status.Status.SUCCESS
        last = step or self._finished.last_like(key)
        if step:
            self.planned.append(PlannedStep(name, DEPENDS, f"on what comes of {' and '.join(sorted(remade))}"))
        else:
            self.planned.append(PlannedStep(name, RUNS, self._finished.why(key) or _NEVER_RAN))
        if last is None:
            return {}, status.Status.FAILURE  # what comes after it cannot be looked at
        self._made_by |= dict.fromkeys(_uris(last.outputs), name)
        return last.outputs, status.Status.SUCCESS


def unseen_steps(spec: Any, planned: list[PlannedStep], has_ended: Callable[[str], bool]) -> list[PlannedStep]:
    """Steps of a graph that could not be looked at, since one before them has never run.

    Args:
        spec: The pipeline's compiled graph.
        planned: What was looked at.
        has_ended: Whether a step of a component has ever ended here.
    """
    seen = {step.step for step in planned}
    new = " and ".join(dict.fromkeys(step.step for step in planned if step.why == _NEVER_RAN))
    waits, first = (DEPENDS, f"on what comes of {new}"), (RUNS, _NEVER_RAN)
    unseen = [(name, component) for name, component in _components(spec, spec.root) if name not in seen]
    return [PlannedStep(name, *(waits if has_ended(component) else first)) for name, component in unseen]


def _components(spec: Any, graph: Any) -> Iterator[tuple[str, str]]:
    """Names of the steps, and of their components, each after those that it waits for."""
    left = dict(graph.dag.tasks)
    while left:
        name = next(name for name in sorted(left) if not left.keys() & set(left[name].dependent_tasks))
        task = left.pop(name)
        component = spec.components[task.component_ref.name]
        if component.HasField("dag"):
            yield from _components(spec, component)
        else:
            yield name, task.component_ref.name


def _uris(values: Mapping[str, Any]) -> set[str]:
    flat = [one for value in values.values() for one in (value if isinstance(value, list) else [value])]
    return {one.uri for one in flat if isinstance(one, dsl.Artifact)}
