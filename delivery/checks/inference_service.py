"""What KServe's API server lets through, and a release, Knative or KServe itself would stumble over."""

from __future__ import annotations

from collections.abc import Iterator

from delivery.kserve_pods import mode_of
from delivery.render import Object
from delivery.rendered import Rendered, title

_AUTOSCALER = "serving.kserve.io/autoscalerClass"
_STANDARD_ONLY = ("deploymentStrategy", "terminationGracePeriodSeconds", "topologySpreadConstraints", "autoScaling")
_SCALING = ("maxReplicas", "scaleTarget", "scaleMetric", "autoScaling", "workerSpec")


def modes(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """The deployment mode is one that there is, with fields and scaling that it has."""
    for one in rendered.of_kind("InferenceService"):
        mode, predictor = mode_of(one), one["spec"].get("predictor") or {}
        annotations = one["metadata"].get("annotations") or {}
        scaler = annotations.get(_AUTOSCALER, "hpa")
        if mode not in ("Standard", "Knative"):
            yield title(one), f"the deployment mode {mode} is neither Standard nor Knative"
        if one["spec"].get("transformer"):
            yield title(one), "has a transformer of its own: an arm of a release is one pod with both servers"
        if mode == "Knative":
            for name in _STANDARD_ONLY:
                if name in predictor:
                    yield title(one), f"spec.predictor.{name} is of Standard mode"
            if annotations.get("serving.kserve.io/enable-tag-routing") != "true":
                yield title(one), "enable-tag-routing is not true: it cannot be set when the first release comes"
        elif scaler not in ("none", "hpa", "keda"):
            yield title(one), f"the autoscaler {scaler} is none of none, hpa, keda"
        elif scaler == "none" and predictor.get("minReplicas", 1) != predictor.get("maxReplicas", 1):
            yield title(one), "minReplicas and maxReplicas differ, and nothing scales between them"
        elif scaler == "keda" and not predictor.get("autoScaling"):
            yield title(one), "KEDA is to scale, and spec.predictor.autoScaling does not say by what"
        if predictor.get("minReplicas", 1) > predictor.get("maxReplicas", predictor.get("minReplicas", 1)):
            yield title(one), "minReplicas is more than maxReplicas"


def canary(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """Shares are percentages, of the field that the mode reads, and a canary has what KServe's webhook wants."""
    for one in rendered.of_kind("InferenceService"):
        yield from ((title(one), fault) for fault in _canary_faults(one))


def _canary_faults(one: Object) -> Iterator[str]:
    mode, spec = mode_of(one), one["spec"]
    predictor = spec.get("predictor") or {}
    percent = predictor.get("canaryTrafficPercent")
    if percent is not None:
        if not _is_percent(percent):
            yield f"canaryTrafficPercent {percent!r} is no whole number from 0 to 100"
        if mode != "Knative":
            yield f"canaryTrafficPercent is not read in {mode} mode: spec.canary is"
    canaries = spec.get("canary") or []
    if canaries and mode != "Standard":
        yield f"spec.canary is refused in {mode} mode"
    names = [predictor.get("name"), *((each.get("predictor") or {}).get("name") for each in canaries)]
    if canaries and (None in names or len(set(names)) != len(names)):
        yield f"the predictors of champion and canaries are called {names}: each needs a name of its own"
    for each in canaries:
        percent, its = each.get("trafficPercent", 0), each.get("predictor") or {}
        if not _is_percent(percent):
            yield f"trafficPercent {percent!r} is no whole number from 0 to 100"
        if not 1 <= its.get("minReplicas", 0) <= predictor.get("minReplicas", 1):
            champion = predictor.get("minReplicas", 1)
            yield f"a canary has minReplicas {its.get('minReplicas')}: from 1 to the champion's {champion}"
        for name in _SCALING:
            if name in its:
                yield f"a canary may not have {name}"
    total = sum(each.get("trafficPercent", 0) for each in canaries if _is_percent(each.get("trafficPercent", 0)))
    if total > 100:
        yield f"the shares of spec.canary are {total} % together"
    if mode == "Standard" and predictor.get("name") and "name" not in (predictor.get("model") or {"name": ""}):
        yield "spec.predictor.model has no name: of a release's copy of it in spec.canary the CRD wants one"
    scaler = (one["metadata"].get("annotations") or {}).get(_AUTOSCALER, "hpa")
    if mode == "Standard" and predictor.get("name") and scaler != "none":
        why = "a release is refused while there are more pods than minReplicas"
        yield f"is made for releases and scaled by {scaler}: {why}"


def _is_percent(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 100
