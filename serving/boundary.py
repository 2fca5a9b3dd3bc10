"""The outermost layer of the REST side: nothing large gets in, nothing internal gets out."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from kserve.errors import InferenceError, InvalidInput, ModelNotReady, ServerNotReady
from kserve.logging import logger
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_RETRY_AFTER_S = 1


def guard(app: FastAPI, most_body_bytes: int) -> None:
    """Put a size limit, a catch-all and quiet error answers around KServe's application.

    The SDK logs a stack trace for every wrong request and lets an unforeseen error through to uvicorn, which sends
    its text to the client and closes the connection.
    """
    app.add_middleware(_Boundary, most_body_bytes=most_body_bytes)
    app.add_exception_handler(InvalidInput, _answer_invalid)
    app.add_exception_handler(InferenceError, _answer_failed)
    app.add_exception_handler(ModelNotReady, _answer_unavailable)
    app.add_exception_handler(ServerNotReady, _answer_unavailable)


async def _answer_invalid(request: Request, error: Exception) -> JSONResponse:
    logger.info("400 %s: %s", request.url.path, error)
    return JSONResponse({"error": str(error)}, status_code=400)


async def _answer_failed(request: Request, error: Exception) -> JSONResponse:
    logger.error("500 %s: %s", request.url.path, error)
    return JSONResponse({"error": str(error)}, status_code=500)


async def _answer_unavailable(request: Request, error: Exception) -> JSONResponse:
    logger.info("503 %s: %s", request.url.path, error)
    return JSONResponse({"error": str(error)}, status_code=503, headers={"Retry-After": str(_RETRY_AFTER_S)})


class _BodyTooLargeError(Exception):
    pass


class _Boundary:
    """ASGI middleware.

    Args:
        app: What it is around.
        most_body_bytes: Largest body that is read.
    """

    def __init__(self, app: ASGIApp, most_body_bytes: int) -> None:
        self._app = app
        self._most_body_bytes = most_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answered = False

        async def send_and_note(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            self._check_declared_size(scope)
            await self._app(scope, self._counted(receive), send_and_note)
        except ClientDisconnect:
            logger.info("%s: the client went away", scope["path"])
        except _BodyTooLargeError:
            text = f"the body is larger than {self._most_body_bytes} bytes, the most that is taken"
            await JSONResponse({"error": text}, status_code=413)(scope, receive, send)
        except Exception:  # the boundary: whatever was not foreseen is a 500 without its text, and is logged
            logger.exception("500 %s: not foreseen", scope["path"])
            if answered:
                raise
            text = "internal error; the server's log says more"
            await JSONResponse({"error": text}, status_code=500)(scope, receive, send)

    def _check_declared_size(self, scope: Scope) -> None:
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit() and int(value) > self._most_body_bytes:
                raise _BodyTooLargeError

    def _counted(self, receive: Receive) -> Receive:
        """A chunked body declares no size: count what comes."""
        n_bytes = 0

        async def receive_and_count() -> Message:
            nonlocal n_bytes
            message = await receive()
            n_bytes += len(message.get("body", b""))
            if n_bytes > self._most_body_bytes:
                raise _BodyTooLargeError
            return message

        return receive_and_count
