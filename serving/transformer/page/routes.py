"""Serve the page at `/` and its files below `page/`: a few small files from memory, nothing from elsewhere."""

from __future__ import annotations

import gzip
import hashlib
from html import escape
from importlib import resources
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Match, Route
from starlette.types import Scope

from silencio.detections.formats import FORMATS

_INDEX = "index.html"
# Where in it the output formats are listed.
_FORMATS_PLACE = b"<!-- formats -->"
_MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
# Nothing inline, nothing from another host; `blob:` is the recording that the visitor chose, to be played.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; media-src blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), geolocation=(self), camera=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_FOR_EVER = "public, max-age=31536000, immutable"


def add_page(app: FastAPI) -> None:
    """Serve the page to those who ask for HTML at `/`, before or after the SDK has added its own `/`.

    The files' address holds a digest of them all (`page/<digest>/page.js`), so that a phone keeps them for ever and
    asks for all of them anew when one has changed.

    Args:
        app: KServe's application; everybody else gets its liveness at `/` as ever.
    """
    contents = _contents()
    contents[_INDEX] = contents[_INDEX].replace(_FORMATS_PLACE, _menu_entries().encode())
    version = hashlib.sha256(b"".join(contents[name] for name in sorted(contents))).hexdigest()[:12]
    contents[_INDEX] = contents[_INDEX].replace(b'"page/', f'"page/{version}/'.encode())
    files = {name: _File(name, content) for name, content in contents.items()}
    tag = f'W/"{version}"'

    async def page(request: Request) -> Response:
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"ETag": tag})
        return files[_INDEX].answer(
            request, {"Cache-Control": "no-cache", "ETag": tag, "Vary": "Accept, Accept-Encoding"}
        )

    async def file(request: Request) -> Response:
        found = files.get(request.path_params["name"])
        if found is None:
            return PlainTextResponse("not found", status_code=404)
        # A page from a server of another version still finds its files here, but is not to keep them.
        lasts = _FOR_EVER if request.path_params["version"] == version else "no-cache"
        return found.answer(request, {"Cache-Control": lasts, "Vary": "Accept-Encoding"})

    app.router.routes[:0] = [
        _RouteForBrowsers("/", page, methods=["GET"], include_in_schema=False),
        Route("/page/{version}/{name}", file, methods=["GET"], include_in_schema=False),
    ]


def _menu_entries() -> str:
    """Of the download menu, one for each output format that has one."""
    lines = [
        f'<li><button type="button" data-format="{escape(one.name)}" data-suffix="{escape(one.suffix)}">'
        f"{escape(one.menu_entry)}</button></li>"
        for one in FORMATS.values()
        if one.menu_entry
    ]
    return "\n            ".join(lines)


def _contents() -> dict[str, bytes]:
    return {
        entry.name: entry.read_bytes()
        for entry in resources.files(__package__).iterdir()
        if entry.name.rpartition(".")[2] in _MEDIA_TYPES
    }


class _File:
    """A file in memory, packed once."""

    def __init__(self, name: str, content: bytes) -> None:
        self._content = content
        self._packed = gzip.compress(content, mtime=0)
        self._media_type = _MEDIA_TYPES[name.rpartition(".")[2]]

    def answer(self, request: Request, headers: dict[str, str]) -> Response:
        content = self._content
        if "gzip" in request.headers.get("accept-encoding", ""):
            content, headers = self._packed, headers | {"Content-Encoding": "gzip"}
        return Response(content, headers=_HEADERS | headers, media_type=self._media_type)


class _RouteForBrowsers(Route):
    """Matches only who asks for HTML."""

    def matches(self, scope: Scope) -> tuple[Match, Any]:
        if scope["type"] == "http":
            accepted = b",".join(value for name, value in scope["headers"] if name == b"accept")
            if b"text/html" not in accepted.lower():
                return Match.NONE, {}
        return super().matches(scope)
