"""Sun's AU and Apple's CAF: a header, then samples of a stated size, which may be "not known"."""

from __future__ import annotations

from silencio.audio.containers.encoded import Encoded
from silencio.audio.containers.section import FoundSections, Section, whole
from silencio.audio.containers.sizes import UNKNOWN, Samples, found_end

_MAX_CHUNKS = 10_000
# CAF's data begin with a count of edits.
_EDITS_BYTES = 4


def au_sections(encoded: Encoded, start: int) -> FoundSections:
    """The samples of an AU file."""
    head = encoded.read(start, 12)
    if len(head) < 12:
        return whole(encoded.n_bytes)
    begin, n_bytes = start + int.from_bytes(head[4:8], "big"), int.from_bytes(head[8:], "big")
    samples = Samples(begin, None if n_bytes == UNKNOWN else n_bytes, 1, wraps=True)
    # Nothing stands behind the samples: a size of 0 with more behind it was never written.
    _, notes = found_end(encoded, samples, lambda _: n_bytes > 0)
    if not notes:
        return whole(encoded.n_bytes, start=start)
    header = head[:8] + UNKNOWN.to_bytes(4, "big")
    return FoundSections((Section((header, range(start + len(header), encoded.n_bytes))),), notes)


def caf_sections(encoded: Encoded, start: int) -> FoundSections:
    """The samples of a CAF file; libsndfile does not open one that is cut, unless its size is "not known"."""
    at = start + 8
    for _ in range(_MAX_CHUNKS):
        head = encoded.read(at, 12)
        n_bytes = int.from_bytes(head[4:], "big", signed=True)
        if len(head) < 12 or head[:4] == b"data":
            break
        at += 12 + max(0, n_bytes)
    if len(head) < 12 or head[:4] != b"data":
        return whole(encoded.n_bytes)
    begin = at + 12 + _EDITS_BYTES
    if begin > encoded.n_bytes:
        return whole(encoded.n_bytes)
    samples = Samples(begin, n_bytes - _EDITS_BYTES if n_bytes >= _EDITS_BYTES else None, 1, wraps=False)
    end, notes = found_end(encoded, samples, lambda place: n_bytes > _EDITS_BYTES or _is_chunk(encoded, place))
    if not notes:
        return whole(encoded.n_bytes, start=start)
    header = encoded.read(start, at + 4 - start) + (end - begin + _EDITS_BYTES).to_bytes(8, "big") + bytes(_EDITS_BYTES)
    return FoundSections((Section((header, range(begin, end))),), notes)


def _is_chunk(encoded: Encoded, at: int) -> bool:
    head = encoded.read(at, 12)
    is_named = len(head) == 12 and all(0x20 <= letter < 0x7F for letter in head[:4])
    return is_named and 0 <= int.from_bytes(head[4:], "big", signed=True) <= encoded.n_bytes - at - 12
