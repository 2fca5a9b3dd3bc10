"""The pods that KServe makes of an InferenceService and its ServingRuntime, after the sources of 0.21."""

from __future__ import annotations

import copy
from collections.abc import Iterator

from delivery.render import Object
from delivery.rendered import Pod, Rendered, name_of, namespace_of
from serving.canary.kserve.predictors import KSERVE_CONTAINER, service_name

TRANSFORMER_CONTAINER = "transformer-container"
# Knative's, before the container that has the port; what it listens on.
QUEUE_PROXY = "queue-proxy"
_QUEUE_PORTS = {
    "queue-port": 8012,
    "https-port": 8112,
    "http2-port": 8013,
    "http-autometric": 9090,
    "http-usermetric": 9091,
}
_USER_PORT = "user-port"
MOUNTED_BUNDLE = "/mnt/models"
_MODE = "serving.kserve.io/deploymentMode"
# Of a predictor what is no part of a PodSpec.
_NO_POD_FIELDS = {
    "annotations",
    "autoScaling",
    "canaryTrafficPercent",
    "containerConcurrency",
    "deploymentStrategy",
    "labels",
    "maxReplicas",
    "minReplicas",
    "model",
    "name",
    "scaleMetric",
    "scaleMetricType",
    "scaleTarget",
    "timeout",
}


def mode_of(service: Object) -> str:
    """The deployment mode; KServe's default is Standard."""
    return str(((service.get("metadata") or {}).get("annotations") or {}).get(_MODE, "Standard"))


def predictors_of(service: Object) -> list[Object]:
    """The stable predictor, and the canaries' as KServe merges them over it."""
    stable = service["spec"].get("predictor") or {}
    canaries = [one.get("predictor") or {} for one in service["spec"].get("canary") or ()]
    return [stable, *({**stable, **one} for one in canaries)]


def runtime_of(rendered: Rendered, service: Object, predictor: Object) -> Object | None:
    """The ServingRuntime that a predictor names; None: it names none, or one that is not there."""
    name = str((predictor.get("model") or {}).get("runtime", ""))
    return rendered.find("ServingRuntime", namespace_of(service), name) or rendered.find(
        "ClusterServingRuntime", "", name
    )


def predictor_pods(rendered: Rendered, service: Object) -> Iterator[Pod]:
    """A pod for each predictor.

    Args:
        rendered: Has the ServingRuntime.
        service: The InferenceService.
    """
    is_knative = mode_of(service) == "Knative"
    for predictor in predictors_of(service):
        runtime = runtime_of(rendered, service, predictor) or {}
        runtime_spec = copy.deepcopy(runtime.get("spec") or {})
        spec = {key: value for key, value in copy.deepcopy(predictor).items() if key not in _NO_POD_FIELDS}
        for key in ("nodeSelector", "tolerations", "affinity", "imagePullSecrets"):
            if key in runtime_spec:
                spec.setdefault(key, runtime_spec[key])
        spec["volumes"] = [*(runtime_spec.get("volumes") or []), *(spec.get("volumes") or [])]
        spec["containers"] = [*(runtime_spec.get("containers") or []), *(spec.get("containers") or [])]
        for container in spec["containers"]:
            _complete(container, name_of(service))
        if is_knative:
            _add_queue_proxy(spec)
        owner = service_name(name_of(service), predictor)
        labels = {
            **((runtime_spec.get("labels")) or {}),
            **((service.get("metadata") or {}).get("labels") or {}),
            **(predictor.get("labels") or {}),
            "app": owner if is_knative else f"isvc.{owner}",
            "component": "predictor",
            "serving.kserve.io/inferenceservice": name_of(service),
        }
        others = frozenset({QUEUE_PROXY}) if is_knative else frozenset()
        n_replicas = predictor.get("minReplicas", 1)
        yield Pod(f"InferenceService {name_of(service)}", namespace_of(service), labels, spec, n_replicas, others)


def _complete(container: Object, service: str) -> None:
    """What KServe puts into a container: the service's name, and the bundle for both of them."""
    container["args"] = [str(one).replace("{{.Name}}", service) for one in container.get("args") or ()]
    if container.get("name") in (KSERVE_CONTAINER, TRANSFORMER_CONTAINER):
        mount = {"name": "kserve-provision-location", "mountPath": MOUNTED_BUNDLE, "readOnly": True}
        container["volumeMounts"] = [*(container.get("volumeMounts") or ()), mount]


def _add_queue_proxy(spec: Object) -> None:
    for container in spec["containers"]:
        for port in container.get("ports") or ():
            port["name"] = _USER_PORT
    ports = [{"name": name, "containerPort": port} for name, port in _QUEUE_PORTS.items()]
    spec["containers"].append({"name": QUEUE_PROXY, "ports": ports})
