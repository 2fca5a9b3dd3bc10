"""Names: what Argo makes templates and tasks of, and what Kubernetes makes objects of."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from pipelines.ir_check.package import ROOT, Fault, Package, at

_FIELD = re.compile(r"[a-zA-Z0-9][-a-zA-Z0-9]*", re.ASCII)
_MAX_FIELD_LENGTH = 128
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", re.ASCII)
_MAX_NAME_LENGTH = 128
_EXIT = "ALL_UPSTREAM_TASKS_COMPLETED"
# Templates that the compiler puts into every workflow (`argocompiler/container.go`, `dag.go`, `importer.go`).
_RESERVED = frozenset(
    {
        "entrypoint",
        "root-driver",
        "system-dag-driver",
        "system-container-driver",
        "system-container-executor",
        "system-container-impl",
        "retry-system-container-executor",
        "retry-system-container-impl",
        "system-importer",
    }
)


def pipeline_name(package: Package) -> Iterator[Fault]:
    """The pipeline's name begins the workflow's, which Kubernetes cuts at 58 letters and adds five to.

    `backend/src/apiserver/template/v2_template.go` (`NewV2SpecTemplate`), `argocompiler/argo.go` (`GenerateName`);
    `k8s.io/apiserver/pkg/storage/names` cuts, so that the length is bounded by KFP's own column alone
    (`backend/src/apiserver/model/pipeline.go`).
    """
    name = package.spec["pipelineInfo"].get("name", "")
    if not _SUBDOMAIN.fullmatch(name) or len(name) > _MAX_NAME_LENGTH:
        what = f"the pipeline's name {name!r} begins no workflow's"
        yield Fault(ROOT, what, f"at most {_MAX_NAME_LENGTH} small letters, digits and hyphens between")
    version = package.spec.get("schemaVersion")
    if version != "2.1.0":
        yield Fault(ROOT, f"the IR's version is {version!r}, and the backend takes 2.1.0", "compile with kfp 2")


def field_names(package: Package) -> Iterator[Fault]:
    """Templates and tasks have names that Argo takes, with what the compiler adds to them.

    `argocompiler/argo.go` (`templateName`: nothing is made fitting), `dag.go`; argo-workflows
    `pkg/apis/workflow/v1alpha1/validation_utils.go` (`workflowFieldNameFmt`, `workflowFieldMaxLength`).
    """
    for where, name in _names(package):
        if not _FIELD.fullmatch(name):
            yield Fault(where, f"Argo takes no name {name!r}", "letters, digits and hyphens alone")
        elif len(name) > _MAX_FIELD_LENGTH:
            what = f"the name {name!r} has {len(name)} letters, and Argo takes {_MAX_FIELD_LENGTH}"
            yield Fault(where, what, "shorten the names of task and component")


def name_collisions(package: Package) -> Iterator[Fault]:
    """No two templates have one name, and no two tasks of a graph, with the drivers that stand beside them.

    `argocompiler/argo.go` (`addTemplate`: `errAlreadyExists`), `dag.go` (`name + "-driver"`).
    """
    templates: dict[str, str] = dict.fromkeys(_RESERVED, "the backend")
    for where, name in _templates(package):
        if name in templates:
            yield Fault(where, f"Argo's template {name!r} is {templates[name]}'s already", "give it another name")
        templates.setdefault(name, where)
    for dag in package.dags():
        for name in dag.tasks:
            if f"{name}-driver" in dag.tasks:
                what = f"{name}-driver stands beside it, which is how its driver is called"
                yield Fault(at(dag, name), what, "give one of both another name")


def hashed_components(package: Package) -> Iterator[Fault]:
    """Components with the same container have the same inputs and outputs: the workflow keeps one of them.

    `argocompiler/argo.go` (`hashComponentContainer`, `saveProtoToArguments`): the specification lies under the hash of
    the container, and whoever comes second is driven by the first one's.
    """
    first: dict[str, tuple[str, str]] = {}
    for name, component in package.components.items():
        container = package.executors.get(component.get("executorLabel", ""), {}).get("container")
        if container is None:
            continue
        key = json.dumps(container, sort_keys=True)
        sides = json.dumps([component.get("inputDefinitions"), component.get("outputDefinitions")], sort_keys=True)
        earlier, other = first.setdefault(key, (name, sides))
        if other != sides:
            what = f"it has the container of {earlier} and other inputs or outputs, and the backend keeps one of both"
            yield Fault(name, what, "give both the same, or let the containers differ")


def _names(package: Package) -> Iterator[tuple[str, str]]:
    yield from _templates(package)
    for dag in package.dags():
        for name in dag.tasks:
            yield at(dag, name), f"{name}-driver"


def _templates(package: Package) -> Iterator[tuple[str, str]]:
    """Templates of the workflow: of graphs, of loops and their iterations, of hooks; with what they are made for."""
    for dag in package.dags():
        yield dag.name, dag.name
        for name, task in dag.tasks.items():
            component = task.get("componentRef", {}).get("name", "")
            if "parameterIterator" in task:
                yield at(dag, name), f"{component}-{name}-iterator"
                yield at(dag, name), f"{component}-iteration"
            if task.get("triggerPolicy", {}).get("strategy") == _EXIT:
                yield at(dag, name), f"exit-hook-{dag.name}-{name}"
