"""Sizes: what has to go through Kubernetes' API, and through a pod's command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pipelines.ir_check.package import ROOT, Dag, Fault, Package, at

# etcd takes requests of 1.5 MiB. Of an Argo workflow, the status grows beside what was compiled.
_MAX_WORKFLOW_BYTES = 1 << 20
# Given to the driver and the launcher as one argument each, which Linux bounds (MAX_ARG_STRLEN).
_MAX_ARGUMENT_BYTES = 32 * 4096 - 1


def workflow_size(package: Package) -> Iterator[Fault]:
    """The workflow that the backend makes of it is one object of Kubernetes.

    `argocompiler/argo.go` (`saveProtoToArguments`: a container and a component's specification lie in it once, however
    often they are used), `dag.go` (a task's specification lies in it once, a loop's three times); etcd's
    `--max-request-bytes`.
    """
    containers = {_json(container) for _, container in package.containers()}
    specifications = {_json(component) for component in package.components.values()}
    n_bytes = sum(map(len, containers)) + sum(map(len, specifications)) + len(_json(package.kubernetes))
    n_bytes += sum(
        len(_json(task)) * (3 if "parameterIterator" in task else 1)
        for dag in package.dags()
        for task in dag.tasks.values()
    )
    if n_bytes > _MAX_WORKFLOW_BYTES:
        what = f"the workflow has about {n_bytes} bytes, and Kubernetes keeps objects of 1.5 MiB with all they grow to"
        yield Fault(ROOT, what, f"keep it below {_MAX_WORKFLOW_BYTES}: fewer nodes, or code in the library")


def argument_sizes(package: Package) -> Iterator[Fault]:
    """Specifications are handed to drivers and launchers as arguments of their command lines.

    `argocompiler/dag.go` and `container.go` (`--component`, `--task`, `--container`), `driver.go` (`initPodSpecPatch`:
    `--component_spec`, `--executor_input`).
    """
    for name, component in package.components.items():
        if "dag" not in component:
            yield from _too_long(name, "the component's specification", component)
    for label, container in package.containers():
        yield from _too_long(label, "the container", container)
    for dag in package.dags():
        for name, task in dag.tasks.items():
            yield from _too_long(at(dag, name), "the task's specification", task)
    yield from _too_long(ROOT, "the default parameters", _defaults(Dag(ROOT, package.spec.get("root", {}))))


def _too_long(where: str, what: str, value: Any) -> Iterator[Fault]:
    n_bytes = len(_json(value))
    if n_bytes > _MAX_ARGUMENT_BYTES:
        words = f"{what} has {n_bytes} bytes, and Linux takes arguments of {_MAX_ARGUMENT_BYTES}"
        yield Fault(where, words, "move code and texts into the library")


def _defaults(root: Dag) -> dict[str, Any]:
    return {word: one.get("defaultValue") for word, one in root.inputs("parameters").items()}


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
