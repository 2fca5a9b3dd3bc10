"""`Content-Encoding` of a request: bodies that a client packed, unpacked a step at a time and up to a limit."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from starlette.datastructures import Headers

from serving.server.errors import RefusalError

CODINGS = ("gzip", "deflate")
# RFC 9110, 8.4.1.3: an old name of gzip.
_OTHER_NAMES = {"x-gzip": "gzip"}
_NONE = ("", "identity")
# Unpacked at once: a few milliseconds of the event loop's time.
_STEP_BYTES = 1 << 20
_GZIP_BITS, _ZLIB_BITS, _RAW_BITS = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS


def content_coding(headers: Headers) -> str:
    """How the body is packed: one of `CODINGS`, or empty.

    Raises:
        RefusalError: 415; some other way, or several ways one after the other.
    """
    named = [one.strip().lower() for line in headers.getlist("content-encoding") for one in line.split(",")]
    codings = [_OTHER_NAMES.get(one, one) for one in named if one not in _NONE]
    if not codings:
        return ""
    if len(codings) == 1 and codings[0] in CODINGS:
        return codings[0]
    text = (
        f"Content-Encoding {', '.join(codings)[:100]!a} is not taken: send the body as it is, without this header, "
        "or packed once by gzip or deflate"
    )
    raise RefusalError(415, text, Accept_Encoding=", ".join(CODINGS))


class Unpacker:
    """Unpacks one body.

    Args:
        coding: The body's coding, one of `CODINGS`.
    """

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._stream: zlib._Decompress | None = None
        self._begin = b""
        self._has_ended_once = False

    def unpack(self, piece: bytes) -> Iterator[bytes]:
        """What a further piece of the body holds.

        Yields:
            At most a MiB; nothing where some work was done that gave nothing.

        Raises:
            RefusalError: 400; the bytes are not packed that way.
        """
        pending, self._begin = self._begin + piece, b""
        while pending := self._without_padding(pending):
            if self._stream is None:
                if len(pending) < 2 and self._coding == "deflate":
                    self._begin = pending
                    return
                self._stream = self._new_stream(pending)
            stream = self._stream
            while True:
                try:
                    unpacked = stream.decompress(pending, _STEP_BYTES)
                except zlib.error as error:
                    raise self._refusal("are not packed that way") from error
                yield unpacked
                if len(unpacked) < _STEP_BYTES:
                    break
                pending = stream.unconsumed_tail
            pending = stream.unused_data
            if stream.eof:
                self._stream, self._has_ended_once = None, True

    def finish(self) -> None:
        """The body is whole.

        Raises:
            RefusalError: 400; it ends too early.
        """
        if self._begin or self._stream is not None:
            raise self._refusal("end too early")

    def _without_padding(self, pending: bytes) -> bytes:
        """Behind a stream that has ended gzip may go on with another, and is filled up with zeros."""
        if self._stream is not None or not self._has_ended_once or not pending:
            return pending
        if self._coding != "gzip":
            raise self._refusal("go on behind their end")
        return pending.lstrip(b"\0")

    def _new_stream(self, begin: bytes) -> zlib._Decompress:
        if self._coding == "gzip":
            return zlib.decompressobj(_GZIP_BITS)
        # The header of zlib, which RFC 9110 wants; some clients send the bare stream.
        has_header = begin[0] & 0x0F == zlib.DEFLATED and int.from_bytes(begin[:2], "big") % 31 == 0
        return zlib.decompressobj(_ZLIB_BITS if has_header else _RAW_BITS)

    def _refusal(self, what: str) -> RefusalError:
        return RefusalError(400, f"body: Content-Encoding says {self._coding}, and the bytes {what}")
