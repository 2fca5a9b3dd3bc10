"""Which pods belong to which arm, for Prometheus to ask by HTTP service discovery.

No rule over labels of pods could tell it: pods carry the release that brought them, which makes them the challenger's
until that release has ended and the champion's from then on, and a label that changed would restart them.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any

from serving.canary.kserve.cluster import Object
from serving.canary.kserve.offer import Offer
from serving.canary.kserve.predictors import release_of
from silencio.errors import RouteError

PATH = "/targets"
# Where a transformer serves /metrics that is given no other port.
METRICS_PORT = 8080
_TRANSFORMER, _PREDICTOR = "transformer-container", "kserve-container"

Group = dict[str, Any]


def groups_of(pods: Sequence[Object], namespace: str, service: str, offer: Offer | None) -> list[Group]:
    """Target groups as Prometheus reads them, one for each server of a pod.

    Args:
        pods: Those that live.
        namespace: Namespace of the InferenceService.
        service: Its name.
        offer: Tells the challenger's release; None: all pods are the champion's.
    """
    groups = []
    for pod in pods:
        address = (pod.get("status") or {}).get("podIP")
        if not address:
            continue
        host = f"[{address}]" if ":" in str(address) else str(address)
        is_challenger = offer is not None and release_of(pod["metadata"]) == offer.release
        for server, port in _metrics_ports(pod).items():
            labels = {
                "arm": "challenger" if is_challenger else "champion",
                "namespace": namespace,
                "isvc": service,
                "pod": str(pod["metadata"]["name"]),
                "server": server,
            }
            groups.append({"targets": [f"{host}:{port}"], "labels": labels})
    return groups


def _metrics_ports(pod: Object) -> dict[str, int]:
    """By server. A predictor that is given no port of its own has the transformer's: it stands in a pod by itself."""
    given = {one["name"]: _http_port(one) for one in (pod.get("spec") or {}).get("containers") or ()}
    ports = {"transformer": given.get(_TRANSFORMER) or METRICS_PORT}
    predictor = given.get(_PREDICTOR)
    return {**ports, "predictor": predictor} if predictor and predictor != ports["transformer"] else ports


def _http_port(container: Object) -> int | None:
    """By `--http_port N` or `--http_port=N`, in the command or its arguments."""
    words = [str(one) for one in (*(container.get("command") or ()), *(container.get("args") or ()))]
    for word, following in pairwise([*words, ""]):
        name, _, value = word.partition("=")
        if name == "--http_port" and (value or following).isdecimal():
            return int(value or following)
    return None


def serve_targets(targets: Callable[[], list[Group]], port: int, host: str) -> ThreadingHTTPServer:
    """Answer `GET /targets` in a thread of this process.

    Where the cluster cannot be asked the answer is 503: Prometheus keeps the list that it has.

    Args:
        targets: Gives the groups; may raise `RouteError`.
        port: Where; 0: any that is free.
        host: Address to listen on.

    Returns:
        The server, to be shut down.

    Raises:
        OSError: The port is taken.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # http.server's name
            if self.path != PATH:
                self.send_error(404)
                return
            try:
                content = json.dumps(targets()).encode()
            except RouteError as error:
                self.send_error(503, explain=str(error))
                return
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: Prometheus asks each half minute."""

    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="silencio-targets", daemon=True).start()
    return server
