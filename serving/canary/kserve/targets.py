"""Which pods belong to which arm, for Prometheus to ask by HTTP service discovery.

No rule over labels of pods could tell it: pods carry the release that brought them, which makes them the challenger's
until that release has ended and the champion's from then on, and a label that changed would restart them.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from serving.canary.kserve.cluster import Object
from serving.canary.kserve.offer import Offer
from serving.canary.kserve.predictors import release_of
from silencio.errors import RouteError

PATH = "/targets"
# Where a transformer beside its predictor serves /metrics.
METRICS_PORT = 8080

Group = dict[str, Any]


def groups_of(pods: Sequence[Object], namespace: str, service: str, offer: Offer | None, port: int) -> list[Group]:
    """Target groups as Prometheus reads them, one a pod.

    Args:
        pods: Those that live.
        namespace: Namespace of the InferenceService.
        service: Its name.
        offer: Tells the challenger's release; None: all pods are the champion's.
        port: Where their transformers serve /metrics.
    """
    groups = []
    for pod in pods:
        address = (pod.get("status") or {}).get("podIP")
        if not address:
            continue
        host = f"[{address}]" if ":" in str(address) else str(address)
        is_challenger = offer is not None and release_of(pod["metadata"]) == offer.release
        labels = {
            "arm": "challenger" if is_challenger else "champion",
            "namespace": namespace,
            "isvc": service,
            "pod": str(pod["metadata"]["name"]),
        }
        groups.append({"targets": [f"{host}:{port}"], "labels": labels})
    return groups


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
