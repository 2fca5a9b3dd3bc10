"""Graphs: tasks name components and tasks that are there, wait in no circle, and are of a kind that the backend has."""

from __future__ import annotations

import graphlib
from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.ir_check.package import Dag, Fault, Package, at, given

_EXIT = "ALL_UPSTREAM_TASKS_COMPLETED"
_STRATEGIES = frozenset({"", "TRIGGER_STRATEGY_UNSPECIFIED", "ALL_UPSTREAM_TASKS_SUCCEEDED", _EXIT})
_NOT_IN_OPEN_SOURCE = {"resolver": "resolvers are not implemented", "customJob": "custom jobs are Google Cloud's alone"}


def references(package: Package) -> Iterator[Fault]:
    """Every task has a component, and every component tasks or an executor.

    `backend/src/v2/compiler/argocompiler/dag.go` (`task`), `backend/src/v2/compiler/visitor.go`; the name in `taskInfo`
    is wanted by `validateNonRoot` in `backend/src/v2/driver/driver.go`.
    """
    for dag in package.dags():
        for name, task in dag.tasks.items():
            component = task.get("componentRef", {}).get("name", "")
            if component not in package.components:
                yield Fault(at(dag, name), f"there is no component {component!r}", "name one that the file has")
            if not task.get("taskInfo", {}).get("name"):
                yield Fault(at(dag, name), "taskInfo has no name, and its driver ends with an error", "give it one")
    for name, component in package.components.items():
        label = component.get("executorLabel")
        if "dag" not in component and label is None:
            yield Fault(name, "it has neither tasks nor an executor", "give it one of both")
        elif label is not None and label not in package.executors:
            yield Fault(name, f"there is no executor {label!r}", "name one that the file has")
    for label in package.kubernetes:
        if label not in package.executors:
            yield Fault(label, "Kubernetes has settings for it, and it is no executor", "name one that the file has")


def executors(package: Package) -> Iterator[Fault]:
    """Containers run; an importer stands under no condition; the rest is not the open-source backend's.

    `backend/src/v2/compiler/argocompiler/dag.go` (`task`).
    """
    for label, executor in package.executors.items():
        for kind, why in _NOT_IN_OPEN_SOURCE.items():
            if kind in executor:
                yield Fault(label, why, "make it a container")
        if not {"container", "importer", *_NOT_IN_OPEN_SOURCE} & executor.keys():
            yield Fault(
                label, f"of its kind ({', '.join(executor) or 'none'}) the backend knows nothing", "make it a container"
            )
        if "container" in executor and not [
            *executor["container"].get("command", []),
            *executor["container"].get("args", []),
        ]:
            yield Fault(label, "it has no command, and the launcher ends with an error", "give the container a command")
    for dag in package.dags():
        for name, task in dag.tasks.items():
            executor = package.executors.get(package.component_of(task).get("executorLabel", ""), {})
            if "importer" in executor and task.get("triggerPolicy", {}).get("condition"):
                yield Fault(
                    at(dag, name), "an importer stands under a condition", "put a step of your own in its place"
                )


def dependencies(package: Package) -> Iterator[Fault]:
    """Tasks wait for tasks beside them, and in no circle; so do components that hold one another.

    `backend/src/v2/compiler/argocompiler/dag.go` (`addImplicitDependencies`, `depends`): Argo refuses circles and names
    that it does not know; of components that hold themselves `compiler/visitor.go` would build no end.
    """
    for dag in package.dags():
        for name, task in dag.tasks.items():
            for other in task.get("dependentTasks", []):
                if other not in dag.tasks:
                    yield Fault(at(dag, name), f"it waits for {other!r}, which is not there", "name a task beside it")
        yield from _circle(dag.name, {name: _waited_for(dag, task) for name, task in dag.tasks.items()}, "tasks wait")
    held = {
        dag.name: {task.get("componentRef", {}).get("name", "") for task in dag.tasks.values()}
        for dag in package.dags()
    }
    yield from _circle("components", held, "components hold one another")


def triggers(package: Package) -> Iterator[Fault]:
    """Exit tasks wait for what they end, and a graph has other tasks as well.

    `backend/src/v2/compiler/argocompiler/dag.go` (`DAG`: "must contain one or more non-exit tasks"; an exit task is a
    hook of the tasks that it depends on).
    """
    for dag in package.dags():
        exits = 0
        for name, task in dag.tasks.items():
            strategy = task.get("triggerPolicy", {}).get("strategy", "")
            if strategy not in _STRATEGIES:
                yield Fault(
                    at(dag, name), f"the trigger {strategy!r} is none of the backend's", f"take {_EXIT}, or none"
                )
            if strategy == _EXIT:
                exits += 1
                if not task.get("dependentTasks"):
                    yield Fault(at(dag, name), "an exit task waits for nothing, so nothing calls it", "let it wait")
        if exits == len(dag.tasks):
            yield Fault(dag.name, "it has no task that is not an exit task", "put a task in it")


def _waited_for(dag: Dag, task: Mapping[str, Any]) -> set[str]:
    sources = [*given(task, "parameters").values(), *given(task, "artifacts").values()]
    outputs = [source.get("taskOutputParameter") or source.get("taskOutputArtifact") or {} for source in sources]
    named = {output["producerTask"] for output in outputs if "producerTask" in output}
    return (named | set(task.get("dependentTasks", []))) & dag.tasks.keys()


def _circle(where: str, graph: Mapping[str, set[str]], what: str) -> Iterator[Fault]:
    try:
        graphlib.TopologicalSorter({name: sorted(others) for name, others in sorted(graph.items())}).prepare()
    except graphlib.CycleError as error:
        yield Fault(where, f"{what} in a circle ({' → '.join(error.args[1])})", "take one of the edges away")
