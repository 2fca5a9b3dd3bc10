"""The outermost layer of the REST side: who may come in, how much at once, and nothing internal gets out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from fastapi import FastAPI
from kserve.logging import logger
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.access import Access, AccessError
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
from serving.server.admission import Load, Share
from serving.server.content_coding import content_coding
from serving.server.error_handlers import INTERNAL, add_answers, log_answer
from serving.server.errors import Overloaded, RefusalError
from serving.server.exchange import Exchange
from serving.server.operations import split_operation
from serving.server.request_body import RequestBody, too_large

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
            exchange = Exchange(scope, operation, body, receive, send)
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

    async def _pass_on(self, exchange: Exchange, headers: Headers, route: str, is_open: bool) -> None:
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
