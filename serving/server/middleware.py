"""The outermost layer of the REST side: authentication, admission, and errors without anything internal."""

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

from serving.access import AccessError, ApiKey, Authenticator
from serving.metrics.process import expect_requests
from serving.metrics.routes import (
    METHODS,
    OTHER,
    OTHER_STATUSES,
    PREDICT_ROUTES,
    PREDICT_STATUSES,
    allowed_methods,
    template_of,
)
from serving.server.accounting import Accounting, RequestAccount
from serving.server.admission import AdmissionController, Ticket
from serving.server.content_coding import content_coding
from serving.server.error_handlers import INTERNAL, add_error_handlers, log_response
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


def guard(
    app: FastAPI,
    admission: AdmissionController,
    authenticator: Authenticator | None,
    pages: Sequence[BaseRoute],
    accounting: Accounting | None = None,
) -> None:
    """Put limits, keys, a catch-all and quiet error answers around KServe's application.

    The SDK logs a stack trace for every wrong request and lets an unforeseen error through to uvicorn, which sends
    its text to the client and closes the connection.

    Args:
        app: The SDK's application.
        admission: Shared with gRPC.
        authenticator: Checks keys; None lets everybody in.
        pages: Routes of our own, open to everybody for reading.
        accounting: Shared with gRPC; by default no sessions are counted, and no marks believed.
    """
    expect_requests(PREDICT_ROUTES, PREDICT_STATUSES)
    expect_requests((OTHER,), OTHER_STATUSES)
    app.add_middleware(
        RequestMiddleware,
        admission=admission,
        authenticator=authenticator,
        pages=pages,
        accounting=accounting or Accounting(),
    )
    add_error_handlers(app)


class RequestMiddleware:
    """ASGI middleware around KServe's application.

    Args:
        app: The application.
        admission: Shared with gRPC.
        authenticator: Checks keys; None lets everybody in.
        pages: Routes that are open for reading, beside `OPEN_ROUTES`.
        accounting: Shared with gRPC.
    """

    def __init__(
        self,
        app: ASGIApp,
        admission: AdmissionController,
        authenticator: Authenticator | None,
        pages: Sequence[BaseRoute],
        accounting: Accounting,
    ) -> None:
        self._app = app
        self._admission = admission
        self._authenticator = authenticator
        self._pages = pages
        self._accounting = accounting

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun_s = time.perf_counter()
        scope, operation = split_operation(scope)
        route, is_open = self._route(scope)
        headers = Headers(scope=scope)
        account = self._accounting.begin(headers, scope["query_string"].decode("latin-1"))
        with Ticket(self._admission) as ticket:
            body = RequestBody(receive, ticket, self._admission.limits.max_body_bytes, account)
            exchange = Exchange(scope, operation, body, account, receive, send)
            try:
                await self._pass_on(exchange, headers, route, is_open)
            finally:
                status = exchange.status or _CLIENT_GONE
                self._accounting.end(account, route, str(status), status, begun_s)

    def _route(self, scope: Scope) -> tuple[str, bool]:
        """The route's template, and whether it is open to everybody."""
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
            key: ApiKey | None = None
            n_body_bytes = None
            if not is_open:
                key = self._authenticated(headers, exchange.account)
                self._believe(exchange, headers, key)
                exchange.body.body_read_timeout_s = self._admission.limits.body_read_timeout_s
                n_body_bytes = await self._undeclared_size(headers, exchange.body)
            exchange.pass_head(key, n_body_bytes, without_keys=self._authenticator is not None)
            await exchange.work(self._app)
        except ClientDisconnect:
            log_response(_CLIENT_GONE, exchange.scope["path"], exchange.ids, "the client went away")
        except (RefusalError, Overloaded) as error:
            exchange.refusal = error
        except Exception:  # the outermost layer: whatever was not foreseen is a 500 without its text, and is logged
            logger.exception("500 %a %s: not foreseen", exchange.scope["path"], exchange.ids)
            if exchange.status:
                raise
            exchange.refusal = exchange.refusal or RefusalError(500, INTERNAL)
        await exchange.refuse()

    def _believe(self, exchange: Exchange, headers: Headers, key: ApiKey | None) -> None:
        peer = (exchange.scope.get("client") or ("",))[0]
        self._accounting.believe(exchange.account, self._accounting.marks.read(headers, key, peer), key)
        exchange.take_id_of_copy()

    def _authenticated(self, headers: Headers, account: RequestAccount) -> ApiKey | None:
        if self._authenticator is None:
            return None
        try:
            return self._authenticator.authenticate(headers.get("authorization"), headers.get("x-api-key"))
        except AccessError as error:
            account.key_name = error.key_name
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
        if n_bytes > self._admission.limits.max_body_bytes:
            raise too_large(self._admission.limits.max_body_bytes)
        self._admission.check(n_bytes)
        return await body.read_whole(coding) if coding or "transfer-encoding" in headers else None


def _check_method(scope: Scope, route: str) -> None:
    """Refuse other methods: the SDK takes `GET …/silencio:predict` for a status request of a model of that name."""
    if route in METHODS and scope["method"] not in (allowed := allowed_methods(route)).split(", "):
        raise RefusalError(405, f"{scope['method']} is not taken at {scope['path']}", Allow=allowed)
