"""What stands in an InferenceService's predictor: which bundle it serves, and what the challenger's would be."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from typing import Any

from serving.canary.kserve.cluster import Object
from silencio.release.record import BundleIdentity, ReleaseRecord

# KServe copies them to the pods, so that Prometheus and whoever lists pods can tell the arms. They stand in the
# predictor, never on the InferenceService itself, whose labels and annotations are copied to both arms.
RELEASE_LABEL = "silencio.io/release"
VERSION_LABEL = "silencio.io/bundle-version"
MANIFEST_ANNOTATION = "silencio.io/manifest-sha256"

# What a release writes into an InferenceService that names its bundle by `model`, as JSON pointers: whoever else
# applies the object leaves these fields as they are.
WRITTEN_FIELDS = (
    "/spec/canary",
    "/spec/predictor/canaryTrafficPercent",
    "/spec/predictor/name",
    "/spec/predictor/model/storageUri",
    "/spec/predictor/labels/silencio.io~1release",
    "/spec/predictor/labels/silencio.io~1bundle-version",
    "/spec/predictor/annotations/silencio.io~1manifest-sha256",
)

KSERVE_CONTAINER = "kserve-container"
_STORAGE_URI = "STORAGE_URI"
# What only the arm that scales may have; the webhook refuses most of them in a canary.
SCALING = ("maxReplicas", "scaleTarget", "scaleMetric", "scaleMetricType", "autoScaling", "workerSpec")
_CANARY_PERCENT = "canaryTrafficPercent"
# Left behind by `kubectl apply`; KServe does not copy it.
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_NONE = "none"
_MAX_DNS_LABEL = 63
_MAX_LABEL = 63


def bundle_place(predictor: Object) -> str | None:
    """Where the predictor's bundle is loaded from; None: it says none."""
    model = predictor.get("model")
    if isinstance(model, dict):
        place = model.get("storageUri")
        return str(place) if place else None
    for variable in _storage_variables(predictor):
        return str(variable.get("value") or "") or None
    return None


def identity_of(labels_and_annotations: Object, place: str | None) -> str:
    """`manifest_sha256` where the pods carry it; a predictor from before the first release has its bundle's place."""
    noted = (labels_and_annotations.get("annotations") or {}).get(MANIFEST_ANNOTATION)
    return str(noted or place or "unknown")


def release_of(labels_and_annotations: Object) -> str | None:
    """The release that brought these pods; None: none did."""
    label = (labels_and_annotations.get("labels") or {}).get(RELEASE_LABEL)
    return None if label in (None, _NONE) else str(label)


def release_label(release_id: str) -> str:
    """The id as a label's value."""
    value = re.sub(r"[^A-Za-z0-9_.-]+", "-", release_id)
    if len(value) > _MAX_LABEL:
        value = f"{value[:48]}-{_short(release_id)}"
    return value.strip("-_.") or _short(release_id)


def challenger_predictor(champion: Object, record: ReleaseRecord) -> Object:
    """The champion's predictor with another bundle, and with what tells its pods apart.

    Args:
        champion: The predictor that serves.
        record: Says the challenger's bundle and the release.
    """
    predictor = serving_bundle(champion, record.challenger)
    predictor["labels"][RELEASE_LABEL] = release_label(record.release_id)
    return predictor


def serving_bundle(predictor: Object, bundle: BundleIdentity) -> Object:
    """The predictor with another bundle, whose place a model or a container's variable names, and which pods name.

    Args:
        predictor: `spec.predictor`, which stays as it is.
        bundle: What it is to serve.
    """
    changed = copy.deepcopy(predictor)
    if isinstance(model := changed.get("model"), dict):
        model["storageUri"] = bundle.place
    for variable in _storage_variables(changed):
        variable["value"] = bundle.place
    for field, names in named_bundle(bundle).items():
        changed[field] = {**(changed.get(field) or {}), **names}
    return changed


def named_bundle(bundle: BundleIdentity) -> Object:
    """Labels and annotations by which pods say which bundle they serve.

    Args:
        bundle: That they serve.
    """
    return {
        "labels": {VERSION_LABEL: release_label(bundle.version)},
        "annotations": {MANIFEST_ANNOTATION: bundle.manifest_sha256},
    }


