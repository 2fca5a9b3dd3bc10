"""Sony Wave64: WAV's chunks with 64 bits of size and names of 16 bytes, for recordings of more than 4 GiB."""

from __future__ import annotations

from silencio.audio.containers.encoded import Encoded
from silencio.audio.containers.section import FoundSections, Section, whole
from silencio.audio.containers.sizes import Samples, found_end, is_padding

WAVE64_RIFF = bytes.fromhex("726966662e91cf11a5d628db04c10000")
_CHUNK_NAMES_END = bytes.fromhex("f3acd3118cd100c04f8edb8a")
_HEAD_BYTES = 24
_MAX_CHUNKS = 10_000


def wave64_sections(encoded: Encoded, start: int) -> FoundSections:
    """The samples of a Wave64 file.

    Args:
        encoded: The file's bytes.
        start: First byte of its header.
    """
    if encoded.read(start, 16) != WAVE64_RIFF:
        return whole(encoded.n_bytes)
    at, block_bytes = start + 40, 1
    for _ in range(_MAX_CHUNKS):
        head = encoded.read(at, _HEAD_BYTES)
        n_bytes = int.from_bytes(head[16:], "little")
        if len(head) < _HEAD_BYTES or head[:4] == b"data":
            break
        if head[:4] == b"fmt ":
            block_bytes = int.from_bytes(encoded.read(at + _HEAD_BYTES + 12, 2), "little")
        # Sizes count their own head; chunks begin at multiples of eight.
        at += max(_HEAD_BYTES, n_bytes + -n_bytes % 8)
    if len(head) < _HEAD_BYTES or head[:4] != b"data":
        return whole(encoded.n_bytes)
    begin = at + _HEAD_BYTES
    claimed = None if n_bytes >= 1 << 63 else max(0, n_bytes - _HEAD_BYTES)
    samples = Samples(begin, claimed, max(1, block_bytes), wraps=False)
    end, notes = found_end(encoded, samples, lambda place: is_wave64_tail(encoded, place))
    if not notes and claimed is not None and not start:
        return whole(encoded.n_bytes)
    size = (end - begin + _HEAD_BYTES).to_bytes(8, "little")
    header = encoded.read(start, begin - start - 8) + size
    return FoundSections((Section((header, range(begin, end))),), notes)


def is_wave64_tail(encoded: Encoded, at: int) -> bool:
    """Whether what begins at a byte can stand behind the samples: chunks, tags or padding."""
    return any(
        is_padding(encoded, place) or encoded.read(place + 4, 12) == _CHUNK_NAMES_END for place in (at, at + -at % 8)
    )
