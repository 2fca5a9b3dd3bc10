"""Reading an InferenceService: its mode, its conditions, what was edited."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from serving.canary.kserve.cluster import Object
from serving.canary.kserve.predictors import metadata_digest

Mode = Literal["Knative", "Standard"]

MODE_ANNOTATION = "serving.kserve.io/deploymentMode"
# The older names are those of KServe below 0.16.
_MODES: Mapping[str, Mode] = {
    "Knative": "Knative",
    "Serverless": "Knative",
    "Standard": "Standard",
    "RawDeployment": "Standard",
}


def mode_name(service: Object) -> str:
    """What the object says of its mode: the status before the annotation, as KServe reads it; empty: nothing."""
    status = (service.get("status") or {}).get("deploymentMode")
    return str(status or (service["metadata"].get("annotations") or {}).get(MODE_ANNOTATION) or "")


def mode_of(service: Object) -> Mode | None:
    """The mode; None: none in which a release can be made."""
    return _MODES.get(mode_name(service))


def predictor_of(service: Object) -> Object:
    """`spec.predictor`."""
    predictor: Object = (service.get("spec") or {}).get("predictor") or {}
    return predictor


def canaries_of(service: Object) -> list[Object]:
    """`spec.canary`."""
    return list((service.get("spec") or {}).get("canary") or ())


def component_status(service: Object) -> Object:
    """`status.components.predictor`."""
    found: Object = ((service.get("status") or {}).get("components") or {}).get("predictor") or {}
    return found


def not_true(service: Object, types: Iterable[str]) -> str:
    """Why one of these conditions is not True; empty where all that are there are."""
    for condition in (service.get("status") or {}).get("conditions") or ():
        if condition.get("type") in types and condition.get("status") != "True":
            why = condition.get("message") or condition.get("reason") or "no reason given"
            return f"{condition['type']} is {condition.get('status')}: {why}"
    return ""


def is_true(service: Object, condition_type: str) -> bool:
    """Whether this condition is there and True."""
    conditions = (service.get("status") or {}).get("conditions") or ()
    return any(one.get("type") == condition_type and one.get("status") == "True" for one in conditions)


def edit_of(service: Object) -> str:
    """Changes with every edit of spec, label or annotation, and with nothing that controllers write.

    Not the resourceVersion, which grows with each status; not `status.observedGeneration` either, which KServe copies
    from the Knative Service or the Deployment, whose generations are others.
    """
    return f"{service['metadata'].get('generation', 0)}.{metadata_digest(service)}"


def requested_percent(value: Any) -> int:
    """A percentage as the object has it; 100 where the field is absent, as KServe has it."""
    return 100 if value is None else int(value)
