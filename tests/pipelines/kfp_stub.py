"""A small HTTP server with the endpoints of KFP's v2beta1 API that `submit` uses.

A stub, because no KFP backend can run on this machine. It answers as the API server does (grpc-gateway's JSON, errors
with `code` and `message`) and keeps what it was sent, so that tests see what a real one would get. A run or a recurring
run that names a version is kept with that version's package, as the server runs it.
"""

import json
import threading
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import yaml

from tests.waiting import HANG_S

Query = dict[str, list[str]]


class _Server(ThreadingHTTPServer):
    """Says nothing when a client hangs up: what it printed would stand among what the command says."""

    def handle_error(self, request: object, client_address: object) -> None:
        pass


class KfpStub:
    """Runs while it is entered.

    Attributes:
        url: Where it listens.
        runs: Bodies of the runs that it took, with the id that it gave them.
        pipelines: Bodies of the pipelines, by id.
        versions: Name, pipeline and package of the versions, by id.
        schedules: Bodies of the recurring runs that there are, by id.
        experiments: Their ids, by name.
        namespaces: Of its users; empty: it serves one.
        token: That it wants to be shown.
        health: Status and body that it gives instead of its own.
        only_healthy: It has no other page.
        refuses_runs: Why.
        refuses_schedules: Why.
        refuses_deletions: Why.
        is_faster: Somebody else makes each pipeline and uploads each version first.
        silent: Other pages than the health page wait for it.
        n_requests: That it was asked.
    """

    def __init__(self) -> None:
        self.runs: list[dict[str, Any]] = []
        self.pipelines: dict[str, dict[str, Any]] = {}
        self.versions: dict[str, dict[str, Any]] = {}
        self.schedules: dict[str, dict[str, Any]] = {}
        self.experiments: dict[str, str] = {}
        self.namespaces: set[str] = set()
        self.token = ""
        self.health: tuple[int, str] | None = None
        self.only_healthy = False
        self.refuses_runs = self.refuses_schedules = self.refuses_deletions = ""
        self.silent: threading.Event | None = None
        self.is_faster = False
        self.n_requests = self._n_made = 0
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer()

            def do_DELETE(self) -> None:
                self._answer()

            def do_POST(self) -> None:
                self._answer()

            def _answer(self) -> None:
                stub.n_requests += 1
                url = urlsplit(self.path)
                token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
                sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, text = stub.answer(
                    self.command, url.path, parse_qs(url.query), _body(self.headers, sent), token
                )
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, method: str, path: str, query: Query, body: Any, token: str) -> tuple[int, str]:
        if token != self.token:
            return 401, "who are you"
        if path == "/apis/v2beta1/healthz":
            return self.health or (200, json.dumps({"multi_user": bool(self.namespaces), "pipeline_store": "database"}))
        if self.silent is not None:
            self.silent.wait(HANG_S)
        if self.only_healthy:
            return 404, "not found"
        of = path.removeprefix("/apis/v2beta1/").split("/")
        match method, *of:
            case _, "experiments":
                return self._experiments(query, body)
            case "GET", "pipelines":
                return _listed("pipelines", self.pipelines, query)
            case "POST", "pipelines":
                made = self._made(self.pipelines, "pipeline_id", body)
                return _error(409, f"The name {body['name']} already exists") if self.is_faster else made
            case "POST", "pipelines", "upload_version":
                return self._uploaded(query, body)
            case "GET", "pipelines", pipeline_id, "versions":
                of_it = {key: one for key, one in self.versions.items() if one["pipeline_id"] == pipeline_id}
                return _listed("pipeline_versions", of_it, query)
            case "POST", "runs":
                if self.refuses_runs:
                    return _error(400, self.refuses_runs)
                self.runs.append({**body, **self._package(body), "run_id": f"run-{len(self.runs)}"})
                return 200, json.dumps({"run_id": self.runs[-1]["run_id"], "display_name": body["display_name"]})
            case "GET", "recurringruns":
                return _listed("recurringRuns", self.schedules, query)
            case "POST", "recurringruns":
                if self.refuses_schedules:
                    return _error(400, self.refuses_schedules)
                return self._made(self.schedules, "recurring_run_id", {**body, **self._package(body)})
            case "POST", "recurringruns", action if action.endswith(":enable"):
                self.schedules[action.removesuffix(":enable")]["mode"] = "ENABLE"
                return 200, "{}"
            case "DELETE", "recurringruns", identity:
                if self.refuses_deletions:
                    return _error(400, self.refuses_deletions)
                del self.schedules[identity]
                return 200, "{}"
        return 404, "not found"

    def _made(self, kept: dict[str, dict[str, Any]], key: str, body: dict[str, Any]) -> tuple[int, str]:
        self._n_made += 1
        identity = f"{key.removesuffix('_id').replace('_', '-')}-{self._n_made}"
        kept[identity] = {**body, key: identity}
        return 200, json.dumps({key: identity, "display_name": body["display_name"]})

    def _uploaded(self, query: Query, body: bytes) -> tuple[int, str]:
        (name,), (pipeline_id,) = query["name"], query["pipelineid"]
        if any(one["display_name"] == name for one in self.versions.values()):
            return _error(409, f"The name {name} already exists")
        package = {"display_name": name, "pipeline_id": pipeline_id, "package": body}
        status, text = self._made(self.versions, "pipeline_version_id", package)
        if self.is_faster:
            return _error(409, f"The name {name} already exists")
        return status, json.dumps({**json.loads(text), "pipeline_id": pipeline_id})

    def _package(self, body: dict[str, Any]) -> dict[str, Any]:
        """Of the version that a run names, in the form in which runs hold a package of their own."""
        named = body["pipeline_version_reference"]
        version = self.versions[named["pipeline_version_id"]]
        assert version["pipeline_id"] == named["pipeline_id"]
        pipeline, platform = yaml.load_all(version["package"], yaml.CSafeLoader)
        return {"pipeline_spec": {"pipeline_spec": pipeline, "platform_spec": platform}}

    def _experiments(self, query: Query, body: dict[str, Any] | None) -> tuple[int, str]:
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


def _listed(name: str, kept: dict[str, dict[str, Any]], query: Query) -> tuple[int, str]:
    """Those of the name that is asked for, one on each page."""
    wanted = json.loads(query["filter"][0])["predicates"][0]["stringValue"]
    found = [key for key, one in kept.items() if one["display_name"] == wanted]
    first = int(query.get("page_token", [""])[0] or 0)
    shown = [{k: v for k, v in kept[key].items() if k != "package"} for key in found[first : first + 1]]
    rest = {"next_page_token": str(first + 1)} if first + 1 < len(found) else {}
    return 200, json.dumps({name: shown, **rest} if shown else {})


def _body(headers: Message, sent: bytes) -> Any:
    """JSON, or the one file of a form."""
    if not sent:
        return None
    if headers.get_content_type() == "application/json":
        return json.loads(sent)
    form = message_from_bytes(b"Content-Type: " + headers["Content-Type"].encode() + b"\n\n" + sent)
    (part,) = form.get_payload()
    return part.get_payload(decode=True)


def _error(status: int, message: str) -> tuple[int, str]:
    return status, json.dumps({"code": 3, "message": message, "details": []})
