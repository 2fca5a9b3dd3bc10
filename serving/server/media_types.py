"""What a body is where its `Content-Type` says nothing: by its first bytes."""

from __future__ import annotations

import codecs

# Set by clients whose author chose none: no header at all; `curl --data-binary` and urllib say that it is a form.
_UNSPECIFIC_TYPES = frozenset(
    {"", "application/octet-stream", "binary/octet-stream", "application/x-www-form-urlencoded", "*/*"}
)
_BOM = "\ufeff"
_N_LOOKED_AT = 512


def media_type(content_type: str) -> str:
    """`audio/ogg` of `Audio/OGG; codecs=opus`."""
    return content_type.partition(";")[0].strip().lower()


def is_unspecific(content_type: str) -> bool:
    """Whether this header does not tell what the body is."""
    return media_type(content_type) in _UNSPECIFIC_TYPES


def is_text(body: bytes) -> bool:
    """Whether it begins as UTF-8 without control characters, which no recording does: all have a binary head."""
    try:
        # Incremental: the last character may be cut.
        begin = codecs.getincrementaldecoder("utf-8")().decode(body[:_N_LOOKED_AT])
    except UnicodeDecodeError:
        return False
    return all(one.isprintable() or one in "\t\r\n" for one in begin.removeprefix(_BOM))


def is_json(body: bytes) -> bool:
    """Whether it is text that begins as an object or a list."""
    begin = body[:_N_LOOKED_AT].removeprefix(_BOM.encode()).lstrip()
    return begin.startswith((b"{", b"[")) and is_text(body)
