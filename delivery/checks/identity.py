"""What each object is called, where it is, and whether its kind has such fields."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]

from delivery.given import CLUSTER_KINDS, NAMESPACES
from delivery.render import Object
from delivery.rendered import Rendered, name_of, namespace_of, title

# A folder of schemas made of the CRDs, `<kind>_<version>.json` each.
SCHEMAS = "SILENCIO_CRD_SCHEMAS"
_ENFORCED = "pod-security.kubernetes.io/enforce"
_SDK_MODELS = {
    "InferenceService": "V1beta1InferenceService",
    "ServingRuntime": "V1alpha1ServingRuntime",
    "NetworkPolicy": "V1NetworkPolicy",
    "Namespace": "V1Namespace",
    "ConfigMap": "V1ConfigMap",
    "ClusterRole": "V1ClusterRole",
    "ClusterRoleBinding": "V1ClusterRoleBinding",
    "CronJob": "V1CronJob",
    "Deployment": "V1Deployment",
    "Job": "V1Job",
    "PersistentVolumeClaim": "V1PersistentVolumeClaim",
    "StatefulSet": "V1StatefulSet",
    "PodDisruptionBudget": "V1PodDisruptionBudget",
    "Role": "V1Role",
    "RoleBinding": "V1RoleBinding",
    "Service": "V1Service",
    "ServiceAccount": "V1ServiceAccount",
}


def unique(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """No two objects are one: what is applied last would win."""
    counts = Counter((str(one.get("apiVersion")).partition("/")[0], title(one)) for one in rendered.objects)
    for (_, place), n in counts.items():
        if n > 1:
            yield place, f"is there {n} times"


def namespaces(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """Each object is in a namespace that is rendered beside it, or is given; ours are restricted."""
    spaces = {name_of(one) for one in rendered.of_kind("Namespace")}
    for one in rendered.objects:
        if one.get("kind") in CLUSTER_KINDS:
            continue
        if namespace_of(one) not in {*spaces, *NAMESPACES}:
            yield title(one), f"the namespace {namespace_of(one)!r} is not rendered"
    for one in rendered.of_kind("Namespace"):
        profile = (one["metadata"].get("labels") or {}).get(_ENFORCED)
        if profile != "restricted":
            yield title(one), f"{_ENFORCED} is {profile}, not restricted"


def kinds(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """Fields and types are those of the SDKs' models, and of the CRDs' schemas where these are at hand."""
    from delivery.sdk_models import faults_of

    for one in rendered.objects:
        kind = str(one.get("kind"))
        if kind in _SDK_MODELS:
            yield from ((title(one), fault) for fault in faults_of(one, _SDK_MODELS[kind]))
        validator = _validator(one)
        if validator is not None:
            for error in validator.iter_errors(one):
                yield title(one), f"{'.'.join(map(str, error.absolute_path))}: {error.message[:200]}"


def _validator(one: Object) -> Any:
    folder = os.environ.get(SCHEMAS)
    version = str(one.get("apiVersion")).rpartition("/")[2]
    return _schema(Path(folder) / f"{str(one.get('kind')).lower()}_{version}.json") if folder else None


@cache
def _schema(path: Path) -> Any:
    if not path.is_file():
        return None
    return jsonschema.Draft202012Validator(json.loads(path.read_text(encoding="utf-8")))
