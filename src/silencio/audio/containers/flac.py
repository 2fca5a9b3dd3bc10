"""FLAC (RFC 9639): how many samples there are stands in its first block, and is often wrong."""

from __future__ import annotations

from silencio.audio.containers.encoded import Encoded
from silencio.audio.containers.section import FoundSections, Section, whole

_STREAM_INFO = 0
_STREAM_INFO_BYTES = 34
# Marker, head of the block, and what stands before its 64 bits of rate, channels, depth and length.
_TOTAL_AT = 4 + 4 + 10
_TOTAL_BITS = 36


def flac_sections(encoded: Encoded, start: int) -> FoundSections:
    """The samples of a FLAC file, whatever length it claims.

    Streams say 0, recorders twice what they recorded (Frontier Labs 3.17 to 3.24), and long files that were cut say
    what was to come. The decoder is told 0, and reads to the end.

    Args:
        encoded: The file.
        start: First byte of its marker.
    """
    head = encoded.read(start, _TOTAL_AT + 8)
    is_stream_info = head[4:5] and head[4] & 0x7F == _STREAM_INFO
    if len(head) < _TOTAL_AT + 8 or not is_stream_info or int.from_bytes(head[5:8], "big") != _STREAM_INFO_BYTES:
        return whole(encoded.n_bytes)
    packed = int.from_bytes(head[_TOTAL_AT:], "big")
    n_claimed = packed & ((1 << _TOTAL_BITS) - 1)
    header = head[:_TOTAL_AT] + (packed - n_claimed).to_bytes(8, "big")
    return FoundSections((Section((header, range(start + len(header), encoded.n_bytes)), n_claimed),))
