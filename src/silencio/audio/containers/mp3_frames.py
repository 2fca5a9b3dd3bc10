"""What the head of an MPEG audio frame says (ISO/IEC 11172-3, 13818-3)."""

from __future__ import annotations

import functools
from dataclasses import dataclass

HEAD_BYTES = 4
# A frame that has one is no sound: it says how many frames follow.
COUNTING_MARKS = (b"Xing", b"Info")
_VERSION_1, _VERSION_2, _VERSION_2_5 = 3, 2, 0
# Bytes between a frame's head and such a mark, by version 1 or later, and mono or not.
_SIDE_BYTES = {(True, True): 17, (True, False): 32, (False, True): 9, (False, False): 17}
_BITRATES_KBPS = {
    (_VERSION_1, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (_VERSION_1, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (_VERSION_1, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (_VERSION_2, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (_VERSION_2, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (_VERSION_2, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES_HZ = {
    _VERSION_1: (44_100, 48_000, 32_000),
    _VERSION_2: (22_050, 24_000, 16_000),
    _VERSION_2_5: (11_025, 12_000, 8_000),
}


@dataclass(frozen=True)
class Frame:
    """One frame.

    Attributes:
        kind: Version, layer and rate, which do not change within a stream.
        n_bytes: Its length, head included.
        n_samples: Number of samples a channel.
        rate_hz: Samples a second.
    """

    kind: tuple[int, int, int]
    n_bytes: int
    n_samples: int
    rate_hz: int


@functools.cache
def frame_of(second: int, third: int) -> Frame | None:
    """The frame whose head begins with 0xFF and these two bytes; None where there is none whose length is known."""
    version, layer = second >> 3 & 3, 4 - (second >> 1 & 3)
    bitrate, rate = third >> 4, third >> 2 & 3
    if second & 0xE0 != 0xE0 or version == 1 or layer == 4 or bitrate in (0, 15) or rate == 3:
        return None
    rate_hz = _RATES_HZ[version][rate]
    bits_per_s = 1000 * _BITRATES_KBPS[_VERSION_1 if version == _VERSION_1 else _VERSION_2, layer][bitrate]
    padding = third >> 1 & 1
    kind = (version, layer, rate)
    if layer == 1:
        return Frame(kind, (12 * bits_per_s // rate_hz + padding) * 4, 384, rate_hz)
    is_half = layer == 3 and version != _VERSION_1
    n_samples = 576 if is_half else 1152
    return Frame(kind, n_samples // 8 * bits_per_s // rate_hz + padding, n_samples, rate_hz)


def mark_at(head: bytes) -> int:
    """Where in a frame with this head a counting mark would stand."""
    is_v1, is_mono, has_checksum = head[1] >> 3 & 3 == _VERSION_1, head[3] >> 6 == 3, not head[1] & 1
    return HEAD_BYTES + _SIDE_BYTES[is_v1, is_mono] + 2 * has_checksum
