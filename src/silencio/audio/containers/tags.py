"""Tags that stand before, between and behind recordings: ID3 and APE."""

from __future__ import annotations

from silencio.audio.containers.encoded import Encoded

_ID3V1_BYTES = 128
_APE_BYTES = 32
_MAX_TAGS = 1_000


def behind_tags(encoded: Encoded, at: int, max_tags: int = _MAX_TAGS) -> int:
    """The first byte behind the tags that begin at `at`; `at` where none does.

    Args:
        encoded: The file's bytes.
        at: Position at which they would begin.
        max_tags: So many at most: an empty one has ten bytes, and a file may hold millions.
    """
    for _ in range(max_tags):
        n_bytes = _tag_bytes(encoded.read(at, _APE_BYTES))
        if not n_bytes:
            break
        at += n_bytes
    return min(at, encoded.n_bytes)


def _tag_bytes(head: bytes) -> int:
    if head.startswith(b"ID3") and len(head) >= 10 and max(head[6:10]) < 0x80:
        # Seven bits a byte, without the header (ID3v2.4, section 3.1), which may come again as a footer.
        size = sum(byte << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
        return 10 + size + (10 if head[5] & 0x10 else 0)
    if head.startswith(b"TAG"):
        return _ID3V1_BYTES
    if head.startswith(b"APETAGEX") and len(head) == _APE_BYTES:
        # Its size counts the entries and the footer, not this header.
        return _APE_BYTES + int.from_bytes(head[12:16], "little")
    return 0
