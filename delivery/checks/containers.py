"""Containers: all of them are there, of images that are known, with no more rights than they need."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from delivery.kserve_pods import TRANSFORMER_CONTAINER
from delivery.render import Object
from delivery.rendered import Pod, Rendered, name_of, title
from serving.canary.kserve.predictors import KSERVE_CONTAINER

# A namespace with it takes images by tag, as a cluster of one machine that has no registry.
BY_TAG = "silencio.io/images"
# Of the manifests as they are committed: an overlay that still names it was given no registry.
PLACEHOLDER = "registry.example/"
_OURS = re.compile(
    r"(?:^|/)silencio/|/(?:train|transformer|predictor|predictor-gpu|feedback|monitor|tools|tracking)(?=[:@]|$)"
)
_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
_TAG = re.compile(r":([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})$")


def complete(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """Each container has image, command and resources; a predictor's pod has both servers, KServe's first."""
    for pod in rendered.pods:
        names = [str(one.get("name")) for one in pod.containers]
        if pod.owner.startswith("InferenceService") and names != [KSERVE_CONTAINER, TRANSFORMER_CONTAINER]:
            yield (
                pod.owner,
                f"its containers are {names}: {KSERVE_CONTAINER} and {TRANSFORMER_CONTAINER} are needed, in this order",
            )
        if not names:
            yield pod.owner, "has no container"
        for one in pod.programs:
            for key in ("image", "command"):
                if not one.get(key):
                    yield pod.owner, f"the container {one.get('name')} has no {key}"
            resources = one.get("resources") or {}
            for key, what in (("requests", "cpu"), ("requests", "memory"), ("limits", "memory")):
                if what not in (resources.get(key) or {}):
                    yield pod.owner, f"the container {one.get('name')} has no resources.{key}.{what}"


def images(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """No image is `latest` or without tag; ours are by digest, but where a namespace says that it takes tags."""
    by_tag = {
        name_of(one)
        for one in rendered.of_kind("Namespace")
        if (one["metadata"].get("labels") or {}).get(BY_TAG) == "by-tag"
    }
    for pod in rendered.pods:
        for one in pod.programs:
            image = str(one.get("image", ""))
            for fault in _image_faults(image, pod.namespace in by_tag):
                yield pod.owner, f"the container {one.get('name')} has the image {image!r}, {fault}"
    for service in rendered.of_kind("InferenceService"):
        place = str((service["spec"]["predictor"].get("model") or {}).get("storageUri", ""))
        scheme, _, image = place.partition("://")
        if scheme.startswith("oci") and not _DIGEST.search(image):
            yield title(service), f"the bundle is the image {image!r}, which is not by digest"


def _image_faults(image: str, is_by_tag: bool) -> Iterator[str]:
    if _DIGEST.search(image):
        if image.startswith(PLACEHOLDER):
            yield "whose registry is the placeholder of the manifests"
        return
    tag = _TAG.search(image)
    if not tag:
        yield "which has no tag"
    elif tag[1] == "latest":
        yield "which is another one each time"
    elif _OURS.search(image) and not is_by_tag:
        yield "which is not by digest: scripts/pin_digests.py"


def security(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """The restricted profile, a root that is read alone, and no token of the API server that no role needs."""
    bound = {
        (subject.get("namespace", binding["metadata"].get("namespace")), subject["name"])
        for binding in rendered.of_kind("RoleBinding", "ClusterRoleBinding")
        for subject in binding.get("subjects") or ()
    }
    for pod in rendered.pods:
        for fault in _pod_faults(pod, (pod.namespace, pod.spec.get("serviceAccountName")) in bound):
            yield pod.owner, fault
        for one in pod.programs:
            for fault in _container_faults(one, pod.spec.get("securityContext") or {}):
                yield pod.owner, f"the container {one.get('name')} {fault}"


def _pod_faults(pod: Pod, needs_token: bool) -> Iterator[str]:
    context: dict[str, Any] = pod.spec.get("securityContext") or {}
    if not context.get("runAsNonRoot"):
        yield "does not say runAsNonRoot"
    if not isinstance(context.get("runAsUser"), int) or context["runAsUser"] == 0:
        yield f"runs as user {context.get('runAsUser')!r}: a number that is not 0 is needed"
    if (context.get("seccompProfile") or {}).get("type") not in ("RuntimeDefault", "Localhost"):
        yield "has no seccompProfile"
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.spec.get(key):
            yield f"uses {key}"
    for volume in pod.spec.get("volumes") or ():
        if "hostPath" in volume:
            yield f"mounts the node's {volume['hostPath'].get('path')}"
    if pod.spec.get("automountServiceAccountToken", True) and not needs_token:
        yield "has a token of the API server, and no role that it is for"


def _container_faults(container: Object, of_pod: Object) -> Iterator[str]:
    context: dict[str, Any] = container.get("securityContext") or {}
    if context.get("allowPrivilegeEscalation") is not False:
        yield "allows privilege escalation"
    if context.get("privileged"):
        yield "is privileged"
    if "ALL" not in ((context.get("capabilities") or {}).get("drop") or ()):
        yield "does not drop all capabilities"
    if (context.get("capabilities") or {}).get("add"):
        yield f"adds the capabilities {context['capabilities']['add']}"
    if context.get("runAsNonRoot", of_pod.get("runAsNonRoot")) is not True or context.get("runAsUser") == 0:
        yield "may run as root"
    if not context.get("readOnlyRootFilesystem"):
        yield "may write its root"
    for port in container.get("ports") or ():
        if port.get("hostPort"):
            yield f"takes the node's port {port['hostPort']}"
