"""Web pages of other origins: which of them a browser lets read the answers. None, unless the operator names them."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse, Response

_METHODS = ("GET", "HEAD", "POST")
# What a page may send beyond what every page may, and what it may read.
_REQUEST_HEADERS = (
    "Authorization",
    "Content-Encoding",
    "Inference-Header-Content-Length",
    "X-API-Key",
    "X-Request-ID",
    "X-Session-ID",
    "X-Silencio-Device",
    "X-Silencio-Site",
)
_ANSWER_HEADERS = (
    "Inference-Header-Content-Length",
    "Retry-After",
    "WWW-Authenticate",
    "X-Request-ID",
    "X-Silencio-Arm",
    "X-Silencio-Release",
    "X-Silencio-Request-ID",
)


def allow_origins(app: FastAPI, origins: Sequence[str]) -> None:
    """Let these origins' pages read answers, refusals included; to be called last, so that it is outermost.

    Credentials that a browser adds by itself (cookies) are not allowed: a key is sent by the page, in a header.

    Args:
        app: The application, with all its middleware.
        origins: Origins as `check_origin` gives them; none leaves the application as it is.
    """
    if origins:
        app.add_middleware(
            _Cors,
            allow_origins=tuple(origins),
            allow_methods=_METHODS,
            allow_headers=_REQUEST_HEADERS,
            expose_headers=_ANSWER_HEADERS,
            # A page of the internet may call a server in the field station's network, where its operator allows it.
            allow_private_network=True,
        )


class _Cors(CORSMiddleware):
    """Starlette's, whose refusals are our `{"error": …}`."""

    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        if response.status_code < 400:
            return response
        headers = {name: value for name, value in response.headers.items() if not name.startswith("content-")}
        return JSONResponse({"error": bytes(response.body).decode()}, response.status_code, headers)
