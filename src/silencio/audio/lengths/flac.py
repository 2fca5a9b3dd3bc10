"""Length of a FLAC: its last frame says where it stands (RFC 9639, section 9.1). The first block is often wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass

from silencio.audio.containers.encoded import Encoded
from silencio.audio.containers.flac import stream_begins
from silencio.audio.lengths.steps import Steps

# Of a stream's own blocks and frames, and of a MiB that is looked through for streams.
_STREAM_STEPS = 100
_INFO_AT = 8
_INFO_BYTES = 34
_BLOCK_HEAD_BYTES = 4
_LAST_BLOCK = 0x80
_MAX_HEAD_BYTES = 16
# From the end backwards; the largest frame of two channels at 24 bits and 8,192 samples is 48 KiB.
_SEARCH_BYTES = 1 << 18
_SYNC = re.compile(rb"\xff[\xf8\xf9]")
_BLOCK_SAMPLES = {1: 192, **{2 + i: 576 << i for i in range(4)}, **{8 + i: 256 << i for i in range(8)}}
_RATE_BYTES = {12: 1, 13: 2, 14: 2}


@dataclass(frozen=True)
class _Frame:
    """Head of a frame.

    Attributes:
        kind: What all frames of a stream have in common: blocking, rate, depth.
        number: Number of the frame, or of its first sample where blocks differ in length.
        n_samples: Number of samples a channel.
    """

    kind: tuple[int, int, int]
    number: int
    n_samples: int

    @property
    def counts_samples(self) -> bool:
        return bool(self.kind[0])


def flac_duration_s(encoded: Encoded, start: int, max_duration_s: float, steps: Steps) -> float | None:
    """See `claimed_duration_s`; streams that are joined add up."""
    duration_s = 0.0
    begins = list(stream_begins(encoded, start, lambda: steps.take(_STREAM_STEPS)))
    for begin, end in zip(begins, [*begins[1:], encoded.n_bytes], strict=True):
        stream_s = _stream_s(encoded, begin, end, steps)
        if stream_s is None:
            return None
        duration_s += stream_s
        if duration_s > max_duration_s:
            break
    return duration_s


def _stream_s(encoded: Encoded, begin: int, end: int, steps: Steps) -> float | None:
    info = encoded.read(begin + _INFO_AT, _INFO_BYTES)
    rate_hz = int.from_bytes(info[10:13], "big") >> 4
    at = _first_frame_at(encoded, begin, end, steps)
    first = _frame(encoded.read(at, _MAX_HEAD_BYTES)) if at is not None else None
    if not rate_hz or first is None or at is None:
        return None
    last = _last_frame(encoded, at, end, first, steps)
    if last is None:
        return None
    if first.counts_samples:
        return max(0, last.number + last.n_samples - first.number) / rate_hz
    return (max(0, last.number - first.number) * first.n_samples + last.n_samples) / rate_hz


def _first_frame_at(encoded: Encoded, begin: int, end: int, steps: Steps) -> int | None:
    """Behind the blocks that describe the stream."""
    at = begin + 4
    while at < end:
        steps.take()
        head = encoded.read(at, _BLOCK_HEAD_BYTES)
        if len(head) < _BLOCK_HEAD_BYTES:
            return None
        at += _BLOCK_HEAD_BYTES + int.from_bytes(head[1:], "big")
        if head[0] & _LAST_BLOCK:
            return at
    return None


def _last_frame(encoded: Encoded, begin: int, end: int, first: _Frame, steps: Steps) -> _Frame | None:
    search_at = max(begin, end - _SEARCH_BYTES)
    window = encoded.read(search_at, end - search_at)
    # In one pass: looked for one by one from the end, every place would be paid for with the whole window.
    for place in reversed([found.start() for found in _SYNC.finditer(window)]):
        steps.take()
        frame = _frame(window[place : place + _MAX_HEAD_BYTES])
        # Two such bytes stand among samples, too: the checksum and what frames have in common tell them apart.
        if frame is not None and frame.kind == first.kind:
            return frame
    return None


def _frame(head: bytes) -> _Frame | None:
    """None where no frame begins so."""
    if len(head) < 6 or not _SYNC.match(head):
        return None
    block_code, rate_code, depth_code = head[2] >> 4, head[2] & 15, head[3] >> 1 & 7
    if not block_code or rate_code == 15 or depth_code == 3 or head[3] & 1 or head[3] >> 4 > 10:
        return None
    number, at = _coded_number(head)
    n_samples = _BLOCK_SAMPLES.get(block_code, 0)
    if not n_samples:
        n_bytes = block_code - 5  # 6 and 7: in one or two bytes
        n_samples = int.from_bytes(head[at : at + n_bytes], "big") + 1
        at += n_bytes
    at += _RATE_BYTES.get(rate_code, 0)
    if number < 0 or at >= len(head) or _crc8(head[:at]) != head[at]:
        return None
    return _Frame((head[1] & 1, rate_code, depth_code), number, n_samples)


def _coded_number(head: bytes) -> tuple[int, int]:
    """As UTF-8 codes numbers, up to seven bytes: the number, -1 where there is none, and the byte behind it."""
    lead = head[4]
    n_ones = 8 - (lead ^ 0xFF).bit_length()
    if n_ones in (1, 8):
        return -1, 5
    number, at = (lead if not n_ones else lead & 0x7F >> n_ones), 5
    for byte in head[5 : 4 + n_ones]:
        number, at = number << 6 | byte & 0x3F, at + 1
    return number, at


def _remainder(byte: int) -> int:
    for _ in range(8):
        byte = (byte << 1 ^ (0x07 if byte & 0x80 else 0)) & 0xFF
    return byte


_REMAINDERS = bytes(map(_remainder, range(256)))


def _crc8(content: bytes) -> int:
    remainder = 0
    for byte in content:
        remainder = _REMAINDERS[remainder ^ byte]
    return remainder
