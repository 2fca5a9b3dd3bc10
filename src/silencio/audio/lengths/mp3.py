"""Length of an MP3: its frames are counted, as far as they go.

What the first of them claims of the others is not to be trusted, and it is no sound itself.
"""

from __future__ import annotations

from silencio.audio.containers.encoded import Encoded
from silencio.audio.containers.mp3_frames import COUNTING_MARKS, HEAD_BYTES, Frame, frame_of, mark_at
from silencio.audio.containers.tags import behind_tags
from silencio.audio.lengths.steps import Steps

# Where much is lost, frames are looked for far away; where little is, nearby: a gap costs what it is long.
_FIRST_SEARCH_BYTES, _MAX_SEARCH_BYTES = 1 << 11, 1 << 16


def mp3_duration_s(encoded: Encoded, start: int, max_duration_s: float, steps: Steps) -> float | None:
    """See `claimed_duration_s`; None where no frame stands at `start`."""
    if _frame_at(encoded, start) is None:
        return None
    at, duration_s = start, 0.0
    while at < encoded.n_bytes and duration_s <= max_duration_s:
        steps.take()
        frame = _frame_at(encoded, at)
        if frame is not None:
            if not _counts_frames(encoded, at):
                duration_s += frame.n_samples / frame.rate_hz
            at += frame.n_bytes
        elif (behind := behind_tags(encoded, at, 1)) > at:
            at = behind
        else:
            at = _next_frame(encoded, at + 1, steps)
    return duration_s


def _frame_at(encoded: Encoded, at: int) -> Frame | None:
    head = encoded.read(at, HEAD_BYTES)
    return frame_of(head[1], head[2]) if len(head) == HEAD_BYTES and head[0] == 0xFF else None


def _counts_frames(encoded: Encoded, at: int) -> bool:
    return encoded.read(at + mark_at(encoded.read(at, HEAD_BYTES)), 4) in COUNTING_MARKS


def _next_frame(encoded: Encoded, at: int, steps: Steps) -> int:
    """The next place where a frame follows another of its kind; the end where there is none."""
    n_bytes = _FIRST_SEARCH_BYTES
    while window := encoded.read(at, n_bytes):
        steps.take()
        found = -1
        while (found := window.find(b"\xff", found + 1)) >= 0:
            steps.take()
            frame = _frame_at(encoded, at + found)
            following = _frame_at(encoded, at + found + frame.n_bytes) if frame else None
            if frame and following and frame.kind == following.kind:
                return at + found
        at += len(window)
        n_bytes = min(2 * n_bytes, _MAX_SEARCH_BYTES)
    return encoded.n_bytes
