"""What KServe's, Knative's and a gateway's controllers do with an InferenceService, one step at a time.

Written after the sources: `createKnativeService` and `PropagateStatus` of KServe, weights and readiness of canaries
(#5912, #5984), and v0.20.0, which takes `spec.canary`, repeats it in the status and routes nothing.
"""

from __future__ import annotations

import copy
import json
import re
from typing import Any

from tests.serving.canary.kserve.api_server import NAMESPACE, KubernetesApi, RefusedError, merge

SERVICES = "inferenceservices.serving.kserve.io"
KNATIVE_SERVICES = "services.serving.knative.dev"
REVISIONS = "revisions.serving.knative.dev"
ROUTES = "httproutes.gateway.networking.k8s.io"
DEPLOYMENTS = "deployments.apps"
PODS = "pods"
_SCALING = ("maxReplicas", "scaleTarget", "scaleMetric", "autoScaling", "workerSpec")
_NOT_COPIED = "kubectl.kubernetes.io/last-applied-configuration"
READY_SINCE = "2026-11-30T06:00:00Z"


class Controllers:
    """All of them, for one InferenceService.

    Attributes:
        broken: Places of bundles whose servers never become ready.
        is_020: Behave as KServe v0.20.0 in Standard mode.
        has_gateway: Whether a gateway looks at HTTPRoutes.
        unserved: Weighted backends that were not there or not ready, as the gateway would have found them.
        restarted: Deployments whose pods were made anew, in order.
        ready_since: Since when pods have been ready that are.
    """

    def __init__(self, api: KubernetesApi, name: str) -> None:
        self.api = api
        self.name = name
        self.broken: set[str] = set()
        self.is_020 = False
        self.has_gateway = True
        self.unserved: list[str] = []
        self.restarted: list[str] = []
        self.ready_since = READY_SINCE
        api.webhook = self.validate

    @property
    def service(self) -> dict[str, Any]:
        return copy.deepcopy(self.api.at(SERVICES, self.name))

    def step(self) -> None:
        """One turn of each controller: what one wrote, the next sees at its own turn."""
        with self.api.lock:
            service = self.service
            if service["metadata"]["annotations"]["serving.kserve.io/deploymentMode"] == "Standard":
                self._standard(service)
            else:
                self._knative(service)
            self.api.put(SERVICES, self.name, service)

    def settle(self) -> None:
        """Until nothing moves any more."""
        for _ in range(50):
            before = json.dumps([self.api.objects[key] for key in sorted(self.api.objects)])
            self.step()
            if before == json.dumps([self.api.objects[key] for key in sorted(self.api.objects)]):
                return
        raise AssertionError("the controllers never settle")

    def validate(self, service: dict[str, Any]) -> None:
        """KServe's webhook, of which only what concerns canaries."""
        spec = service["spec"]
        canaries, stable = spec.get("canary") or [], spec["predictor"]
        names = [one["predictor"].get("name") for one in canaries]
        why = ""
        if canaries and service["metadata"]["annotations"]["serving.kserve.io/deploymentMode"] != "Standard":
            why = "canary is only supported in Standard mode"
        elif sum(one.get("trafficPercent", 0) for one in canaries) > 100:
            why = "the sum of canary trafficPercent must not exceed 100"
        elif any(not name or not re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", name) for name in names):
            why = "canary predictor name is required"
        elif len({*names, stable.get("name")}) != len(names) + 1:
            why = "canary predictor names must be unique and differ from the stable one"
        elif any(key in one["predictor"] for one in canaries for key in _SCALING):
            why = "autoscaling fields are not allowed in a canary predictor"
        elif any(one["predictor"].get("minReplicas", 1) > stable.get("minReplicas", 1) for one in canaries):
            why = "canary minReplicas must not exceed the stable predictor's"
        if why:
            webhook = "inferenceservice.kserve-webhook-server.validator"
            raise RefusedError(403, f'admission webhook "{webhook}" denied the request: {why}')

    # Knative mode

    def _knative(self, service: dict[str, Any]) -> None:
        existing = self.api.objects.get((KNATIVE_SERVICES, NAMESPACE, self.name))
        ksvc = copy.deepcopy(existing) if existing else {"metadata": {}, "spec": {}, "status": {}}
        predictor = service["spec"]["predictor"]
        component = service["status"].setdefault("components", {}).setdefault("predictor", {})
        # KServe writes the Knative Service after its own status, then copies what the Knative Service's status says.
        ksvc["spec"] = {"template": _template(service), "traffic": _targets(predictor, component)}
        _propagate(component, ksvc["status"])
        observed = ksvc["status"].get("observedGeneration")
        service["status"].update(observedGeneration=observed, deploymentMode="Knative")
        service["status"]["conditions"] = self._knative_conditions(ksvc["status"])
        self._configuration(ksvc)
        _route(ksvc)
        kept = self.api.put(KNATIVE_SERVICES, self.name, ksvc)
        kept["status"]["observedGeneration"] = kept["metadata"]["generation"]
        self._revision_pods(ksvc["status"])

    def _configuration(self, ksvc: dict[str, Any]) -> None:
        status, template = ksvc["status"], ksvc["spec"]["template"]
        created = status.get("latestCreatedRevisionName")
        if created and self.api.at(REVISIONS, created)["spec"] != template["spec"] | {"metadata": template["metadata"]}:
            created = None
        if created:
            if template["spec"]["place"] not in self.broken:
                status["latestReadyRevisionName"] = created
            return
        number = 1 + sum(1 for resource, _, _ in self.api.objects if resource == REVISIONS)
        name = f"{self.name}-predictor-{number:05d}"
        labels = {**template["metadata"]["labels"], "serving.knative.dev/configurationGeneration": str(number)}
        metadata = {"labels": labels, "annotations": template["metadata"]["annotations"]}
        spec = template["spec"] | {"metadata": template["metadata"]}
        self.api.put(REVISIONS, name, {"metadata": metadata, "spec": spec})
        status["latestCreatedRevisionName"] = name

    def _knative_conditions(self, status: dict[str, Any]) -> list[dict[str, str]]:
        created, ready = status.get("latestCreatedRevisionName"), status.get("latestReadyRevisionName")
        is_ready = "True" if created and created == ready else "Unknown"
        return [
            {"type": "PredictorReady", "status": is_ready},
            {"type": "PredictorRouteReady", "status": "True" if status.get("traffic") else "Unknown"},
            {"type": "RoutesReady", "status": "True" if status.get("traffic") else "Unknown"},
            {"type": "LatestDeploymentReady", "status": is_ready},
        ]

    def _revision_pods(self, status: dict[str, Any]) -> None:
        alive = {target["revisionName"] for target in status.get("traffic") or ()}
        alive |= {status.get("latestCreatedRevisionName")} - {None}
        wanted = {}
        for name in alive:
            revision = self.api.at(REVISIONS, name)
            wanted[f"{name}-pod"] = (revision["metadata"]["labels"], revision["spec"]["place"] not in self.broken)
        self._pods(wanted)

    # Standard mode

    def _standard(self, service: dict[str, Any]) -> None:
        spec, status = service["spec"], service["status"]
        stable, canaries = spec["predictor"], spec.get("canary") or []
        predictors = {_service_name(self.name, stable): stable}
        for canary in canaries:
            predictors[_service_name(self.name, canary["predictor"])] = merge(stable, canary["predictor"])
        ready = self._deployments(service, predictors)
        stable_name = _service_name(self.name, stable)
        shares = {
            _service_name(self.name, one["predictor"]): one.get("trafficPercent", 0)
            for one in canaries
            if ready[_service_name(self.name, one["predictor"])]
        }
        self._http_routes(service, stable_name, shares)
        is_ready = "True" if ready[stable_name] else "False"
        deployment = self.api.at(DEPLOYMENTS, stable_name)
        status.update(
            deploymentMode="Standard",
            observedGeneration=deployment["metadata"]["generation"],
            components={"predictor": {}},
            conditions=[{"type": "PredictorReady", "status": is_ready}],
            canaryStatuses=[
                {
                    "name": one["predictor"]["name"],
                    "ready": ready[_service_name(self.name, one["predictor"])],
                    "trafficPercent": one.get("trafficPercent", 0),
                }
                for one in canaries
            ],
        )

    def _deployments(self, service: dict[str, Any], predictors: dict[str, dict[str, Any]]) -> dict[str, bool]:
        ready = {}
        for name, predictor in predictors.items():
            former = self.api.objects.get((DEPLOYMENTS, NAMESPACE, name))
            template = _template({**service, "spec": {"predictor": predictor}})
            is_same = former is not None and former["spec"]["template"] == template
            ready[name] = is_same and template["spec"]["place"] not in self.broken
            if former is not None and not is_same:
                self.restarted.append(name)
            spec = {"template": template, "replicas": predictor.get("minReplicas", 1)}
            self.api.put(DEPLOYMENTS, name, {"metadata": {"labels": {}}, "spec": spec})
        for key in [key for key in self.api.objects if key[0] == DEPLOYMENTS and key[2] not in predictors]:
            del self.api.objects[key]  # orphans go at once
        self._pods(
            {
                f"{name}-pod": (self.api.at(DEPLOYMENTS, name)["spec"]["template"]["metadata"]["labels"], ready[name])
                for name in predictors
            }
        )
        return ready

    def _http_routes(self, service: dict[str, Any], stable: str, shares: dict[str, int]) -> None:
        """The gateway first: it works by the route as it stood, and sees the new one at its next turn."""
        if not self.has_gateway:
            return
        predictor_route = f"{self.name}-predictor"
        if self.is_020:  # its name follows the predictor's, and canaries are not in it
            predictor_route, shares = stable, {}
        for name in (self.name, predictor_route):
            former = self.api.objects.get((ROUTES, NAMESPACE, name))
            refs: list[dict[str, Any]] = [{"kind": "Service", "name": stable, "port": 80}]
            if shares:
                refs[0]["weight"] = 100 - sum(shares.values())
                refs += [{"kind": "Service", "name": one, "port": 80, "weight": share} for one, share in shares.items()]
            status = {}
            if former is not None:
                self._pass_requests(former)
                accepted = [
                    {"type": kind, "status": "True", "observedGeneration": former["metadata"]["generation"]}
                    for kind in ("Accepted", "ResolvedRefs")
                ]
                status = {"parents": [{"controllerName": "gateway", "conditions": accepted}]}
            route = {"metadata": {}, "spec": {"rules": [{"backendRefs": refs}]}, "status": status}
            self.api.put(ROUTES, name, route)

    def _pass_requests(self, route: dict[str, Any]) -> None:
        for rule in route["spec"]["rules"]:
            for ref in rule["backendRefs"]:
                if ref.get("weight", 1) and (DEPLOYMENTS, NAMESPACE, ref["name"]) not in self.api.objects:
                    self.unserved.append(ref["name"])

    def _pods(self, wanted: dict[str, tuple[dict[str, str], bool]]) -> None:
        for key in [key for key in self.api.objects if key[0] == PODS and key[2] not in wanted]:
            del self.api.objects[key]
        for name, (labels, is_ready) in wanted.items():
            former = self.api.objects.get((PODS, NAMESPACE, name))
            restarts = former["status"]["containerStatuses"][0]["restartCount"] if former else 0
            condition = {"type": "Ready", "status": str(is_ready), "lastTransitionTime": self.ready_since}
            containers = [
                {"name": "kserve-container", "restartCount": restarts, "ready": is_ready, "image": "x", "imageID": "x"}
            ]
            status = {"phase": "Running", "conditions": [condition], "containerStatuses": containers}
            labels = {**labels, "serving.kserve.io/inferenceservice": self.name}
            self.api.put(PODS, name, {"metadata": {"labels": labels}, "status": status})


def _service_name(service: str, predictor: dict[str, Any]) -> str:
    return f"{service}-{predictor['name']}-predictor" if predictor.get("name") else f"{service}-predictor"


def _template(service: dict[str, Any]) -> dict[str, Any]:
    """Pods: of the predictor's spec, with labels and annotations of the InferenceService and of the predictor."""
    predictor = service["spec"]["predictor"]
    metadata = {
        "labels": {**(service["metadata"].get("labels") or {}), **(predictor.get("labels") or {})},
        "annotations": {**(service["metadata"].get("annotations") or {}), **(predictor.get("annotations") or {})},
    }
    metadata["annotations"].pop(_NOT_COPIED, None)
    hidden = ("canaryTrafficPercent", "labels", "annotations", "name", "minReplicas", *_SCALING)
    pods = {key: value for key, value in predictor.items() if key not in hidden}
    place = (predictor.get("model") or {}).get("storageUri") or next(
        (one["value"] for box in predictor.get("containers", ()) for one in box.get("env", ()) if "URI" in one["name"]),
        "",
    )
    return {"metadata": metadata, "spec": {"pods": copy.deepcopy(pods), "place": place}}


def _targets(predictor: dict[str, Any], component: dict[str, Any]) -> list[dict[str, Any]]:
    percent, rolled_out = predictor.get("canaryTrafficPercent"), component.get("latestRolledoutRevision")
    if percent is None or not rolled_out:
        return [{"latestRevision": True, "percent": 100}]
    targets: list[dict[str, Any]] = [{"latestRevision": True, "percent": percent}]
    if percent < 100:
        targets.append({"latestRevision": False, "revisionName": rolled_out, "percent": 100 - percent, "tag": "prev"})
    return targets


def _route(ksvc: dict[str, Any]) -> None:
    ready = ksvc["status"].get("latestReadyRevisionName")
    if ready:
        ksvc["status"]["traffic"] = [
            {**target, "revisionName": target.get("revisionName", ready)} for target in ksvc["spec"]["traffic"]
        ]


def _propagate(component: dict[str, Any], status: dict[str, Any]) -> None:
    """`PropagateStatus` of KServe."""
    if "latestCreatedRevisionName" not in status:
        return
    created, ready = status["latestCreatedRevisionName"], status.get("latestReadyRevisionName")
    component["latestCreatedRevision"] = created
    sums: dict[str, int] = {}
    for target in status.get("traffic") or ():
        sums[target["revisionName"]] = sums.get(target["revisionName"], 0) + target["percent"]
    for target in status.get("traffic") or ():
        if target["revisionName"] != ready or not target["latestRevision"]:
            continue
        if component.get("latestRolledoutRevision") != ready:
            if target["percent"] == 100:
                component["previousRolledoutRevision"] = component.get("latestRolledoutRevision", "")
                component["latestRolledoutRevision"] = ready
        elif ready == created and target["percent"] < 100 and sums[ready] == 100:
            back = component.get("previousRolledoutRevision")
            component["latestRolledoutRevision"] = back or ready
    if ready:
        component["latestReadyRevision"] = ready
    component["traffic"] = copy.deepcopy(status.get("traffic") or [])
