"""Errors over REST: a status, one sentence, `{"error": …}`, and a line in the log."""

from __future__ import annotations

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from kserve.errors import (
    InferenceError,
    InvalidInput,
    ModelNotFound,
    ModelNotReady,
    ServerNotLive,
    ServerNotReady,
    UnsupportedProtocol,
)
from kserve.logging import logger
from starlette.exceptions import HTTPException

from serving.server.protocol import OWN_REQUEST_ID

RETRY_AFTER_S = 1
_MAX_LINE_CHARACTERS = 1_000
INTERNAL = "internal error; the server's log says more"


def add_error_handlers(app: FastAPI) -> None:
    """Put ours in place of the SDK's handlers, which log a stack trace for every wrong request."""
    app.add_exception_handler(InvalidInput, _invalid)
    app.add_exception_handler(RequestValidationError, _not_the_protocol)
    app.add_exception_handler(HTTPException, _no_such_route)
    app.add_exception_handler(ModelNotFound, _not_found)
    app.add_exception_handler(InferenceError, _failed)
    app.add_exception_handler(NotImplementedError, _not_implemented)
    app.add_exception_handler(UnsupportedProtocol, _not_implemented)
    for unavailable in (ModelNotReady, ServerNotReady, ServerNotLive):
        app.add_exception_handler(unavailable, _unavailable)


def log_response(status: object, route: str, ids: object, text: str, level: int = logging.INFO) -> None:
    """Log one line, whatever a client wrote into its route or its fields."""
    line = f"{status} {route} {ids}: {text}"[:_MAX_LINE_CHARACTERS]
    logger.log(level, "%s", "".join(one if one.isprintable() else ascii(one)[1:-1] for one in line))


def _ids(request: Request) -> str:
    """The server's own, and the client's where it has one."""
    own, offered = request.headers.get(OWN_REQUEST_ID, ""), request.headers.get("x-request-id", "")
    return own if offered == own else f"{own} ({offered})"


def _answer(request: Request, status: int, text: str, headers: dict[str, str] | None = None) -> JSONResponse:
    log_response(status, request.scope["path"], _ids(request), text)
    return JSONResponse({"error": text}, status, headers)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    return _answer(request, 400, str(error))


async def _not_the_protocol(request: Request, error: Exception) -> JSONResponse:
    """A V2 body that is none: the SDK answers a list of pydantic's findings, once for each type that it tried."""
    assert isinstance(error, RequestValidationError)
    fault = error.errors()[0]
    field = ".".join(str(part) for part in fault["loc"] if part != "InferenceRequest")
    return _answer(request, 400, f"{field or 'body'}: {fault['msg']}")


async def _no_such_route(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    text = str(error.detail)
    headers = dict(error.headers or {})
    if error.status_code == 404:
        text = f"there is no route {request.scope['path']}"
    elif error.status_code == 405:
        text = f"{request.method} is not taken at {request.scope['path']}"
        if headers.get("Allow") == "GET":
            headers["Allow"] = "GET, HEAD"  # of which the SDK does not know: the middleware makes a GET of it
    return _answer(request, error.status_code, text, headers)


async def _not_found(request: Request, error: Exception) -> JSONResponse:
    return _answer(request, 404, str(error))


async def _not_implemented(request: Request, error: Exception) -> JSONResponse:
    return _answer(request, 501, str(error) or "this is not implemented here")


async def _failed(request: Request, error: Exception) -> JSONResponse:
    log_response(500, request.scope["path"], _ids(request), str(error), logging.ERROR)
    return JSONResponse({"error": INTERNAL}, 500)


async def _unavailable(request: Request, error: Exception) -> JSONResponse:
    retry_after_s = getattr(error, "retry_after_s", RETRY_AFTER_S)
    return _answer(request, 503, str(error), {"Retry-After": str(retry_after_s)})