def as_canary(predictor: Object, name: str) -> Object:
    """The predictor as an entry of `spec.canary` may have it: with a name, a fixed number of pods and no scaling."""
    canary = {key: value for key, value in copy.deepcopy(predictor).items() if key not in (*SCALING, _CANARY_PERCENT)}
    return {**canary, "name": name, "minReplicas": predictor.get("minReplicas", 1)}


def as_stable(predictor: Object, scaling_of: Object) -> Object:
    """The predictor of a canary as the stable one: the same pods, and the scaling that the stable one had."""
    return {**copy.deepcopy(predictor), **{key: scaling_of[key] for key in SCALING if key in scaling_of}}


def kept_apart(canary: Object, stable: Object) -> Object:
    """The canary with a value of its own for each label and annotation that it would inherit from the stable predictor.

    KServe merges a canary over the stable predictor: what it lacks it inherits, and its pods would carry the other
    arm's labels.
    """
    apart = copy.deepcopy(canary)
    for field in ("labels", "annotations"):
        for key in (RELEASE_LABEL, VERSION_LABEL) if field == "labels" else (MANIFEST_ANNOTATION,):
            if key in (stable.get(field) or {}) and key not in (apart.get(field) or {}):
                own = bundle_place(canary) if key == MANIFEST_ANNOTATION else _NONE
                apart.setdefault(field, {})[key] = own or _NONE
    return apart


def arm_name(bundle: BundleIdentity, salt: str, service: str) -> str:
    """A predictor's name: of the bundle's version, and unique to the release (`^[a-z]([-a-z0-9]*[a-z0-9])?$`).

    Args:
        bundle: The name shows its version.
        salt: The release's id, and the arm's role in it.
        service: The InferenceService: with it and `-predictor` the name has to fit a Service's.
    """
    room = _MAX_DNS_LABEL - len(service) - len("--predictor") - len("-123456")
    version = re.sub(r"[^a-z0-9]+", "-", bundle.version.lower()).strip("-")
    version = version if version[:1].isalpha() else f"v{version}"
    version = version[: max(1, min(16, room))].strip("-")
    return f"{version}-{_short(salt)}"


def service_name(service: str, predictor: Object) -> str:
    """Of the Deployment and the Service that KServe makes of the predictor in Standard mode."""
    name = predictor.get("name")
    return f"{service}-{name}-predictor" if name else f"{service}-predictor"


def merge_patch(before: Any, after: Any) -> Any:
    """What RFC 7386 merges into `before` to make it `after`: what is gone is None, lists are whole."""
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return after
    changed = {
        key: merge_patch(before[key], value) if key in before else value
        for key, value in after.items()
        if key not in before or before[key] != value
    }
    return {**changed, **{key: None for key in before if key not in after}}


def pods_digest(predictor: Object) -> str:
    """Changes with what pods are made of; not with their number, nor with what tells arms apart."""
    ours = {"labels": (RELEASE_LABEL, VERSION_LABEL), "annotations": (MANIFEST_ANNOTATION,)}
    pods = {
        key: value for key, value in predictor.items() if key not in (*SCALING, _CANARY_PERCENT, "minReplicas", "name")
    }
    for field, keys in ours.items():
        pods[field] = {key: value for key, value in (predictor.get(field) or {}).items() if key not in keys}
    return digest(pods)


def metadata_digest(service: Object) -> str:
    """Changes with labels and annotations of the InferenceService: they are copied to the pods of both arms."""
    metadata = service["metadata"]
    annotations = {key: value for key, value in (metadata.get("annotations") or {}).items() if key != _LAST_APPLIED}
    return digest([metadata.get("labels") or {}, annotations])


def digest(content: Any) -> str:
    """Eight characters that change with the content."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:8]


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:6]


def _storage_variables(predictor: Object) -> list[Object]:
    return [
        variable
        for container in predictor.get("containers") or ()
        if container.get("name") == KSERVE_CONTAINER
        for variable in container.get("env") or ()
        if variable.get("name") == _STORAGE_URI
    ]
