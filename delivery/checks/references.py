"""Whatever an object names is rendered beside it, or stands in the list of what is given."""

from __future__ import annotations

import re
from collections.abc import Iterator

from delivery.given import SECRETS, SERVICE_ACCOUNTS
from delivery.kserve_pods import predictors_of, runtime_of
from delivery.render import Object
from delivery.rendered import Pod, Rendered, name_of, namespace_of, title

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


def references(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """Config maps, secrets, their keys and volume claims of pods are there."""
    for pod in rendered.pods:
        for kind, name, keys in _named(pod):
            fault = _missing(rendered, kind, pod.namespace, name, keys)
            if fault:
                yield pod.owner, fault
        volumes = {volume.get("name") for volume in pod.spec.get("volumes") or ()} | {"kserve-provision-location"}
        volumes |= set(pod.claim_templates)
        for container in pod.programs:
            for mount in container.get("volumeMounts") or ():
                if mount["name"] not in volumes:
                    yield pod.owner, f"{container['name']} mounts the volume {mount['name']}, which the pod has not"


def accounts(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """Service accounts of pods and of role bindings, secrets of accounts, and bound roles are there."""
    for pod in rendered.pods:
        name = pod.spec.get("serviceAccountName")
        if not name:
            yield pod.owner, "has no serviceAccountName: it would run as the namespace's default account"
        elif not rendered.find("ServiceAccount", pod.namespace, name):
            yield pod.owner, f"there is no service account {name}"
    for account in rendered.of_kind("ServiceAccount"):
        for secret in account.get("secrets") or ():
            fault = _missing(rendered, "Secret", namespace_of(account), secret["name"], ())
            if fault:
                yield title(account), fault
    for binding in rendered.of_kind("RoleBinding", "ClusterRoleBinding"):
        space, role = namespace_of(binding), binding["roleRef"]
        if not rendered.find(role["kind"], "" if role["kind"] == "ClusterRole" else space, role["name"]):
            yield title(binding), f"there is no {role['kind']} {role['name']}"
        for subject in binding.get("subjects") or ():
            name, where = subject["name"], subject.get("namespace", space)
            if name not in SERVICE_ACCOUNTS and not rendered.find("ServiceAccount", where, name):
                yield title(binding), f"there is no service account {name} in {where}"


def runtimes(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """A predictor names a ServingRuntime that is there and takes the format of its model."""
    for service in rendered.of_kind("InferenceService"):
        for predictor in predictors_of(service):
            model = predictor.get("model")
            if not model:
                yield title(service), "spec.predictor has no model: its containers would be the InferenceService's own"
                continue
            runtime = runtime_of(rendered, service, predictor)
            if runtime is None:
                yield title(service), f"there is no ServingRuntime {model.get('runtime')!r}"
                continue
            wanted = model.get("modelFormat") or {}
            formats = runtime["spec"].get("supportedModelFormats") or ()
            if not any(all(one.get(key) == value for key, value in wanted.items()) for one in formats):
                yield title(service), f"the ServingRuntime {name_of(runtime)} does not take the format {wanted}"


def bundles(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """A bundle's place is one that KServe loads whole and alone, with what it needs to read it."""
    for service in rendered.of_kind("InferenceService"):
        for predictor in predictors_of(service):
            place = str((predictor.get("model") or {}).get("storageUri", ""))
            scheme, _, path = place.partition("://")
            account = rendered.find("ServiceAccount", namespace_of(service), predictor.get("serviceAccountName", ""))
            has_secret = account is None or bool(account.get("secrets"))
            if scheme in ("s3", "gs") and not place.endswith("/"):
                yield title(service), f"storageUri {place} does not end in /: what begins alike would be loaded as well"
            if scheme in ("s3", "gs") and not _BUCKET.fullmatch(path.partition("/")[0]):
                yield title(service), f"storageUri {place} names no bucket: components/place puts it in"
            if scheme == "s3" and not has_secret:
                yield title(service), f"storageUri {place} is in S3, and the service account has no secret to read it"
            if scheme != "s3" and account and has_secret:
                yield title(service), f"storageUri {place} is not in S3, whose keys the pods need not have"
            claim = path.partition("/")[0]
            if scheme == "pvc" and not rendered.find("PersistentVolumeClaim", namespace_of(service), claim):
                yield title(service), f"there is no volume claim {claim}"
            if scheme not in ("s3", "gs", "pvc", "oci", "oci+native"):
                yield title(service), f"storageUri {place!r} is no place that KServe knows"


def _named(pod: Pod) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Kind, name and keys of each object without which the pod would not start."""
    for container in pod.programs:
        for one in container.get("envFrom") or ():
            for field, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
                if field in one and not one[field].get("optional"):
                    yield kind, one[field]["name"], ()
        for one in container.get("env") or ():
            source = one.get("valueFrom") or {}
            for field, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
                if field in source and not source[field].get("optional"):
                    yield kind, source[field]["name"], (source[field]["key"],)
    for volume in pod.spec.get("volumes") or ():
        if "persistentVolumeClaim" in volume:
            yield "PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"], ()
        for source in (volume.get("projected") or {}).get("sources") or ():
            if "configMap" in source:
                keys = tuple(item["key"] for item in source["configMap"].get("items") or ())
                yield "ConfigMap", source["configMap"]["name"], keys
        if "secret" in volume and not volume["secret"].get("optional"):
            keys = tuple(item["key"] for item in volume["secret"].get("items") or ())
            yield "Secret", volume["secret"]["secretName"], keys
        if "configMap" in volume and not volume["configMap"].get("optional"):
            keys = tuple(item["key"] for item in volume["configMap"].get("items") or ())
            yield "ConfigMap", volume["configMap"]["name"], keys


def _missing(rendered: Rendered, kind: str, namespace: str, name: str, keys: tuple[str, ...]) -> str:
    found: Object | None = rendered.find(kind, namespace, name)
    if found is not None:
        has = tuple({**(found.get("data") or {}), **(found.get("stringData") or {})})
    elif kind == "Secret" and name in SECRETS:
        has = SECRETS[name]
    else:
        return f"there is no {kind} {name}"
    missing = [key for key in keys if key not in has]
    return f"{kind} {name} has no key {missing[0]}" if missing else ""
