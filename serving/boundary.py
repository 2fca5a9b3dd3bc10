"""The outermost layer of the REST side: who may come in, how much at once, and nothing internal gets out."""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from fastapi import FastAPI
from kserve.logging import logger
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.access import Access, AccessError
from serving.agreement import KEY_NAME_HEADER, OPERATION_HEADER, OWN_REQUEST_ID, QUERY_HEADER
from serving.answers import INTERNAL, add_answers, log_answer
from serving.content_coding import content_coding
from serving.errors import Overloaded, RefusalError
from serving.load import Load, Share
from serving.metrics.process import count_request, expect_requests
from serving.metrics.routes import (
    METHODS,
    OTHER,
    OTHER_STATUSES,
    PREDICT_ROUTES,
    PREDICT_STATUSES,
    allowed_methods,
    template_of,
)
from serving.operations import split_operation
from serving.request_body import RequestBody, too_large

REQUEST_ID = "x-request-id"
# What the boundary itself tells the model; a client's own headers of these names are dropped.
OWN_PREFIX = "x-silencio-"
# Reading these needs no key, and is never refused for load. So are our own pages.
OPEN_ROUTES = frozenset(
    {
        "/",
        "/metrics",
        "/openapi.json",
        "/v2/health/live",
        "/v2/health/ready",
        "/v1/models/{name}",
        "/v2/models/{name}/ready",
    }
)
_SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
# nginx's number for a client that did not wait for its answer.
_CLIENT_GONE = 499

AddRoutes = Callable[[FastAPI], None]


def guard(app: FastAPI, load: Load, access: Access | None, pages: Sequence[BaseRoute]) -> None:
    """Put limits, keys, a catch-all and quiet error answers around KServe's application.

    The SDK logs a stack trace for every wrong request and lets an unforeseen error through to uvicorn, which sends
    its text to the client and closes the connection.

    Args:
        app: The SDK's.
        load: What is under way, here and over gRPC.
        access: The keys; None lets everybody in.
        pages: Routes of our own, open to everybody for reading.
    """
    expect_requests(PREDICT_ROUTES, PREDICT_STATUSES)
    expect_requests((OTHER,), OTHER_STATUSES)
    app.add_middleware(_Boundary, load=load, access=access, pages=pages)
    add_answers(app)


@dataclass(frozen=True)
class RequestIds:
    """What a request is called.

    Attributes:
        own: New for every request: a client that could choose it could have its rows taken for another's.
        offered: The client's own; empty where it has none that fits into a line of a log.
    """

    own: str
    offered: str

    @classmethod
    def of(cls, offered: str) -> Self:
        """A new one, beside what the client says."""
        return cls(uuid.uuid4().hex, offered if _SANE_REQUEST_ID.fullmatch(offered) else "")

    def headers(self) -> dict[str, str]:
        """For the model, and for the answer: a client finds its own again where it wrote it."""
        return {REQUEST_ID: self.offered or self.own, OWN_REQUEST_ID: self.own}

    def __str__(self) -> str:
        """As lines of the log have it."""
        return f"{self.own} ({self.offered})" if self.offered else self.own


class _Boundary:
    """ASGI middleware.

    Args:
        app: What it is around.
        load: What is under way.
        access: The keys; None lets everybody in.
        pages: Routes that are open for reading, beside `OPEN_ROUTES`.
    """

    def __init__(self, app: ASGIApp, load: Load, access: Access | None, pages: Sequence[BaseRoute]) -> None:
        self._app = app
        self._load = load
        self._access = access
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun_s = time.perf_counter()
        scope, operation = split_operation(scope)
        route, is_open = self._route(scope)
        headers = Headers(scope=scope)
        with Share(self._load) as share:
            body = RequestBody(receive, share, self._load.limits.most_body_bytes)
            exchange = _Exchange(scope, operation, body, receive, send)
            try:
                await self._pass_on(exchange, headers, route, is_open)
            finally:
                count_request(route, str(exchange.status or _CLIENT_GONE), time.perf_counter() - begun_s)

    def _route(self, scope: Scope) -> tuple[str, bool]:
        """The route's template, and whether everybody may ask."""
        reads = scope["method"] in ("GET", "HEAD")
        template = template_of(scope["path"])
        if template != OTHER:
            return template, reads and template in OPEN_ROUTES
        for page in self._pages:
            if page.matches(scope)[0] is not Match.NONE:
                return getattr(page, "path", OTHER), reads
        return OTHER, False

    async def _pass_on(self, exchange: _Exchange, headers: Headers, route: str, is_open: bool) -> None:
        try:
            _check_method(exchange.scope, route)
            if route in METHODS and exchange.scope["method"] == "OPTIONS":
                await exchange.answer(Response(status_code=204, headers={"Allow": allowed_methods(route)}))
                return
            key_name = ""
            n_body_bytes = None
            if not is_open:
                key_name = self._admitted(headers)
                exchange.body.longest_pause_s = self._load.limits.longest_pause_s
                n_body_bytes = await self._undeclared_size(headers, exchange.body)
            exchange.pass_head(key_name, n_body_bytes, without_keys=self._access is not None)
            await exchange.work(self._app)
        except ClientDisconnect:
            log_answer(_CLIENT_GONE, exchange.scope["path"], exchange.ids, "the client went away")
        except (RefusalError, Overloaded) as error:
            exchange.refusal = error
        except Exception:  # the boundary: whatever was not foreseen is a 500 without its text, and is logged
            logger.exception("500 %a %s: not foreseen", exchange.scope["path"], exchange.ids)
            if exchange.status:
                raise
            exchange.refusal = exchange.refusal or RefusalError(500, INTERNAL)
        await exchange.refuse()

    def _admitted(self, headers: Headers) -> str:
        if self._access is None:
            return ""
        try:
            return self._access.admit(headers.get("authorization"), headers.get("x-api-key"))
        except AccessError as error:
            if error.retry_after_s:
                raise RefusalError(429, error.reason, Retry_After=str(error.retry_after_s)) from error
            raise RefusalError(401, error.reason, WWW_Authenticate='Bearer realm="silencio"') from error

    async def _undeclared_size(self, headers: Headers, body: RequestBody) -> int | None:
        """Bytes of a body whose head does not say them; None where it does, which was checked.

        A limit behind this one, on large recordings, goes by the declared size.
        """
        coding = content_coding(headers)
        declared = headers.get("content-length", "0")
        n_bytes = int(declared) if declared.isdecimal() and declared.isascii() else 0
        if n_bytes > self._load.limits.most_body_bytes:
            raise too_large(self._load.limits.most_body_bytes)
        self._load.check(n_bytes)
        return await body.read_whole(coding) if coding or "transfer-encoding" in headers else None


