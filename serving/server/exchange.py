"""One request over REST and its answer, as the middleware passes them on."""

from __future__ import annotations

import asyncio
import time

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.access import ApiKey
from serving.server.accounting import RequestAccount
from serving.server.error_handlers import log_response
from serving.server.errors import Overloaded, RefusalError
from serving.server.protocol import KEY_NAME_HEADER, KEY_ROLE_HEADER, OPERATION_HEADER, QUERY_HEADER, is_own_header
from serving.server.request_body import RequestBody
from serving.server.request_ids import REQUEST_ID, RequestIds


class Exchange:
    """One request and its answer.

    Attributes:
        scope: ASGI's scope, with the method and the headers that the model is to see.
        operation: The further name of the route by which it came; empty by its own.
        body: The request's body.
        account: What it is counted as.
        ids: The request's ids, for log lines and the answer.
        status: The answer's status; 0 before it begins.
        refusal: The error that is answered in place of the application, whose own answer is then dropped.
    """

    def __init__(
        self,
        scope: Scope,
        operation: str,
        body: RequestBody,
        account: RequestAccount,
        receive: Receive,
        send: Send,
    ) -> None:
        self.scope = scope
        self.operation = operation
        self.body = body
        self.account = account
        self.ids = account.ids = RequestIds.of(Headers(scope=scope).get(REQUEST_ID, ""))
        self.status = 0
        self.refusal: RefusalError | Overloaded | None = None
        self._receive, self._send = receive, send

    def take_id_of_copy(self) -> None:
        """A copied request is known by the id that the visitor's has: rows of both logs are joined by it."""
        if self.account.marks.request_id:
            self.ids = self.account.ids = RequestIds.of(self.ids.offered, self.account.marks.request_id)

    def pass_head(self, key: ApiKey | None, n_body_bytes: int | None, without_keys: bool) -> None:
        """Write what the middleware knows into the request's head.

        Args:
            key: The request's key; None where none is needed.
            n_body_bytes: Size of a body that was read already; None leaves what the head says of it.
            without_keys: Whether to leave out the key.
        """
        query = self.scope["query_string"].decode("latin-1")
        own = {
            **self.ids.headers(),
            **self.account.headers(),
            QUERY_HEADER: query,
            KEY_NAME_HEADER: key.name if key else "",
            KEY_ROLE_HEADER: key.role if key else "",
            OPERATION_HEADER: self.operation,
        }
        dropped = {REQUEST_ID.encode()} | ({b"authorization", b"x-api-key"} if without_keys else set())
        if n_body_bytes is not None:
            own["content-length"] = str(n_body_bytes)
            dropped |= {b"content-length", b"content-encoding", b"transfer-encoding"}
        kept = [
            (name, value)
            for name, value in self.scope["headers"]
            if name not in dropped and not is_own_header(name.decode("latin-1"))
        ]
        added = [(name.encode(), value.encode("latin-1")) for name, value in own.items() if value]
        # The SDK has no HEAD. Its answer to GET is the same but for the body, which uvicorn leaves out.
        method = "GET" if self.scope["method"] == "HEAD" else self.scope["method"]
        self.scope = {**self.scope, "method": method, "headers": kept + added}

    async def work(self, app: ASGIApp) -> None:
        """Run the application, as long as the client waits for its answer.

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
        """Return when the client is gone. While its body comes, whoever reads that learns it from there."""
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
            self.account.computed_s = time.perf_counter()
            own = self.ids.headers() | self.account.headers()
            encoded = [(name.encode(), value.encode()) for name, value in own.items()]
            message = {**message, "headers": [*message.get("headers", []), *encoded]}
        await self._send(message)

    async def refuse(self) -> None:
        """Answer with the refusal, if there is one."""
        refusal, self.refusal = self.refusal, None
        if refusal is None or self.status:
            return
        if isinstance(refusal, Overloaded):
            refusal = RefusalError(503, refusal.reason, Retry_After=str(refusal.retry_after_s))
        log_response(refusal.status, self.scope["path"], self.ids, refusal.text)
        await self.answer(JSONResponse({"error": refusal.text}, refusal.status, refusal.headers))

    async def answer(self, response: Response) -> None:
        """Answer in place of the application."""
        await response(self.scope, self._receive, self.send)
