"""Kueue's queues: what they name is there, and steps of compiled pipelines fit into them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from delivery.render import Object
from delivery.rendered import Rendered, matches, name_of, namespace_of, title
from pipelines.ir_check.package import read_package
from pipelines.ir_check.quantities import amount
from pipelines.queues import PRIORITIES, PRIORITY_LABEL, QUEUE_LABEL

_COMPILED = Path(__file__).parents[2] / "pipelines" / "compiled"
# What Argo's own container beside each step asks for, and a little more.
_BESIDE = {"cpu": Decimal("0.1"), "memory": Decimal(256 << 20)}
_RESOURCES = {"cpu": "resourceCpuRequest", "memory": "resourceMemoryRequest"}


def queues(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """Queues, flavors and priorities that are named are there, and a queue lets in the namespaces of its own."""
    for one in rendered.of_kind("LocalQueue"):
        queue = rendered.find("ClusterQueue", "", one["spec"]["clusterQueue"])
        if queue is None:
            yield title(one), f"there is no ClusterQueue {one['spec']['clusterQueue']}"
        elif not _lets_in(queue, namespace_of(one)):
            yield title(one), f"{title(queue)} lets nobody in from the namespace {namespace_of(one)}"
    for one in rendered.of_kind("ClusterQueue"):
        for group in one["spec"].get("resourceGroups") or ():
            for flavor in group["flavors"]:
                yield from ((title(one), fault) for fault in _flavor_faults(rendered, group, flavor))
    known = {name_of(one) for one in rendered.of_kind("WorkloadPriorityClass")}
    for name in PRIORITIES:
        if rendered.of_kind("LocalQueue") and name not in known:
            yield "pipelines", f"there is no priority class {name}, which --priority offers: pods would wait in silence"
    for pod in rendered.pods:
        queue_name, priority = pod.labels.get(QUEUE_LABEL), pod.labels.get(PRIORITY_LABEL)
        if queue_name and not rendered.find("LocalQueue", pod.namespace, queue_name):
            yield pod.owner, f"there is no LocalQueue {queue_name} in {pod.namespace}"
        if priority and priority not in known:
            yield pod.owner, f"there is no priority class {priority}"


def quotas(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """Each step of the compiled pipelines fits into one flavor of a queue, alone: else it waits for ever."""
    for queue in rendered.of_kind("ClusterQueue"):
        flavors = {
            flavor["name"]: {one["name"]: amount(str(one["nominalQuota"])) for one in flavor["resources"]}
            for group in queue["spec"].get("resourceGroups") or ()
            for flavor in group["flavors"]
        }
        found = {name: (rendered.find("ResourceFlavor", "", name) or {}).get("spec") or {} for name in flavors}
        for step, wanted, selector, tolerated in _steps():
            fitting = [name for name, spec in found.items() if _takes(spec, selector, tolerated)]
            if not any(_has(flavors[name], wanted) for name in fitting):
                amounts = ", ".join(f"{name} {value:f}" for name, value in wanted.items())
                where = f"the quota of {', '.join(fitting)}" if fitting else "any flavor for its nodes"
                yield title(queue), f"the step {step} asks for {amounts}, more than {where}"


def _lets_in(queue: Object, namespace: str) -> bool:
    selector = queue["spec"].get("namespaceSelector")
    return selector is not None and matches(selector, {"kubernetes.io/metadata.name": namespace})


def _flavor_faults(rendered: Rendered, group: Object, flavor: Object) -> Iterator[str]:
    if not rendered.find("ResourceFlavor", "", flavor["name"]):
        yield f"there is no ResourceFlavor {flavor['name']}"
    names = [one["name"] for one in flavor["resources"]]
    if names != group["coveredResources"]:
        yield f"the flavor {flavor['name']} has {names}, and its group covers {group['coveredResources']}"


@cache
def _steps() -> tuple[tuple[str, Mapping[str, Decimal], Mapping[str, str], frozenset[str]], ...]:
    """What each compiled step asks for: name, amounts, labels of nodes, keys of taints that it tolerates."""
    found = []
    for path in sorted(_COMPILED.glob("*.yaml")):
        package = read_package(path)
        for label, container in package.containers():
            kubernetes = package.kubernetes.get(label, {})
            selector = kubernetes.get("nodeSelector", {}).get("labels", {})
            tolerated = frozenset(one.get("key", "") for one in kubernetes.get("tolerations", ()))
            found.append((f"{path.stem}/{label}", _wanted(container.get("resources", {})), selector, tolerated))
    return tuple(found)


def _wanted(resources: Mapping[str, Any]) -> dict[str, Decimal]:
    wanted = {}
    for name, field in _RESOURCES.items():
        wanted[name] = (amount(str(resources.get(field, "0"))) or Decimal(0)) + _BESIDE[name]
    accelerator = resources.get("accelerator")
    if accelerator:
        wanted[accelerator["resourceType"]] = Decimal(accelerator["resourceCount"])
    return wanted


def _takes(flavor: Object, selector: Mapping[str, str], tolerated: frozenset[str]) -> bool:
    """Whether Kueue would put a pod there: labels of the flavors that it names have to be the flavor's."""
    labels = flavor.get("nodeLabels") or {}
    taints = {one["key"] for one in flavor.get("nodeTaints") or () if one.get("effect") != "PreferNoSchedule"}
    return taints <= tolerated and all(labels.get(key) == value for key, value in selector.items())


def _has(quota: Mapping[str, Decimal | None], wanted: Mapping[str, Decimal]) -> bool:
    return all((quota.get(name) or Decimal(0)) >= value for name, value in wanted.items())
