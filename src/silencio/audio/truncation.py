"""Files that end before their recording does. Decoders play what is there and say nothing."""

from __future__ import annotations

import struct

_OGG_HEADER_BYTES = 27
_END_OF_STREAM = 0x04
_STREAMED = (0, 0x7FFFFFFF, 0xFFFFFFFF)


def truncation(encoded: bytes) -> str | None:
    """How a file shows that its end is missing; None where it does not show, or is of a form that cannot.

    An Ogg stream marks its last page (RFC 3533, section 6); a WAV file says its length at its start. FLAC that is cut
    does not decode, MP3 has no end.
    """
    if encoded.startswith(b"OggS"):
        return _ogg(encoded)
    if encoded.startswith(b"RIFF"):
        return _wav(encoded)
    return None


def _ogg(encoded: bytes) -> str | None:
    begin = _last_page(encoded)
    if begin is None:
        return "no whole Ogg page"
    header = encoded[begin : begin + _OGG_HEADER_BYTES]
    n_segments = header[26]
    segments = encoded[begin + _OGG_HEADER_BYTES : begin + _OGG_HEADER_BYTES + n_segments]
    if len(segments) < n_segments or begin + _OGG_HEADER_BYTES + n_segments + sum(segments) > len(encoded):
        return "the last Ogg page is cut"
    return None if header[5] & _END_OF_STREAM else "the last Ogg page does not end the stream"


def _last_page(encoded: bytes) -> int | None:
    begin = len(encoded)
    while (begin := encoded.rfind(b"OggS", 0, begin)) >= 0:
        # Four letters may stand in a packet by chance; the version after them is always 0, the flags below 8.
        if len(encoded) - begin >= _OGG_HEADER_BYTES and encoded[begin + 4] == 0 and encoded[begin + 5] < 8:
            return begin
    return None


def _wav(encoded: bytes) -> str | None:
    begin = 12
    while begin + 8 <= len(encoded):
        name, size_bytes = struct.unpack_from("<4sI", encoded, begin)
        if name == b"data":
            there = len(encoded) - begin - 8
            # Recorders that stream do not know the length when they write it down.
            is_cut = size_bytes not in _STREAMED and there < size_bytes
            return f"{there} of {size_bytes} bytes of samples are there" if is_cut else None
        begin += 8 + size_bytes + size_bytes % 2
    return None
