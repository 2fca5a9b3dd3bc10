"""Ports: declared, listened on, probed and named alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from delivery.kserve_pods import QUEUE_PROXY
from delivery.render import Object
from delivery.rendered import Pod, Rendered, namespace_of, title
from delivery.servers import Server, server_of
from serving.metrics.routes import METHODS
from serving.server.protocol import LOOPBACK_HOSTS

_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


def ports(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """Containers declare ports on which they listen, for others than themselves, and no two of a pod share one."""
    for pod in rendered.pods:
        servers = {str(one.get("name")): server_of(one) for one in pod.containers}
        listened = Counter(port for server in servers.values() for port in server.ports.values())
        for port, n in listened.items():
            if n > 1:
                yield pod.owner, f"{n} servers of one pod listen on {port}"
        for one in pod.containers:
            server = servers[str(one.get("name"))]
            for port in one.get("ports") or ():
                if server.ports and port["containerPort"] not in server.ports.values():
                    yield (
                        pod.owner,
                        f"the container {one['name']} declares {port['containerPort']}, not {_listed(server)}",
                    )
            if server.ports and server.host in LOOPBACK_HOSTS:
                yield pod.owner, f"the container {one['name']} listens on {server.host}: nobody reaches it"
        yield from ((pod.owner, fault) for fault in _predictor_faults(servers))
        n_ports = sum(len(one.get("ports") or ()) for one in pod.containers)
        if QUEUE_PROXY in pod.others and n_ports != 1:
            yield pod.owner, f"its containers declare {n_ports} ports: Knative takes one"


def _predictor_faults(servers: dict[str, Server]) -> Iterator[str]:
    """The transformer's address is the predictor's gRPC port in the same pod."""
    predictor = next((one for one in servers.values() if one.module == "serving.predictor"), None)
    for name, one in servers.items():
        if one.module != "serving.transformer" or one.settings is None:
            continue
        address = str(one.settings.model_dump()["predictor_host"])
        host, _, port = address.rpartition(":")
        if predictor is None:
            yield f"the container {name} asks the predictor at {address}, and there is none in the pod"
        elif predictor.settings and (host not in LOOPBACK_HOSTS or port != str(predictor.ports.get("grpc"))):
            grpc = predictor.ports.get("grpc")
            yield f"the container {name} asks the predictor at {address}, whose gRPC is 127.0.0.1:{grpc}"


def probes(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """Each server that others reach is probed, at its own HTTP port and a path of health that it has."""
    for pod in rendered.pods:
        for one in pod.containers:
            server = server_of(one)
            for kind in _PROBES:
                probe = one.get(kind)
                if not probe:
                    if server.health and one.get("ports"):
                        yield pod.owner, f"the container {one['name']} has no {kind}"
                    continue
                for fault in _probe_faults(probe, one, server):
                    yield pod.owner, f"the {kind} of {one['name']} {fault}"


def _probe_faults(probe: Object, container: Object, server: Server) -> Iterator[str]:
    request = probe.get("httpGet")
    if request is None and "exec" in probe and server.module and not server.health:
        return
    if request is None:
        yield "asks by no httpGet: a port that is open is no server that is ready"
        return
    named = {port.get("name"): port["containerPort"] for port in container.get("ports") or ()}
    port = named.get(request.get("port"), request.get("port"))
    where = next(iter(server.ports.values()), None)
    if server.ports and port != where:
        yield f"asks the port {request.get('port')}, and the server is at {where}"
    if server.health and request.get("path") not in server.health:
        yield f"asks {request.get('path')}, which the server has not: {' or '.join(sorted(server.health))}"


def services(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """Services and monitors select pods that are there, and name ports that those have."""
    for service in rendered.of_kind("Service"):
        pods = rendered.selected(namespace_of(service), {"matchLabels": service["spec"].get("selector") or {}})
        if not pods:
            yield title(service), "selects no pod"
        for port in service["spec"].get("ports") or ():
            target = port.get("targetPort", port["port"])
            if pods and not any(_has(pod, target) for pod in pods):
                yield title(service), f"its port {port['port']} goes to {target}, which no pod has"
    for monitor in rendered.of_kind("PodMonitor"):
        pods = rendered.selected(namespace_of(monitor), monitor["spec"]["selector"])
        if not pods:
            yield title(monitor), "selects no pod"
        for endpoint in monitor["spec"].get("podMetricsEndpoints") or ():
            port = endpoint.get("port", endpoint.get("portNumber"))
            if pods and not any(_has(pod, port) for pod in pods):
                yield title(monitor), f"scrapes the port {port!r}, which no pod has"
            if endpoint.get("path", "/metrics") not in METHODS:
                yield title(monitor), f"scrapes {endpoint.get('path')}, which no server has"


def _has(pod: Pod, port: object) -> bool:
    return any(port in (name, number) for name, number in pod.ports)


def _listed(server: Server) -> str:
    return ", ".join(map(str, server.ports.values())) or "no port"
