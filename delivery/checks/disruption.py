"""Nodes are drained and pods end without a visitor noticing."""

from __future__ import annotations

from collections.abc import Iterator

from delivery.rendered import Rendered, namespace_of, title
from delivery.servers import server_of
from serving.server.protocol import DRAIN_TIMEOUT_S, STOP_TIMEOUT_S

# Kubernetes' own.
_GRACE_PERIOD_S = 30


def disruption(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """A budget selects pods that are there and leaves one to be evicted; several serving pods have a budget."""
    covered = set()
    for budget in rendered.of_kind("PodDisruptionBudget"):
        pods = rendered.selected(namespace_of(budget), budget["spec"].get("selector") or {})
        if not pods:
            yield title(budget), "selects no pod"
        covered |= {(pod.namespace, pod.owner) for pod in pods}
        available = budget["spec"].get("minAvailable")
        n_replicas = sum(pod.n_replicas or 0 for pod in pods)
        if pods and isinstance(available, int) and available >= n_replicas:
            yield title(budget), f"wants {available} of {n_replicas} pods: no node with one of them could be drained"
    for pod in rendered.pods:
        is_serving = any(server_of(one).settings for one in pod.containers)
        if is_serving and (pod.n_replicas or 0) > 1 and (pod.namespace, pod.owner) not in covered:
            yield pod.owner, "has several pods and no disruption budget: a drain may take all of them at once"


def drain(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """A pod is given the time in which its servers end, and what a hook may take before they are told to."""
    for pod in rendered.pods:
        grace_s = pod.spec.get("terminationGracePeriodSeconds", _GRACE_PERIOD_S)
        is_serving = any(server_of(one).settings for one in pod.containers)
        has_hook = any("preStop" in (one.get("lifecycle") or {}) for one in pod.containers)
        # Kubelet counts from the hook's beginning, and what ends last may have waited for it.
        needed_s = STOP_TIMEOUT_S + (DRAIN_TIMEOUT_S if has_hook else 0)
        # Knative has a time of its own for it, which is that of a request.
        if is_serving and not pod.others and grace_s < needed_s:
            hook = f", after a hook of {DRAIN_TIMEOUT_S} s" if has_hook else ""
            yield pod.owner, f"is killed after {grace_s} s, and its servers may need {STOP_TIMEOUT_S:g} s{hook}"
