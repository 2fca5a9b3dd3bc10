"""Network policies: closed but for what is named, and open to what servers need."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from delivery.checks.monitoring import scraped_of
from delivery.render import Object
from delivery.rendered import Pod, Rendered, matches, name_of, namespace_of, title
from delivery.servers import environment_of, server_of
from serving.server.protocol import LOOPBACK_HOSTS

_NAME = "kubernetes.io/metadata.name"
_PORTS = {"http": 80, "https": 443, "postgresql": 5432}
# Of a Service: NAME.NAMESPACE, NAME.NAMESPACE.svc, or with the cluster's domain.
_SERVICE = re.compile(r"^([a-z0-9-]+)\.([a-z0-9-]+)(?:\.svc(?:\.[a-z0-9.-]+)?)?$")


def policies(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """Nothing is open by default; each policy selects pods that are there, and opens ports that those have."""
    for space in sorted({pod.namespace for pod in rendered.pods}):
        if not any(_denies_all(one) for one in rendered.of_kind("NetworkPolicy") if namespace_of(one) == space):
            yield f"Namespace {space}", "no policy denies by default"
    for policy in rendered.of_kind("NetworkPolicy"):
        spec = policy["spec"]
        pods = rendered.selected(namespace_of(policy), spec.get("podSelector") or {})
        if not any(not pod.is_made_by_others or spec["podSelector"] for pod in pods):
            yield title(policy), f"selects no pod: {spec.get('podSelector')}"
        for direction in ("ingress", "egress"):
            if spec.get(direction) and direction.capitalize() not in spec.get("policyTypes", ()):
                yield title(policy), f"has rules of {direction}, which its policyTypes lack"
        for rule in spec.get("ingress") or ():
            if not rule.get("from") or not rule.get("ports"):
                yield title(policy), "lets everybody in, or to every port"
            for port in rule.get("ports") or ():
                yield from ((title(policy), fault) for fault in _opened_faults(port.get("port"), pods))
        for rule in [*(spec.get("ingress") or ()), *(spec.get("egress") or ())]:
            for peer in [*(rule.get("from") or ()), *(rule.get("to") or ())]:
                if re.search("[A-Z]", str((peer.get("namespaceSelector") or {}).get("matchLabels", {}).get(_NAME, ""))):
                    yield title(policy), f"{peer} is no namespace: the place was not put in"


def _denies_all(policy: Object) -> bool:
    spec = policy["spec"]
    is_empty = not (spec.get("ingress") or spec.get("egress"))
    return spec.get("podSelector") == {} and set(spec.get("policyTypes") or ()) == {"Ingress", "Egress"} and is_empty


def _opened_faults(port: object, pods: list[Pod]) -> Iterator[str]:
    known = [pod for pod in pods if not pod.is_made_by_others]
    listened = {number for pod in known for one in pod.containers for number in server_of(one).ports.values()}
    declared = {value for pod in known for pair in pod.ports for value in pair}
    if known and port not in declared | listened:
        yield f"opens the port {port}, on which no pod listens"
    for pod in known:
        for one in pod.containers:
            if server_of(one).module == "serving.predictor" and port == server_of(one).ports.get("grpc"):
                yield f"opens {port}: the predictor's gRPC is for the transformer in the same pod alone"


def addresses(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """What a container is told to reach in the cluster is a Service's port, and policies let it out to there."""
    for pod in rendered.pods:
        for where, address in _reached(rendered, pod):
            parts = urlsplit(address if "://" in address else f"//{address}")
            found = _SERVICE.match(parts.hostname or "")
            port = parts.port or _PORTS.get(parts.scheme)
            if not found:
                continue
            is_rendered = any(name_of(one) == found[2] for one in rendered.of_kind("Namespace"))
            if is_rendered and not _is_served(rendered, found[2], found[1], port):
                yield pod.owner, f"{where} is {address}, and no Service {found[1]} of {found[2]} has the port {port}"
            if not _lets_out(rendered, pod, found[2], port):
                yield (
                    pod.owner,
                    f"{where} is {address}, and no policy lets it out to port {port} of namespace {found[2]}",
                )
    spaces = {name_of(one) for one in rendered.of_kind("Namespace")}
    scraped = [(title(one), address) for one in rendered.of_kind("ScrapeConfig") for address in _scraped(one)]
    for place, address in [*scraped, *scraped_of(rendered)]:
        parts = urlsplit(address if "://" in address else f"//{address}")
        found = _SERVICE.match(parts.hostname or "")
        service = rendered.find("Service", found[2], found[1]) if found else None
        is_elsewhere = found is not None and found[2] not in spaces and (place, address) not in scraped
        if parts.hostname in LOOPBACK_HOSTS or is_elsewhere:
            continue
        if service is None:
            yield place, f"scrapes {address}, and there is no such Service"
        elif parts.port not in [port["port"] for port in service["spec"]["ports"]]:
            yield place, f"scrapes {address}, and the Service has no port {parts.port}"


def _reached(rendered: Rendered, pod: Pod) -> Iterator[tuple[str, str]]:
    for container in pod.programs:
        for name, value in environment_of(container).items():
            source = next(one for one in container["env"] if one["name"] == name).get("valueFrom") or {}
            key = source.get("configMapKeyRef")
            if key:
                settings = rendered.find("ConfigMap", pod.namespace, key["name"]) or {}
                value = (settings.get("data") or {}).get(key["key"])
            if value and ("://" in value or name.endswith("_ENDPOINT")) and not value.startswith("s3://"):
                yield name, value
        for argument in container.get("args") or ():
            name, _, value = str(argument).partition("=")
            if "://" in value and not value.startswith("s3://"):
                yield name, value


def _scraped(one: Object) -> Iterator[str]:
    for discovery in one["spec"].get("httpSDConfigs") or ():
        yield str(discovery["url"])
    for static in one["spec"].get("staticConfigs") or ():
        yield from map(str, static["targets"])


def _is_served(rendered: Rendered, namespace: str, name: str, port: int | None) -> bool:
    service = rendered.find("Service", namespace, name)
    return service is not None and port in [one["port"] for one in service["spec"]["ports"]]


def _is_peer(peer: Object, own: str, namespace: str) -> bool:
    """Whether a rule's peer is in a namespace; its pods are not looked at."""
    if "namespaceSelector" in peer:
        return matches(peer["namespaceSelector"], {_NAME: namespace})
    return "podSelector" in peer and own == namespace


def _lets_out(rendered: Rendered, pod: Pod, namespace: str, port: int | None) -> bool:
    for policy in rendered.of_kind("NetworkPolicy"):
        spec = policy["spec"]
        if namespace_of(policy) != pod.namespace or not matches(spec.get("podSelector") or {}, pod.labels):
            continue
        for rule in spec.get("egress") or ():
            to_there = not rule.get("to") or any(_is_peer(peer, pod.namespace, namespace) for peer in rule["to"])
            if to_there and (not rule.get("ports") or port in [one.get("port") for one in rule["ports"]]):
                return True
    return False
