"""A Kubernetes API server over HTTP, as far as kubectl speaks to one about namespaces and secrets."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_KINDS = {"namespaces": ("Namespace", False), "secrets": ("Secret", True)}
_VERBS = ["create", "get", "list", "patch"]


@dataclass
class SecretsApi:
    """What is kept, and what was written.

    Attributes:
        namespaces: By name.
        secrets: By namespace and name.
        writes: Method and path of each request that changed something.
        address: Host and port, behind `http://`.
    """

    namespaces: dict[str, dict[str, Any]] = field(default_factory=dict)
    secrets: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    writes: list[tuple[str, str]] = field(default_factory=list)
    address: str = ""

    def values(self, namespace: str, name: str) -> dict[str, str]:
        """What a secret has, in clear."""
        return {key: base64.b64decode(text).decode() for key, text in self.secrets[namespace, name]["data"].items()}

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """Status and body of a response."""
        parts = path.strip("/").split("/")
        match parts:
            case ["api"]:
                return 200, {"kind": "APIVersions", "versions": ["v1"]}
            case ["apis"]:
                return 200, {"kind": "APIGroupList", "apiVersion": "v1", "groups": []}
            case ["api", "v1"]:
                return 200, {"kind": "APIResourceList", "groupVersion": "v1", "resources": _resources()}
            case ["openapi", "v3"]:
                return 200, {"paths": {"api/v1": {"serverRelativeURL": "/openapi/v3/api/v1"}}}
            case ["openapi", "v3", "api", "v1"]:
                return 200, {"openapi": "3.0.0", "info": {"title": "v1", "version": "1"}, "paths": _paths()}
            case ["api", "v1", "namespaces", *rest] if len(rest) < 2:
                return self._object(method, path, self.namespaces, "".join(rest), body)
            case ["api", "v1", "namespaces", namespace, "secrets", *rest] if namespace in self.namespaces:
                kept = {name: one for (place, name), one in self.secrets.items() if place == namespace}
                status, answered = self._object(method, path, kept, "".join(rest), body)
                self.secrets |= {(namespace, name): one for name, one in kept.items()}
                return status, answered
        return 404, _status(404, f"{path} is not there")

    def _object(self, method: str, path: str, kept: dict[str, Any], name: str, body: Any) -> tuple[int, Any]:
        if method == "POST":
            name = body["metadata"]["name"]
            if name in kept:
                return 409, _status(409, f"{name} is there")
            self.writes.append((method, f"{path}/{name}"))
            kept[name] = body
            return 201, body
        if name not in kept:
            return 404, _status(404, f"{name} is not there")
        if method == "PATCH":
            self.writes.append((method, path))
            kept[name]["data"] |= body["data"]
        return 200, kept[name]


def _resources() -> list[dict[str, Any]]:
    return [
        {"name": name, "singularName": kind.lower(), "namespaced": namespaced, "kind": kind, "verbs": _VERBS}
        for name, (kind, namespaced) in _KINDS.items()
    ]


def _paths() -> dict[str, Any]:
    """From which kubectl learns that the server checks fields."""
    parameters = [{"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}]
    return {
        f"/api/v1/{name}/{{name}}": {
            "patch": {
                "parameters": parameters,
                "responses": {},
                "x-kubernetes-group-version-kind": {"group": "", "version": "v1", "kind": kind},
            }
        }
        for name, (kind, _) in _KINDS.items()
    }


def _status(code: int, message: str) -> dict[str, Any]:
    reason = {404: "NotFound", 409: "AlreadyExists"}[code]
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }


@contextmanager
def serving(api: SecretsApi) -> Iterator[None]:
    """Serve it on a free port of 127.0.0.1."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, answered = api.answer(self.command, self.path.partition("?")[0], body)
            content = json.dumps(answered).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = _handle  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    api.address = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
