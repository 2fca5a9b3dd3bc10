"""State of both arms' pods."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from serving.canary.interfaces import ARMS, ArmName
from serving.canary.kserve.cluster import Cluster, Object
from serving.canary.kserve.offer import Offer
from serving.canary.kserve.pod_usage import ArmUsage, PodUsage
from serving.canary.kserve.predictors import release_of
from silencio.release.evidence import ArmHealth

_SERVICE_LABEL = "serving.kserve.io/inferenceservice"
_ENDED = ("Succeeded", "Failed")


def health(
    cluster: Cluster, service: str, offer: Offer | None, now: Callable[[], datetime], usage: PodUsage | None = None
) -> Mapping[ArmName, ArmHealth]:
    """Readiness and restarts since the offer, of the pods that are there, and what they take.

    Args:
        cluster: Where.
        service: Name of the InferenceService.
        offer: Tells the challenger's pods, and what had restarted before.
        now: The time, for how long pods have been ready.
        usage: Tells memory and CPU time; None: nobody does.
    """
    pods: dict[ArmName, list[Object]] = {arm: [] for arm in ARMS}
    for pod in living_pods(cluster, service):
        is_challenger = offer is not None and release_of(pod["metadata"]) == offer.release
        pods["challenger" if is_challenger else "champion"].append(pod)
    before = offer.restarts if offer is not None else {}
    names: dict[ArmName, list[str]] = {arm: [str(pod["metadata"]["name"]) for pod in pods[arm]] for arm in ARMS}
    used = usage.of(names, now().timestamp()) if usage is not None else {}
    return {
        arm: ArmHealth(
            ready_s=_ready_s(of_arm, now()),
            restarts=sum(max(0, n - before.get(key, 0)) for key, n in _restarts(of_arm)),
            **vars(used.get(arm, ArmUsage())),
        )
        for arm, of_arm in pods.items()
    }


def restarts_before(cluster: Cluster, service: str) -> dict[str, int]:
    """Restarts so far, by pod and container: what an offer is not to blame for."""
    return {key: n for key, n in _restarts(living_pods(cluster, service)) if n}


def living_pods(cluster: Cluster, service: str) -> list[Object]:
    """Pods of both arms that are not ending.

    Raises:
        RouteError: They cannot be listed.
    """
    return [
        pod
        for pod in cluster.pods(f"{_SERVICE_LABEL}={service}")
        if not pod["metadata"].get("deletionTimestamp") and (pod.get("status") or {}).get("phase") not in _ENDED
    ]


def _restarts(pods: list[Object]) -> Iterator[tuple[str, int]]:
    for pod in pods:
        for container in (pod.get("status") or {}).get("containerStatuses") or ():
            yield f"{pod['metadata']['name']}/{container['name']}", int(container.get("restartCount") or 0)


def _ready_s(pods: list[Object], now: datetime) -> float | None:
    """For how long all of them have been ready; None: one is not, or there is none."""
    since = []
    for pod in pods:
        conditions = (pod.get("status") or {}).get("conditions") or ()
        ready = [one for one in conditions if one.get("type") == "Ready" and one.get("status") == "True"]
        if not ready or not ready[0].get("lastTransitionTime"):
            return None
        since.append(datetime.fromisoformat(str(ready[0]["lastTransitionTime"])))
    return max(0.0, (now - max(since)).total_seconds()) if since else None
