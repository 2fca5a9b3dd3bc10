"""Rendered objects by kind and name, and the pods that controllers would make of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from delivery.render import Object

# Pods of KFP's runs, which no manifest of ours has: policies may select them.
PIPELINE_LABELS = {"pipelines.kubeflow.org/v2_component": "true"}


@dataclass(frozen=True)
class Pod:
    """A pod as it would be made.

    Attributes:
        owner: Kind and name of the object that it is made of.
        namespace: Where.
        labels: Its labels.
        spec: Its PodSpec.
        n_replicas: How many of them there are in any case; None: whatever makes them decides.
        others: Containers that somebody else adds to it.
        is_made_by_others: Whether nothing of it but its labels is known.
        claim_templates: Volumes for which claims are made with it.
    """

    owner: str
    namespace: str
    labels: Mapping[str, str]
    spec: Object
    n_replicas: int | None = None
    others: frozenset[str] = frozenset()
    is_made_by_others: bool = False
    claim_templates: tuple[str, ...] = ()

    @property
    def containers(self) -> list[Object]:
        """Ours, in their order."""
        return [one for one in self.spec.get("containers") or [] if one.get("name") not in self.others]

    @property
    def programs(self) -> list[Object]:
        """Whatever runs in it: what ends before the containers start, in its order, and the containers."""
        return [*(self.spec.get("initContainers") or []), *self.containers]

    @property
    def ports(self) -> list[tuple[str, int]]:
        """Name and number of each port that a container declares, others' as well."""
        return [
            (str(port.get("name", "")), int(port["containerPort"]))
            for one in self.spec.get("containers") or []
            for port in one.get("ports") or []
        ]


@dataclass(frozen=True)
class Rendered:
    """All objects of one or several overlays.

    Attributes:
        objects: As they would be sent.
    """

    objects: Sequence[Object]

    def of_kind(self, *kinds: str) -> list[Object]:
        """All objects of these kinds."""
        return [one for one in self.objects if one.get("kind") in kinds]

    def find(self, kind: str, namespace: str, name: str) -> Object | None:
        """One object; None: it is not there."""
        return self._by_name.get((kind, namespace, name))

    @cached_property
    def _by_name(self) -> dict[tuple[str, str, str], Object]:
        return {(str(one.get("kind")), namespace_of(one), name_of(one)): one for one in self.objects}

    @cached_property
    def pods(self) -> list[Pod]:
        """Every pod that controllers would make, one for each template."""
        from delivery.kserve_pods import predictor_pods

        found = [pod for one in self.objects for pod in _template_pods(one)]
        found += [pod for one in self.of_kind("InferenceService") for pod in predictor_pods(self, one)]
        return found

    @cached_property
    def selectable_pods(self) -> list[Pod]:
        """These, and the pods that others make in the same namespaces."""
        spaces = sorted({pod.namespace for pod in self.pods})
        others = [Pod("pods of KFP", space, PIPELINE_LABELS, {}, is_made_by_others=True) for space in spaces]
        return [*self.pods, *others]

    def selected(self, namespace: str, selector: Object) -> list[Pod]:
        """The pods of a namespace that a selector matches."""
        return [one for one in self.selectable_pods if one.namespace == namespace and matches(selector, one.labels)]


def name_of(one: Object) -> str:
    """Its name."""
    return str((one.get("metadata") or {}).get("name", ""))


def namespace_of(one: Object) -> str:
    """Its namespace; empty: none."""
    return str((one.get("metadata") or {}).get("namespace", ""))


def title(one: Object) -> str:
    """Kind, namespace and name, for messages."""
    place = "/".join(part for part in (namespace_of(one), name_of(one)) if part)
    return f"{one.get('kind')} {place}"


def matches(selector: Object, labels: Mapping[str, str]) -> bool:
    """Whether a label selector matches; an empty one matches all."""
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_expression(one, labels) for one in selector.get("matchExpressions") or ())


def _expression(one: Object, labels: Mapping[str, str]) -> bool:
    value, operator = labels.get(one["key"]), one["operator"]
    if operator == "Exists":
        return value is not None
    if operator == "DoesNotExist":
        return value is None
    is_in = value in (one.get("values") or ())
    return is_in if operator == "In" else not is_in


def _template_pods(one: Object) -> Iterator[Pod]:
    spec: dict[str, Any] = one.get("spec") or {}
    kind = one.get("kind")
    if kind in ("Deployment", "StatefulSet", "DaemonSet", "Job"):
        template, n_replicas = spec["template"], spec.get("replicas", 1)
    elif kind == "CronJob":
        template, n_replicas = spec["jobTemplate"]["spec"]["template"], 1
    elif kind == "Pod":
        template, n_replicas = one, 1
    else:
        return
    labels = (template.get("metadata") or {}).get("labels") or {}
    claims = tuple(name_of(claim) for claim in spec.get("volumeClaimTemplates") or ())
    owner = f"{kind} {name_of(one)}"
    yield Pod(owner, namespace_of(one), labels, template["spec"], n_replicas, claim_templates=claims)
