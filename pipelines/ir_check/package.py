"""A compiled pipeline, as the rules look at it: the pipeline's own document and what it asks of Kubernetes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from silencio.errors import PipelineError

ROOT = "root"


@dataclass(frozen=True)
class Fault:
    """What a KFP host would refuse, or get wrong.

    Attributes:
        where: The task, component or executor.
        what: The value, and why the backend cannot take it.
        remedy: What to do.
    """

    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}: {self.remedy}"


@dataclass(frozen=True)
class Dag:
    """A graph of tasks: the pipeline's own, or a component that is made of tasks (a loop, a condition).

    Attributes:
        name: `root`, or the component's.
        component: With its input and output definitions.
    """

    name: str
    component: Mapping[str, Any]

    @property
    def tasks(self) -> Mapping[str, Any]:
        """Tasks, by name."""
        return self.component["dag"].get("tasks", {})  # type: ignore[no-any-return]

    def inputs(self, kind: str) -> Mapping[str, Any]:
        """Definitions of the graph's own `parameters` or `artifacts`."""
        return definitions(self.component, "inputDefinitions", kind)


@dataclass(frozen=True)
class Package:
    """A compiled pipeline.

    Attributes:
        spec: The pipeline's document.
        kubernetes: What its executors ask of Kubernetes, by label.
    """

    spec: Mapping[str, Any]
    kubernetes: Mapping[str, Any]

    @property
    def components(self) -> Mapping[str, Any]:
        """Components, by name; `root` is none of them."""
        return self.spec.get("components", {})  # type: ignore[no-any-return]

    @property
    def executors(self) -> Mapping[str, Any]:
        """Executors, by label."""
        return self.spec.get("deploymentSpec", {}).get("executors", {})  # type: ignore[no-any-return]

    def containers(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Containers, with the label of their executor."""
        for label, executor in self.executors.items():
            if "container" in executor:
                yield label, executor["container"]

    def dags(self) -> Iterator[Dag]:
        """The pipeline's graph and those inside it."""
        for name, component in {ROOT: self.spec.get("root", {}), **self.components}.items():
            if "dag" in component:
                yield Dag(name, component)

    def component_of(self, task: Mapping[str, Any]) -> Mapping[str, Any]:
        """Of a task; empty where there is none, which is a fault of its own."""
        return self.components.get(task.get("componentRef", {}).get("name", ""), {})  # type: ignore[no-any-return]


def read_package(path: Path) -> Package:
    """Read what the compiler wrote.

    Raises:
        PipelineError: It is no compiled pipeline.
    """
    try:
        documents = list(yaml.load_all(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PipelineError(f"{path} cannot be read as YAML ({error}): compile the pipeline anew") from error
    specs = [one for one in documents if isinstance(one, dict) and "pipelineInfo" in one]
    if len(specs) != 1:
        raise PipelineError(f"{path} holds {len(specs)} pipelines instead of one: name a file that KFP compiled")
    platforms = [one["platforms"] for one in documents if isinstance(one, dict) and "platforms" in one]
    requested = [one.get("kubernetes", {}).get("deploymentSpec", {}).get("executors", {}) for one in platforms]
    return Package(specs[0], requested[0] if requested else {})


def definitions(component: Mapping[str, Any], side: str, kind: str) -> Mapping[str, Any]:
    """Of a component: `inputDefinitions` or `outputDefinitions`, of `parameters` or `artifacts`."""
    return component.get(side, {}).get(kind, {})  # type: ignore[no-any-return]


def given(task: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """What a task is given: `parameters` or `artifacts`, by name."""
    return task.get("inputs", {}).get(kind, {})  # type: ignore[no-any-return]


def at(dag: Dag, task: str) -> str:
    """How a task is called in a message."""
    return task if dag.name == ROOT else f"{dag.name}/{task}"


def claim_of(mount: Mapping[str, Any]) -> str:
    """The volume claim that an executor mounts; "" where a run chooses it."""
    named = mount.get("pvcNameParameter", {}).get("runtimeValue", {})
    return str(mount.get("constant") or named.get("constant", ""))