def _check_method(scope: Scope, route: str) -> None:
    """The SDK takes `GET …/silencio:predict` for a question about a model of that name, and says that there is none."""
    if route in METHODS and scope["method"] not in (allowed := allowed_methods(route)).split(", "):
        raise RefusalError(405, f"{scope['method']} is not taken at {scope['path']}", Allow=allowed)


class _Exchange:
    """One request and its answer.

    Attributes:
        scope: ASGI's, with the method and the headers that the model is to see.
        operation: By whose name it came, where that is not the route's own.
        body: Of the request.
        ids: In every line and in the answer.
        status: Of the answer; 0 before it begins.
        refusal: Why it is not the application that answers; what this one says meanwhile is dropped.
    """

    def __init__(self, scope: Scope, operation: str, body: RequestBody, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.operation = operation
        self.body = body
        self.ids = RequestIds.of(Headers(scope=scope).get(REQUEST_ID, ""))
        self.status = 0
        self.refusal: RefusalError | Overloaded | None = None
        self._receive, self._send = receive, send

    def pass_head(self, key_name: str, n_body_bytes: int | None, without_keys: bool) -> None:
        """Write what the boundary knows into the request's head.

        Args:
            key_name: Of the key by which it came in.
            n_body_bytes: Of a body that was read already; None leaves what the head says of it.
            without_keys: Leave out the key.
        """
        query = self.scope["query_string"].decode("latin-1")
        own = {
            **self.ids.headers(),
            QUERY_HEADER: query,
            KEY_NAME_HEADER: key_name,
            OPERATION_HEADER: self.operation,
        }
        dropped = {REQUEST_ID.encode()} | ({b"authorization", b"x-api-key"} if without_keys else set())
        if n_body_bytes is not None:
            own["content-length"] = str(n_body_bytes)
            dropped |= {b"content-length", b"content-encoding", b"transfer-encoding"}
        kept = [
            (name, value)
            for name, value in self.scope["headers"]
            if name not in dropped and not name.startswith(OWN_PREFIX.encode())
        ]
        added = [(name.encode(), value.encode("latin-1")) for name, value in own.items() if value]
        # The SDK has no HEAD. Its answer to GET is the same but for the body, which uvicorn leaves out.
        method = "GET" if self.scope["method"] == "HEAD" else self.scope["method"]
        self.scope = {**self.scope, "method": method, "headers": kept + added}

    async def work(self, app: ASGIApp) -> None:
        """Have the application answer, as long as the client waits for it.

        Raises:
            ClientDisconnect: It has left; what was done for it has ended.
        """
        working = asyncio.ensure_future(app(self.scope, self.receive, self.send))
        leaving = asyncio.ensure_future(self._leave())
        try:
            await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not working.done() and not self.status:
                raise ClientDisconnect
            await working
        finally:
            leaving.cancel()
            if not working.done():
                working.cancel()
                await asyncio.gather(working, return_exceptions=True)

    async def _leave(self) -> None:
        """Return when the client is gone. While its body comes, whoever reads that hears of it."""
        await self.body.received.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def receive(self) -> Message:
        """The next piece of the body."""
        try:
            return await self.body.receive()
        except (RefusalError, Overloaded) as error:
            # FastAPI makes a 400 of whatever is raised while it reads: what it answers then is not sent.
            self.refusal = error
            raise

    async def send(self, message: Message) -> None:
        if self.refusal is not None:
            return
        if message["type"] == "http.response.start":
            self.status = message["status"]
            ids = [(name.encode(), value.encode()) for name, value in self.ids.headers().items()]
            message = {**message, "headers": [*message.get("headers", []), *ids]}
        await self._send(message)

    async def refuse(self) -> None:
        """Answer with the refusal, if there is one."""
        refusal, self.refusal = self.refusal, None
        if refusal is None or self.status:
            return
        if isinstance(refusal, Overloaded):
            refusal = RefusalError(503, refusal.reason, Retry_After=str(refusal.retry_after_s))
        log_answer(refusal.status, self.scope["path"], self.ids, refusal.text)
        await self.answer(JSONResponse({"error": refusal.text}, refusal.status, refusal.headers))

    async def answer(self, response: Response) -> None:
        """Answer without asking the application."""
        await response(self.scope, self._receive, self.send)
