"""Pods: what executors ask of Kubernetes beside processors and memory."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.cluster_objects import CONFIG_MAP, ENVIRONMENT, RECORDINGS, RELEASE_FILES, RUN_OF_POD, SECRET
from pipelines.ir_check.package import Fault, Package, claim_of
from pipelines.ir_check.quantities import amount

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", re.ASCII)
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", re.ASCII)
_QUALIFIED = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?", re.ASCII)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_MAX_SUBDOMAIN_LENGTH, _MAX_LABEL_LENGTH = 253, 63
# Mounted, and set, by the compiler for the launcher (`argocompiler/container.go`, `common.go`).
_LAUNCHER_MOUNTS = frozenset({"/gcs", "/s3", "/minio", "/.local", "/.cache", "/.config", "/kfp-launcher"})
_LAUNCHER_VARIABLES = frozenset({"KFP_POD_NAME", "KFP_POD_UID", "NAMESPACE", "WORKFLOW_ID", "EXECUTION_ID"})
_EFFECTS = frozenset({"", "NoSchedule", "PreferNoSchedule", "NoExecute"})
_KINDS = (
    ("configMapAsEnv", CONFIG_MAP, "configMapName", "configMapKey"),
    ("secretAsEnv", SECRET, "secretName", "secretKey"),
)
_VOLUMES = (("secretAsVolume", "secretName"), ("configMapAsVolume", "configMapName"), ("emptyDirMounts", "volumeName"))


def environment(package: Package) -> Iterator[Fault]:
    """Variables come from objects that are documented, and are optional: a pod that lacks one never starts.

    `backend/src/v2/driver/k8s.go` (`extendPodSpecPatch`): what is not marked optional is required, and Kubernetes holds
    the pod in CreateContainerConfigError without a word in the run.
    """
    known = {(one.kind, one.name, name): variable for one in ENVIRONMENT for name, variable in one.environment.items()}
    for label, requested in package.kubernetes.items():
        variables = [one["name"] for one in package.executors.get(label, {}).get("container", {}).get("env", [])]
        for field, kind, name_field, key_field in _KINDS:
            for one in requested.get(field, []):
                name = one.get(name_field, "")
                yield from _object_name(label, kind, name)
                if not one.get("optional"):
                    what = f"{kind} {name} is required, and a pod without it never starts"
                    yield Fault(label, what, "ask for it with optional=True: the step says what it lacks")
                for pair in one.get("keyToEnv", []):
                    key, variable = pair.get(key_field, ""), pair.get("envVar", "")
                    variables.append(variable)
                    if known.get((kind, name, key)) != variable:
                        what = f"{variable} is read from key {key} of {kind} {name}, which is documented nowhere"
                        yield Fault(
                            label, what, "add it to pipelines/cluster_objects.py, and write docs/cluster.md anew"
                        )
        for one in requested.get("fieldPathAsEnv", []):
            variable, path = one.get("name", ""), one.get("fieldPath", "")
            variables.append(variable)
            if (variable, path) != (RUN_OF_POD.variable, RUN_OF_POD.path):
                what = f"{variable} is read from the pod's {path}, which is documented nowhere"
                yield Fault(label, what, "add it to pipelines/cluster_objects.py")
        yield from _variables(label, variables)


def volumes(package: Package) -> Iterator[Fault]:
    """Volumes have names and places of their own, beside those of the launcher; sizes are parsed by Kubernetes.

    `backend/src/v2/driver/k8s.go` (`extendPodSpecPatch`: a volume is named by its claim, secret or config map, and
    `k8sres.MustParse` of an emptyDir's size ends the driver where it cannot be parsed).
    """
    for label, requested in package.kubernetes.items():
        mounts = []
        for one in requested.get("pvcMount", []):
            name = claim_of(one)
            mounts.append((name, one.get("mountPath", "")))
            if name and name not in (RECORDINGS.name, RELEASE_FILES.name):
                what = f"the volume claim {name} is documented nowhere"
                yield Fault(label, what, "add it to pipelines/cluster_objects.py, and write docs/cluster.md anew")
        for field, name_field in _VOLUMES:
            mounts += [(one.get(name_field, ""), one.get("mountPath", "")) for one in requested.get(field, [])]
        yield from _mounts(label, mounts)
        for one in requested.get("emptyDirMounts", []):
            yield from _empty_dir(package, label, one)


def scheduling(package: Package) -> Iterator[Fault]:
    """Labels, tolerations and pull policies are of the kinds that Kubernetes takes.

    `backend/src/v2/driver/k8s.go` (pull policies); `pkg/apis/core/validation/validation.go` of kubernetes
    (`ValidateTolerations`, `ValidateNodeSelector`, `ValidateLabels`).
    """
    for label, requested in package.kubernetes.items():
        labels = [*requested.get("nodeSelector", {}).get("labels", {}).items()]
        labels += requested.get("podMetadata", {}).get("labels", {}).items()
        for key, value in labels:
            yield from _label(label, key, value)
        for toleration in requested.get("tolerations", []):
            yield from _toleration(label, toleration)
        policy = requested.get("imagePullPolicy", "")
        if policy not in ("", "Always", "Never", "IfNotPresent"):
            yield Fault(label, f"the pull policy {policy!r} is none", "Always, Never or IfNotPresent")


def _object_name(label: str, kind: str, name: str) -> Iterator[Fault]:
    if not _SUBDOMAIN.fullmatch(name) or len(name) > _MAX_SUBDOMAIN_LENGTH:
        what = f"{name!r} is no name of a {kind}"
        yield Fault(label, what, f"small letters, digits, hyphens and dots, at most {_MAX_SUBDOMAIN_LENGTH}")


def _variables(label: str, variables: list[str]) -> Iterator[Fault]:
    for variable, count in Counter(variables).items():
        if not _VARIABLE.fullmatch(variable):
            yield Fault(label, f"{variable!r} is no name of a variable", "letters, digits and underscores alone")
        if count > 1:
            yield Fault(label, f"{variable} is set {count} times, and the last counts", "set it once")
        if variable in _LAUNCHER_VARIABLES:
            yield Fault(label, f"{variable} is the launcher's own", "give it another name")


def _mounts(label: str, mounts: list[tuple[str, str]]) -> Iterator[Fault]:
    for name, count in Counter(name for name, _ in mounts if name).items():
        if not _LABEL.fullmatch(name) or len(name) > _MAX_LABEL_LENGTH:
            what = f"{name!r} is no name of a volume"
            yield Fault(label, what, f"small letters, digits and hyphens, at most {_MAX_LABEL_LENGTH}")
        if count > 1:
            yield Fault(label, f"{count} volumes are called {name}", "a volume is called by its object: rename one")
    for path, count in Counter(path.rstrip("/") for _, path in mounts).items():
        if not path.startswith("/") or ":" in path:
            yield Fault(label, f"{path!r} is no place for a volume", "give an absolute path without a colon")
        if count > 1 or path in _LAUNCHER_MOUNTS:
            yield Fault(label, f"another volume is mounted at {path}", "mount it elsewhere")


def _empty_dir(package: Package, label: str, requested: Mapping[str, Any]) -> Iterator[Fault]:
    text, medium = requested.get("sizeLimit", ""), requested.get("medium", "")
    size = amount(text)
    if text and (size is None or size <= 0):
        yield Fault(label, f"the size {text!r} of {requested.get('volumeName')} is no amount", "write it like 8Gi")
    if medium not in ("", "Memory"):
        yield Fault(label, f"there is no medium {medium!r}", "Memory, or none for the node's disk")
    memory = package.executors.get(label, {}).get("container", {}).get("resources", {}).get("resourceMemoryLimit", "")
    limit = amount(str(memory))
    if medium == "Memory" and size is not None and limit is not None and size >= limit:
        what = f"{requested.get('volumeName')} may take {text} of the {memory} that the container has"
        yield Fault(label, what, "what lies in it counts as the container's memory: raise the limit, or lower the size")


def _label(label: str, key: str, value: str) -> Iterator[Fault]:
    prefix, slash, name = key.rpartition("/")
    prefix_fits = not slash or (_SUBDOMAIN.fullmatch(prefix) and len(prefix) <= _MAX_SUBDOMAIN_LENGTH)
    if not prefix_fits or not _QUALIFIED.fullmatch(name) or len(name) > _MAX_LABEL_LENGTH:
        yield Fault(
            label, f"{key!r} is no key of a label", f"a domain, a slash and a name of {_MAX_LABEL_LENGTH} at most"
        )
    if value and not (_QUALIFIED.fullmatch(value) and len(value) <= _MAX_LABEL_LENGTH):
        yield Fault(
            label, f"{value!r} is no value of the label {key}", f"letters and digits, {_MAX_LABEL_LENGTH} at most"
        )


def _toleration(label: str, requested: Mapping[str, Any]) -> Iterator[Fault]:
    operator, effect = requested.get("operator", ""), requested.get("effect", "")
    if operator not in ("", "Exists", "Equal"):
        yield Fault(label, f"a toleration has the operator {operator!r}", "Exists or Equal")
    elif operator == "Exists" and requested.get("value"):
        yield Fault(label, f"a toleration that Exists has the value {requested['value']!r}", "take the value away")
    elif not requested.get("key") and operator != "Exists" and "tolerationJson" not in requested:
        yield Fault(label, "a toleration without a key equals nothing", "name the taint, or let it be Exists")
    if effect not in _EFFECTS:
        yield Fault(label, f"a toleration has the effect {effect!r}", "NoSchedule, PreferNoSchedule or NoExecute")
    if "tolerationSeconds" in requested and effect != "NoExecute":
        yield Fault(label, "a toleration ends after seconds, and does not evict", "seconds are for NoExecute alone")
