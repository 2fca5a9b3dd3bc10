"""One request over REST and its answer, as the boundary passes them on."""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.server.error_handlers import log_answer
from serving.server.errors import Overloaded, RefusalError
from serving.server.protocol import KEY_NAME_HEADER, OPERATION_HEADER, OWN_PREFIX, QUERY_HEADER
from serving.server.request_body import RequestBody
from serving.server.request_ids import REQUEST_ID, RequestIds


class Exchange:
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
