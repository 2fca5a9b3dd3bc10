"""A Kubernetes API server over HTTP, as far as a release speaks to one: objects, versions, patches, faults on demand.

Controllers are scripted (`controllers.py`) and move when a test says so, one step at a time: nothing depends on time.
"""

from __future__ import annotations

import copy
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from delivery.sdk_models import faults_of

Key = tuple[str, str, str]  # resource, namespace, name
NAMESPACE = "production"
_PATH = re.compile(r"^/(?:api/v1|apis/([^/]+)/[^/]+)/namespaces/([^/]+)/([^/]+)(?:/([^/]+))?$")
_MICRO_TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$")
_MAX_CONFIG_MAP_BYTES = 1 << 20


class RefusedError(Exception):
    """An answer that is no success."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Fault:
    """What goes wrong with the next requests.

    Attributes:
        verb: Of a Role: get, list, create, update, patch.
        resource: Of a Role, such as `leases.coordination.k8s.io`.
        kind: A status code; `cut before` and `cut after` it was done; `hang` until the test is over.
        times: How often.
    """

    verb: str
    resource: str
    kind: int | str
    times: int = 1


@dataclass
class KubernetesApi:
    """The objects, what was asked, and what is to go wrong.

    Attributes:
        objects: By resource, namespace and name.
        log: Verb, resource and namespace of each request that came in.
        role: What the caller may do: pairs of verb and resource; None: everything.
        crd_lacks: Fields of an InferenceService's spec that an older CRD does not know.
        webhook: Looks at InferenceServices before they are kept; raises `RefusedError`.
        before_write: Called once, before the next write is looked at: what somebody else does at that moment.
    """

    objects: dict[Key, dict[str, Any]] = field(default_factory=dict)
    log: list[tuple[str, str, str]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    role: set[tuple[str, str]] | None = None
    crd_lacks: set[str] = field(default_factory=set)
    webhook: Callable[[dict[str, Any]], None] = lambda service: None
    before_write: Callable[[], None] | None = None
    released: threading.Event = field(default_factory=threading.Event)
    lock: threading.RLock = field(default_factory=threading.RLock)
    _version: int = 0

    def put(self, resource: str, name: str, body: dict[str, Any], namespace: str = NAMESPACE) -> dict[str, Any]:
        """Keep an object as a controller does: the generation grows with the spec alone."""
        with self.lock:
            key = (resource, namespace, name)
            former = self.objects.get(key)
            kept = copy.deepcopy(body)
            metadata = kept.setdefault("metadata", {})
            metadata.update(name=name, namespace=namespace)
            if former is not None and _without_version(former) == _without_version(kept):
                return former
            self._version += 1
            generation = former["metadata"].get("generation", 0) if former else 0
            is_new_spec = former is None or former.get("spec") != kept.get("spec")
            metadata.update(resourceVersion=str(self._version), generation=generation + is_new_spec)
            self.objects[key] = kept
            return kept

    def at(self, resource: str, name: str, namespace: str = NAMESPACE) -> dict[str, Any]:
        """The object itself."""
        return self.objects[resource, namespace, name]

    def fail(self, verb: str, resource: str, kind: int | str, times: int = 1) -> None:
        self.faults.append(Fault(verb, resource, kind, times))

    def fault_of(self, verb: str, resource: str) -> int | str | None:
        for fault in self.faults:
            if fault.times and (fault.verb, fault.resource) == (verb, resource):
                fault.times -= 1
                return fault.kind
        return None

    def answer(self, method: str, url: str, headers: Any, body: Any) -> Any:
        """What a request that reached the server gives; `RefusedError` otherwise."""
        parts = urlsplit(url)
        matched = _PATH.match(parts.path)
        if matched is None:
            raise RefusedError(404, f"the server could not find the requested resource {parts.path}")
        group, namespace, plural, name = matched.groups()
        resource, query = f"{plural}.{group}" if group else plural, parse_qs(parts.query)
        with self.lock:
            verb = _verb(method, name)
            if self.role is not None and (verb, resource) not in self.role:
                raise RefusedError(
                    403, f'{resource} is forbidden: User cannot {verb} resource in namespace "{namespace}"'
                )
            if verb == "list":
                return self._list(resource, namespace, query.get("labelSelector", [""])[0])
            name = name or body["metadata"]["name"]
            former = self.objects.get((resource, namespace, name))
            if former is None and verb != "create":
                raise RefusedError(404, f'{resource} "{name}" not found')
            if verb == "get":
                return former
            wanted = self._wanted(verb, resource, former, headers, body)
            self._admit(resource, wanted, is_strict=query.get("fieldValidation") == ["Strict"])
            return wanted if query.get("dryRun") == ["All"] else self.put(resource, name, wanted, namespace)

    def _list(self, resource: str, namespace: str, selector: str) -> Any:
        labels = dict(one.split("=", 1) for one in selector.split(",") if one)
        items = [
            one
            for (kind, space, _), one in sorted(self.objects.items())
            if (kind, space) == (resource, namespace)
            and labels.items() <= (one["metadata"].get("labels") or {}).items()
        ]
        return {"kind": "List", "apiVersion": "v1", "metadata": {}, "items": items}

    def _wanted(self, verb: str, resource: str, former: Any, headers: Any, body: Any) -> dict[str, Any]:
        if verb == "create":
            if former is not None:
                raise RefusedError(409, f'{resource} "{former["metadata"]["name"]}" already exists')
            return copy.deepcopy(body)
        version = body.get("metadata", {}).get("resourceVersion")
        if version not in (None, former["metadata"]["resourceVersion"]):
            raise RefusedError(
                409, "Operation cannot be fulfilled: the object has been modified; please apply your changes"
            )
        if verb == "update":
            return copy.deepcopy(body)
        if headers["Content-Type"] != "application/merge-patch+json":
            raise RefusedError(415, "custom resources take merge and JSON patches")
        merged = merge(former, body)
        return {**merged, "status": former["status"]} if "status" in former else merged

    def _admit(self, resource: str, wanted: dict[str, Any], *, is_strict: bool) -> None:
        if resource == "inferenceservices.serving.kserve.io":
            for name in self.crd_lacks & set(wanted["spec"]):
                if is_strict:
                    raise RefusedError(400, f'strict decoding error: unknown field "spec.{name}"')
                del wanted["spec"][name]  # dropped without a word
            if faults := faults_of(wanted):
                raise RefusedError(400, f"strict decoding error: {'; '.join(faults)}")
            self.webhook(wanted)
        if resource == "leases.coordination.k8s.io":
            for key in ("acquireTime", "renewTime"):
                if not _MICRO_TIME.match(wanted["spec"][key]):
                    raise RefusedError(400, f"parsing time {wanted['spec'][key]!r}: cannot parse as a MicroTime")
        if resource == "configmaps" and len(json.dumps(wanted.get("data") or {})) > _MAX_CONFIG_MAP_BYTES:
            raise RefusedError(422, "data: Too long: must have at most 1048576 bytes")


def merge(before: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    merged = copy.deepcopy(before) if isinstance(before, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


@contextmanager
def serving(api: KubernetesApi, port: int = 0) -> Iterator[str]:
    """The API over HTTP on loopback; its address."""
    server = _Server(("127.0.0.1", port), type("Handler", (_Handler,), {"api": api}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        api.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
        server.cut_all()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def get_request(self) -> Any:
        self._connections = getattr(self, "_connections", [])
        connection, address = super().get_request()
        self._connections.append(connection)
        return connection, address

    def cut_all(self) -> None:
        """Connections that clients keep, as the end of a process cuts them."""
        for connection in getattr(self, "_connections", []):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # head and body in one segment
    api: KubernetesApi

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        matched = _PATH.match(urlsplit(self.path).path)
        verb, resource, namespace = "", "", ""
        if matched is not None:
            group, namespace, plural, name = matched.groups()
            resource, verb = f"{plural}.{group}" if group else plural, _verb(self.command, name)
            self.api.log.append((verb, resource, namespace))
        if verb not in ("get", "list") and (hook := self.api.before_write):
            self.api.before_write = None
            hook()
        fault = self.api.fault_of(verb, resource)
        if fault == "hang":
            self.api.released.wait()
        if fault in ("hang", "cut before"):
            self.close_connection = True
            return
        try:
            if isinstance(fault, int):
                raise RefusedError(fault, "a fault that the test wanted")
            code, answer = 200, self.api.answer(self.command, self.path, self.headers, body)
        except RefusedError as refused:
            code = refused.code
            answer = {"kind": "Status", "apiVersion": "v1", "code": code, "message": str(refused), "status": "Failure"}
        if fault == "cut after":
            self.close_connection = True
            return
        content = json.dumps(answer).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._handle
        raise AttributeError(name)

    def log_message(self, format: str, *args: object) -> None:
        pass


def _verb(method: str, name: str | None) -> str:
    verbs = {"GET": "get" if name else "list", "POST": "create", "PUT": "update", "PATCH": "patch"}
    return verbs[method]


def _without_version(one: dict[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in one["metadata"].items() if key not in ("resourceVersion", "generation")}
    return {**one, "metadata": metadata}
