"""A small HTTP server with the endpoints of KFP's v2beta1 API that `submit` uses.

A stub, because no KFP backend can run on this machine. It answers as the API server does (grpc-gateway's JSON, errors
with `code` and `message`) and keeps what it was sent, so that tests see what a real one would get.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from tests.waiting import HANG_S


class _Server(ThreadingHTTPServer):
    """Says nothing when a client hangs up: what it printed would stand among what the command says."""

    def handle_error(self, request: object, client_address: object) -> None:
        pass


class KfpStub:
    """Runs while it is entered.

    Attributes:
        url: Where it listens.
        runs: Bodies of the runs that it took, with the id that it gave them.
        experiments: Their ids, by name.
        namespaces: Of its users; empty: it serves one.
        token: That it wants to be shown.
        health: Status and body that it gives instead of its own.
        only_healthy: It has no other page.
        refuses_runs: Why.
        silent: Other pages than the health page wait for it.
        n_requests: That it was asked.
    """

    def __init__(self) -> None:
        self.runs: list[dict[str, Any]] = []
        self.experiments: dict[str, str] = {}
        self.namespaces: set[str] = set()
        self.token = ""
        self.health: tuple[int, str] | None = None
        self.only_healthy = False
        self.refuses_runs = ""
        self.silent: threading.Event | None = None
        self.n_requests = 0
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(None)

            def do_POST(self) -> None:
                self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

            def _answer(self, body: dict[str, Any] | None) -> None:
                stub.n_requests += 1
                url = urlsplit(self.path)
                token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
                status, text = stub.answer(url.path, parse_qs(url.query), body, token)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def answer(
        self, path: str, query: dict[str, list[str]], body: dict[str, Any] | None, token: str
    ) -> tuple[int, str]:
        if token != self.token:
            return 401, "who are you"
        if path == "/apis/v2beta1/healthz":
            return self.health or (200, json.dumps({"multi_user": bool(self.namespaces), "pipeline_store": "database"}))
        if self.silent is not None:
            self.silent.wait(HANG_S)
        if self.only_healthy:
            return 404, "not found"
        if path == "/apis/v2beta1/experiments":
            return self._experiments(query, body)
        if path == "/apis/v2beta1/runs" and body is not None:
            if self.refuses_runs:
                return _error(400, self.refuses_runs)
            self.runs.append({**body, "run_id": f"run-{len(self.runs)}"})
            return 200, json.dumps({"run_id": self.runs[-1]["run_id"], "display_name": body["display_name"]})
        return 404, "not found"

    def _experiments(self, query: dict[str, list[str]], body: dict[str, Any] | None) -> tuple[int, str]:
        namespace = body.get("namespace") if body else query.get("namespace", [""])[0]
        if self.namespaces and namespace not in self.namespaces:
            return _error(403, f"User is not authorized in namespace {namespace}")
        if body is not None:
            name = body["display_name"]
            self.experiments[name] = f"experiment-{len(self.experiments)}"
        else:
            name = json.loads(query["filter"][0])["predicates"][0]["stringValue"]
            if name not in self.experiments:
                return 200, "{}"
        found = {"experiment_id": self.experiments[name], "display_name": name, "namespace": namespace}
        return 200, json.dumps(found if body is not None else {"experiments": [found]})

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


def _error(status: int, message: str) -> tuple[int, str]:
    return status, json.dumps({"code": 3, "message": message, "details": []})
