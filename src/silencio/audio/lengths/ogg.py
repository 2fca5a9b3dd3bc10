"""Length of an Ogg stream: each page counts the samples up to its end (RFC 3533, granule position)."""

from __future__ import annotations

from dataclasses import dataclass

from silencio.audio.containers.encoded import Encoded
from silencio.audio.lengths.steps import Steps

_CAPTURE = b"OggS"
_HEAD_BYTES = 27
_MAX_SEGMENTS = 255
_BEGINS = 0x02
# Twice as many each time: a gap costs what it is long, and not a MiB.
_FIRST_SEARCH_BYTES, _MAX_SEARCH_BYTES = 1 << 12, 1 << 20
# Of a page on which no packet ends.
_NO_POSITION = (1 << 64) - 1
# No page is longer. Positions that jump further are those of a stream that was joined while it ran, or that was
# interrupted (radio): what is missing is no sound.
_MAX_PAGE_S = 60.0
_OPUS_HZ = 48_000  # whatever was recorded: RFC 7845, section 4


@dataclass
class _Stream:
    """One of the streams of a link.

    Attributes:
        rate_hz: Samples a second; 0 where it is no sound.
        position: Position at the end of its last page that has one.
        n_samples: A channel, so far.
    """

    rate_hz: int
    position: int = 0
    n_samples: int = 0

    def add(self, position: int) -> None:
        """The position at the end of its next page."""
        if position == _NO_POSITION:
            return
        if 0 < position - self.position <= _MAX_PAGE_S * self.rate_hz:
            self.n_samples += position - self.position
        self.position = position

    @property
    def duration_s(self) -> float:
        return self.n_samples / self.rate_hz if self.rate_hz else 0.0


def ogg_duration_s(encoded: Encoded, start: int, max_duration_s: float, steps: Steps) -> float | None:
    """See `claimed_duration_s`: streams one behind the other add up, of those beside each other the longest counts."""
    at: int | None = start
    ended_s, had_begun, found_sound = 0.0, False, False
    streams: dict[bytes, _Stream] = {}
    while at is not None:
        steps.take()
        head = encoded.read(at, _HEAD_BYTES + _MAX_SEGMENTS)
        if len(head) < _HEAD_BYTES:
            break
        if head[:4] != _CAPTURE:
            at = _next_capture(encoded, at + 1, steps)
            continue
        serial, begins = head[14:18], bool(head[5] & _BEGINS)
        content_at = at + _HEAD_BYTES + head[26]
        at = content_at + sum(head[_HEAD_BYTES : _HEAD_BYTES + head[26]])
        if at > encoded.n_bytes:
            break  # cut: a decoder leaves it out
        if begins:
            if not had_begun:
                ended_s += _length_s(streams)
                streams = {}
            streams[serial] = _Stream(_rate_hz(encoded.read(content_at, 64)))
            found_sound |= streams[serial].rate_hz > 0
        elif serial in streams:
            streams[serial].add(int.from_bytes(head[6:14], "little"))
            if ended_s + streams[serial].duration_s > max_duration_s:
                return ended_s + streams[serial].duration_s
        had_begun = begins
    return ended_s + _length_s(streams) if found_sound else None


def _length_s(streams: dict[bytes, _Stream]) -> float:
    return max((one.duration_s for one in streams.values()), default=0.0)


def _next_capture(encoded: Encoded, at: int, steps: Steps) -> int | None:
    n_bytes = _FIRST_SEARCH_BYTES
    while window := encoded.read(at, n_bytes):
        steps.take()
        found = window.find(_CAPTURE)
        if found >= 0:
            return at + found
        if len(window) < n_bytes:
            return None
        at += n_bytes - len(_CAPTURE)
        n_bytes = min(2 * n_bytes, _MAX_SEARCH_BYTES)
    return None


def _rate_hz(packet: bytes) -> int:
    """Positions a second, by the first packet of a stream; 0 where it is no sound that is known."""
    if packet.startswith(b"\x01vorbis"):
        return int.from_bytes(packet[12:16], "little")
    if packet.startswith(b"OpusHead"):
        return _OPUS_HZ
    if packet.startswith(b"\x7fFLAC"):
        return int.from_bytes(packet[27:30], "big") >> 4
    if packet.startswith(b"Speex   "):
        return int.from_bytes(packet[36:40], "little")
    return 0
