"""FLAC (RFC 9639): how many samples there are stands in its first block, and is often wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from silencio.audio.containers.encoded import Encoded
from silencio.audio.containers.section import FoundSections, Section, whole
from silencio.audio.notes import ReadingNote

_STREAM_INFO = 0
_STREAM_INFO_BYTES = 34
# Marker, head of the block, and what stands before its 64 bits of rate, channels, depth and length.
_TOTAL_AT = 4 + 4 + 10
_TOTAL_BITS = 36
# Marker and head of the first block, which may be the only one: eight bytes that no frame holds but by a chance of one
# in 2^63. By one pattern, so that a byte is looked at once, however many streams and markers there are.
_START = re.compile(rb"fLaC[\x00\x80]" + re.escape(_STREAM_INFO_BYTES.to_bytes(3, "big")))
_START_BYTES = 8
_SEARCH_BYTES = 1 << 20
_TAG_BYTES = 128


def flac_sections(encoded: Encoded, start: int) -> FoundSections:
    """The samples of a FLAC file, whatever length it claims, and of those that are joined behind it.

    Streams say 0, recorders twice what they recorded (Frontier Labs 3.17 to 3.24), and long files that were cut say
    what was to come. The decoder is told 0, and reads to the end.

    Args:
        encoded: The file's bytes.
        start: First byte of its marker.
    """
    first = _section(encoded, start, encoded.n_bytes)
    if first is None:
        return whole(encoded.n_bytes)
    begins = list(stream_begins(encoded, start))
    ends = [*begins[1:], _end(encoded)]
    sections = [_section(encoded, begin, end) for begin, end in zip(begins, ends, strict=True)]
    notes = [ReadingNote("joined", f"{len(begins)} FLAC streams are joined: all were read")] if len(begins) > 1 else []
    return FoundSections(tuple(one for one in sections if one is not None), tuple(notes))


def stream_begins(encoded: Encoded, start: int, step: Callable[[], None] = lambda: None) -> Iterator[int]:
    """The first bytes of the streams that are joined in a file.

    Args:
        encoded: The file's bytes.
        start: First byte of its first marker.
        step: Called for each that is found, and for each MiB that is looked through.
    """
    yield start
    at = start + 4
    while window := encoded.read(at, _SEARCH_BYTES):
        step()
        for found in _START.finditer(window):
            step()
            yield at + found.start()
        if len(window) < _SEARCH_BYTES:
            return
        at += _SEARCH_BYTES - _START_BYTES + 1


def _section(encoded: Encoded, begin: int, end: int) -> Section | None:
    """The stream between two bytes; None where its first block is not the one that has the length."""
    head = encoded.read(begin, _TOTAL_AT + 8)
    is_stream_info = head[4:5] and head[4] & 0x7F == _STREAM_INFO
    if len(head) < _TOTAL_AT + 8 or not is_stream_info or int.from_bytes(head[5:8], "big") != _STREAM_INFO_BYTES:
        return None
    packed = int.from_bytes(head[_TOTAL_AT:], "big")
    n_claimed = packed & ((1 << _TOTAL_BITS) - 1)
    header = head[:_TOTAL_AT] + (packed - n_claimed).to_bytes(8, "big")
    return Section((header, range(begin + len(header), end)), n_claimed)


def _end(encoded: Encoded) -> int:
    """Without a tag behind the last frame (ID3v1)."""
    tag_at = max(0, encoded.n_bytes - _TAG_BYTES)
    return tag_at if encoded.read(tag_at, 3) == b"TAG" else encoded.n_bytes
