"""Files that end before their recording does. Decoders play what is there and say nothing."""

from __future__ import annotations

import struct

_OGG_HEADER_BYTES = 27
_END_OF_STREAM = 0x04
_SYNC_TO_XING_BYTES = 36
# Of the header's flags: it says how many frames and how many bytes there are.
_XING_SAYS_BOTH = 0x3
_STREAMED = (0, 0x7FFFFFFF, 0xFFFFFFFF)


def truncation(encoded: bytes) -> str | None:
    """How a file shows that its end is missing; None where it does not show, or is of a form that cannot.

    An Ogg stream marks its last page (RFC 3533, section 6); a WAV file says its length at its start, and so do most
    MP3 files (the Xing header that LAME writes). FLAC that is cut does not decode.
    """
    if encoded.startswith(b"OggS"):
        return _ogg(encoded)
    if encoded.startswith(b"RIFF"):
        return _wav(encoded)
    return _mp3(encoded)


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


def _mp3(encoded: bytes) -> str | None:
    """By the header in the first frame, behind a tag of pictures and titles that has a length of its own."""
    begin = 0
    if encoded.startswith(b"ID3") and len(encoded) > 10:
        # Seven bits a byte (ID3v2.4, section 6.2).
        begin = 10 + sum((byte & 0x7F) << shift for byte, shift in zip(encoded[6:10], (21, 14, 7, 0), strict=True))
    first_frame = encoded[begin : begin + 4096]
    at = max(first_frame.find(b"Xing"), first_frame.find(b"Info"))
    if at < 0 or at + 16 > len(first_frame):
        return None
    flags, _, size_bytes = struct.unpack_from(">III", first_frame, at + 4)
    # The header's place within its frame is one of three; the farthest gives every doubt to the file.
    there = len(encoded) - begin - at + _SYNC_TO_XING_BYTES
    is_cut = flags & _XING_SAYS_BOTH == _XING_SAYS_BOTH and there < size_bytes
    return f"about {there} of {size_bytes} bytes are there" if is_cut else None
