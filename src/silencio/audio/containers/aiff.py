"""AIFF and AIFF-C (Apple 1991): chunks as in WAV, big-endian."""

from __future__ import annotations

from silencio.audio.containers.encoded import Encoded
from silencio.audio.containers.section import FoundSections, Section, whole
from silencio.audio.containers.sizes import UNKNOWN, Samples, found_end
from silencio.audio.containers.wav import is_wav_tail

_MAX_CHUNKS = 10_000
# In front of the samples: an offset and a block size.
_SOUND_HEAD_BYTES = 8


def aiff_sections(encoded: Encoded, start: int) -> FoundSections:
    """The samples of an AIFF file.

    Args:
        encoded: The file's bytes.
        start: First byte of its header.
    """
    if encoded.read(start + 8, 4) not in (b"AIFF", b"AIFC"):
        return whole(encoded.n_bytes)
    at, n_channels, n_bits = start + 12, 1, 16
    for _ in range(_MAX_CHUNKS):
        head = encoded.read(at, 8)
        name, n_bytes = head[:4], int.from_bytes(head[4:], "big")
        if len(head) < 8 or name == b"SSND":
            break
        if name == b"COMM":
            common = encoded.read(at + 8, 8)
            n_channels, n_bits = int.from_bytes(common[:2], "big"), int.from_bytes(common[6:8], "big")
        at += 8 + n_bytes + n_bytes % 2
    if len(head) < 8 or name != b"SSND":
        return whole(encoded.n_bytes)
    begin = at + 8 + _SOUND_HEAD_BYTES
    claimed = max(0, n_bytes - _SOUND_HEAD_BYTES) if n_bytes else None
    samples = Samples(begin, claimed, max(1, n_channels * -(-n_bits // 8)), wraps=True)
    # What the common chunk counts is behind the samples as often as in front: only a lack is looked for, and whether a
    # size of nothing was written before there was anything.
    end, notes = found_end(encoded, samples, lambda place: claimed != 0 or is_wav_tail(encoded, place, "big"))
    if claimed != 0 or not notes:
        return whole(encoded.n_bytes, *notes, start=start)
    size = min(end - begin + _SOUND_HEAD_BYTES, UNKNOWN).to_bytes(4, "big")
    header = encoded.read(start, at + 4 - start) + size + encoded.read(at + 8, _SOUND_HEAD_BYTES)
    return FoundSections((Section((header, range(begin, end))),), notes)
