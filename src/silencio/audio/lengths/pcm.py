"""Length of what is not packed, or packed in blocks of one size: WAV, Wave64, AIFF, AU and CAF."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from silencio.audio.containers.encoded import Encoded
from silencio.audio.containers.sizes import UNKNOWN, Samples, found_end
from silencio.audio.containers.wav import is_wav_tail
from silencio.audio.containers.wave64 import is_wave64_tail
from silencio.audio.lengths.steps import Steps

Order = Literal["little", "big"]

# One sample a channel a block: PCM, floating point, A-law, µ-law. Others work in blocks of many samples.
_PLAIN_WAVES = frozenset((1, 3, 6, 7))
# ADPCM of Microsoft and IMA, GSM 6.10: how many samples a block has stands behind the rest, and is what decoders go by.
_BLOCK_WAVES = frozenset((0x02, 0x11, 0x31))
_EXTENSIBLE_WAVE = 0xFFFE
# By AU's codes: bytes of a sample.
_AU_BYTES = {1: 1.0, 2: 1.0, 3: 2.0, 4: 3.0, 5: 4.0, 6: 4.0, 7: 8.0, 23: 0.5, 25: 0.375, 26: 0.625, 27: 1.0}


@dataclass(frozen=True)
class _Chunk:
    name: bytes
    begin: int
    n_bytes: int


def _chunks(encoded: Encoded, at: int, layout: str, steps: Steps) -> Iterator[_Chunk]:
    """What stands one behind the other.

    Args:
        encoded: The file's bytes.
        at: Position at which the first begins.
        layout: Layout of a head, for `struct`: name and size.
        steps: What may be looked at.
    """
    head_bytes = struct.calcsize(layout)
    is_wave64, is_even = head_bytes == 24, head_bytes == 8
    while len(head := encoded.read(at, head_bytes)) == head_bytes:
        steps.take()
        name, n_bytes = struct.unpack(layout, head)
        n_bytes = n_bytes - head_bytes if is_wave64 else n_bytes
        yield _Chunk(name, at + head_bytes, n_bytes)
        n_bytes = max(0, n_bytes)
        at += head_bytes + n_bytes + (n_bytes % 2 if is_even else -n_bytes % 8 if is_wave64 else 0)


def wav_duration_s(encoded: Encoded, start: int, max_duration_s: float, steps: Steps) -> float | None:
    """See `claimed_duration_s`."""
    order: Order = "big" if encoded.read(start, 4) == b"RIFX" else "little"
    sound_format, size_64 = b"", b""
    for chunk in _chunks(encoded, start + 12, "<4sI" if order == "little" else ">4sI", steps):
        if chunk.name == b"fmt ":
            sound_format = encoded.read(chunk.begin, 40)
        elif chunk.name == b"ds64":
            size_64 = encoded.read(chunk.begin + 8, 8)
        elif chunk.name == b"data":
            claimed: int | None = chunk.n_bytes
            if claimed == UNKNOWN:
                claimed = int.from_bytes(size_64, "little") or None
            samples = Samples(chunk.begin, claimed, 1, wraps=not size_64, n_header_bytes=chunk.begin)
            end, _ = found_end(encoded, samples, lambda place: is_wav_tail(encoded, place, order, steps.take))
            return _wave_s(sound_format, end - chunk.begin, order)
    return None


def wave64_duration_s(encoded: Encoded, start: int, max_duration_s: float, steps: Steps) -> float | None:
    """See `claimed_duration_s`."""
    sound_format = b""
    for chunk in _chunks(encoded, start + 40, "<16sq", steps):
        if chunk.name[:4] == b"fmt ":
            sound_format = encoded.read(chunk.begin, 40)
        elif chunk.name[:4] == b"data":
            claimed = chunk.n_bytes if chunk.n_bytes >= 0 else None
            samples = Samples(chunk.begin, claimed, 1, wraps=False)
            end, _ = found_end(encoded, samples, lambda place: is_wave64_tail(encoded, place))
            return _wave_s(sound_format, end - chunk.begin, "little")
    return None


def _wave_s(sound_format: bytes, n_bytes: int, order: Order) -> float | None:
    if len(sound_format) < 16:
        return None
    numbers = struct.unpack(("<" if order == "little" else ">") + "HHIIHH", sound_format[:16])
    coding, n_channels, rate_hz, bytes_per_s, block_bytes, n_bits = numbers
    if coding == _EXTENSIBLE_WAVE:
        coding = int.from_bytes(sound_format[24:26], order)
    if coding in _PLAIN_WAVES:
        # Some writers leave the size of a block at 0.
        bytes_per_s = (block_bytes or n_channels * -(-n_bits // 8)) * rate_hz
    elif coding in _BLOCK_WAVES and (block_samples := int.from_bytes(sound_format[18:20], order)):
        bytes_per_s = block_bytes * rate_hz / block_samples
    return n_bytes / bytes_per_s if bytes_per_s else None


def aiff_duration_s(encoded: Encoded, start: int, max_duration_s: float, steps: Steps) -> float | None:
    """See `claimed_duration_s`; the chunk that says the rate may stand behind the samples."""
    common, n_there = b"", None
    for chunk in _chunks(encoded, start + 12, ">4sI", steps):
        if chunk.name == b"COMM":
            common = encoded.read(chunk.begin, 22)
        elif chunk.name == b"SSND":
            # A size of nothing was never written (silencio.audio.containers.aiff).
            n_claimed = chunk.n_bytes if chunk.n_bytes > 8 else encoded.n_bytes
            n_there = min(n_claimed, encoded.n_bytes - chunk.begin) - 8
    if len(common) < 18 or n_there is None:
        return None
    n_channels, _, n_bits, exponent, mantissa = struct.unpack(">HIHHQ", common[:18])
    rate_hz = math.ldexp(mantissa, (exponent & 0x7FFF) - 16_383 - 63) if exponent & 0x7FFF < 16_383 + 64 else 0.0
    is_packed = encoded.read(start + 8, 4) == b"AIFC" and common[18:22] not in _PLAIN_AIFC
    frame_bytes = n_channels * -(-n_bits // 8)
    if not rate_hz or (not is_packed and not frame_bytes):
        return None
    # What a packed one counts may be blocks.
    return None if is_packed else max(0, n_there) / frame_bytes / rate_hz


_PLAIN_AIFC = (b"NONE", b"twos", b"sowt", b"raw ", b"fl32", b"FL32", b"fl64", b"FL64", b"in24", b"in32", b"ni24")


def au_duration_s(encoded: Encoded, start: int, max_duration_s: float, steps: Steps) -> float | None:
    """See `claimed_duration_s`."""
    head = encoded.read(start, 24)
    if len(head) < 24:
        return None
    begin, n_bytes, coding, rate_hz, n_channels = struct.unpack(">5I", head[4:])
    samples = Samples(start + begin, None if n_bytes == UNKNOWN else n_bytes, 1, wraps=True)
    end, _ = found_end(encoded, samples, lambda _: n_bytes > 0)
    bytes_per_s = _AU_BYTES.get(coding, 0.0) * rate_hz * n_channels
    return max(0, end - samples.begin) / bytes_per_s if bytes_per_s else None


def caf_duration_s(encoded: Encoded, start: int, max_duration_s: float, steps: Steps) -> float | None:
    """See `claimed_duration_s`; packets of differing size are counted by a table of their own."""
    description, n_there, n_counted = b"", None, None
    for chunk in _chunks(encoded, start + 8, ">4sq", steps):
        if chunk.name == b"desc":
            description = encoded.read(chunk.begin, 32)
        elif chunk.name == b"pakt":
            n_counted = int.from_bytes(encoded.read(chunk.begin + 8, 8), "big")
        elif chunk.name == b"data":
            n_claimed = chunk.n_bytes if chunk.n_bytes > 4 else encoded.n_bytes
            n_there = min(n_claimed, encoded.n_bytes - chunk.begin) - 4
            if chunk.n_bytes < 0:
                break
    if len(description) < 32 or n_there is None:
        return None
    rate_hz = float(struct.unpack(">d", description[:8])[0])
    packet_bytes, packet_frames = (int.from_bytes(description[at : at + 4], "big") for at in (16, 20))
    if not 0 < rate_hz < math.inf:
        return None
    if packet_bytes and packet_frames:
        return max(0, n_there) / packet_bytes * packet_frames / rate_hz
    return n_counted / rate_hz if n_counted else None
