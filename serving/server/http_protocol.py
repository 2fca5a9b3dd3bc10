"""uvicorn's HTTP/1.1 protocol for clients as they are: offers of other protocols are passed over, silence ends.

httptools stops at the end of a head with `Upgrade` and takes the body for bytes of the other protocol. Every JDK
HttpClient offers h2c that way with its first request, and so does `curl --http2`; the recording behind it was lost.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from http import HTTPStatus
from typing import Any

import httptools
from kserve.logging import logger
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving.metrics.process import count_request
from serving.metrics.routes import OTHER

# A head is a few hundred bytes; with long cookies and tokens some ten thousand.
_MAX_HEAD_BYTES = 128 << 10
# Of one hop, so not for whom the request is handed on to (RFC 9110, 7.6.1).
_OFFER_HEADERS = frozenset({b"upgrade", b"http2-settings"})
_TLS_HANDSHAKE = b"\x16\x03"
_HTTP2_PREFACE = b"PRI * HTTP/2"


class HttpProtocol(HttpToolsProtocol):
    """One connection of HTTP/1.1.

    Args:
        arguments: uvicorn's own.
        head_read_timeout_s: A client that owes a request's head, or the rest of a body that nobody reads any more, has
            so many seconds. Idle connections between requests are uvicorn's `timeout_keep_alive`.
        options: uvicorn's own.
    """

    def __init__(self, *arguments: Any, head_read_timeout_s: float, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._head_read_timeout_s = head_read_timeout_s
        self._timeout: asyncio.TimerHandle | None = None
        self._head_is_open = self._body_is_open = False
        self._n_head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._watch(0)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_watching()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        try:
            self._feed(data)
        except httptools.HttpParserError as error:
            self._refuse(HTTPStatus.BAD_REQUEST, _what_is_wrong(data, error))
            return
        self._watch(len(data))

    def _feed(self, data: bytes) -> None:
        """Parse, once more without the offer where a head has one: the parser itself has no way to go on."""
        while True:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as offer:
                if self.scope["method"] == "CONNECT":
                    raise httptools.HttpParserError("CONNECT is not taken: this is no proxy") from offer
                body = data[offer.args[0] :]
                data = self._head_without_offer() + body

    def _head_without_offer(self) -> bytes:
        version = self.parser.get_http_version().encode()
        lines = [b"%s %s HTTP/%s" % (self.scope["method"].encode(), self.url, version)]
        lines += [b"%s: %s" % header for header in self.headers if header[0] not in _OFFER_HEADERS]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn sets it
        return b"\r\n".join([*lines, b"", b""])

    def _should_upgrade(self) -> bool:
        # uvicorn asks this of heads with an offer alone, and begins no request where it is true: `_feed` does.
        return True

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_is_open = True

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._head_is_open, self._body_is_open = False, True

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._body_is_open = False

    def _watch(self, n_bytes: int) -> None:
        """Watch what is waited for after `n_bytes` came. The application has its own limits on what it waits for."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_watching()
            return
        if self._body_is_open:
            # The rest of a body whose request was answered already. While it comes, its client may yet read the answer.
            self._stop_watching()
        self._n_head_bytes += n_bytes
        if self._head_is_open and self._n_head_bytes > _MAX_HEAD_BYTES:
            self._refuse(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                f"the request's head is larger than {_MAX_HEAD_BYTES} bytes, the most that is taken",
            )
        elif self._timeout is None and not self.transport.is_closing():
            self._timeout = self.loop.call_later(self._head_read_timeout_s, self._give_up)

    def _stop_watching(self) -> None:
        self._n_head_bytes = 0
        if self._timeout is not None:
            self._timeout.cancel()
            self._timeout = None

    def _give_up(self) -> None:
        self._timeout = None
        if self.transport.is_closing():
            return
        if self._head_is_open:
            text = f"the request's head was not whole after {self._head_read_timeout_s:g} s"
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, text)
        else:
            self.transport.close()

    def _refuse(self, status: HTTPStatus, text: str) -> None:
        """Answer what is no request, and close."""
        self._stop_watching()
        request_id = uuid.uuid4().hex
        logger.info("%d %s: %s", status, request_id, text)
        count_request(OTHER, str(int(status)), None)
        # Bytes in the midst of another answer would be worse than none.
        is_silent = self.cycle is None or self.cycle.response_complete or not self.cycle.response_started
        if is_silent and not self.pipeline:
            content = json.dumps({"error": text}).encode()
            head = (
                f"HTTP/1.1 {status} {status.phrase}\r\ncontent-type: application/json\r\n"
                f"content-length: {len(content)}\r\nx-request-id: {request_id}\r\n"
                f"x-silencio-request-id: {request_id}\r\nconnection: close\r\n\r\n"
            )
            self.transport.write(head.encode() + content)
        self.transport.close()


def _what_is_wrong(data: bytes, error: httptools.HttpParserError) -> str:
    if data.startswith(_TLS_HANDSHAKE):
        return "this port speaks HTTP without TLS: use http://, not https://"
    if data.startswith(_HTTP2_PREFACE):
        return "HTTP/2 is not taken: use HTTP/1.1"
    reason = str(error)
    if isinstance(error, httptools.HttpParserInvalidURLError):
        reason += "; letters beyond ASCII and blanks are written in per cent, as %C3%B1"
    return f"not HTTP/1.1: {reason}"
