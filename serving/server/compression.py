"""Answers packed by gzip, for clients that accept it: JSON of ten minutes with every class shrinks to a tenth."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import Headers
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.types import Receive, Scope, Send

# Below, a packet or two hold the answer anyway.
MIN_COMPRESSED_BYTES = 4 << 10
# Four fifths of what the slowest level saves, in a tenth of its time.
_LEVEL = 4
# V2's binary tensors: probabilities hardly shrink.
_BINARY = "application/octet-stream"


class Compression(GZipMiddleware):
    """Starlette's, which takes `gzip;q=0` for a wish: here q-values count. Event streams and binary are left."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            accepted = [(b"accept-encoding", b"gzip")] if takes_gzip(Headers(scope=scope)) else []
            others = [header for header in scope["headers"] if header[0] != b"accept-encoding"]
            scope = {**scope, "headers": others + accepted}
        await super().__call__(scope, receive, send)

    @classmethod
    def options(cls) -> dict[str, Any]:
        """Options of the middleware, as the servers use it."""
        excluded = (*DEFAULT_EXCLUDED_CONTENT_TYPES, _BINARY)
        return {
            "minimum_size": MIN_COMPRESSED_BYTES,
            "compresslevel": _LEVEL,
            "exclude_content_types": excluded,
        }


def takes_gzip(headers: Headers) -> bool:
    """Whether `Accept-Encoding` wants an answer packed so (RFC 9110, 12.5.3), rather than as it is."""
    qualities: dict[str, float] = {}
    for line in headers.getlist("accept-encoding"):
        for entry in line.split(","):
            name, *parameters = (part.strip().lower() for part in entry.split(";"))
            qualities[name] = _quality(parameters)
    gzip = max((qualities[name] for name in ("gzip", "x-gzip") if name in qualities), default=qualities.get("*", 0.0))
    return gzip > 0 and gzip >= qualities.get("identity", 0.0)


def _quality(parameters: list[str]) -> float:
    """1 where none is given; what is no number takes nothing."""
    for one in parameters:
        name, _, value = one.partition("=")
        if name.strip() == "q":
            try:
                return float(value) if 0 <= float(value) <= 1 else 0.0
            except ValueError:
                return 0.0
    return 1.0
