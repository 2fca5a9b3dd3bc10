"""MP3 (ISO/IEC 11172-3, 13818-3): frames one behind the other, the first of which may say how many there are."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

from silencio.audio.containers.encoded import Encoded
from silencio.audio.containers.mp3_frames import COUNTING_MARKS, HEAD_BYTES, frame_of, mark_at
from silencio.audio.containers.section import FoundSections, Section
from silencio.audio.containers.tags import behind_tags
from silencio.audio.notes import ReadingNote

_COUNTS_FRAMES = 0x1
# Some writers count the counting frame too, or not the last one.
_COUNT_MAY_DIFFER = 2
# Bytes that are looked through for the next frame, where one does not follow another.
_SEARCH_BYTES = 1 << 16
_READ_BYTES = 1 << 20
# Bytes at which a frame might have begun: as many as 25 MB hold that are not sound at all. Behind them nothing is
# looked for: three megabytes of such bytes alone would take a decoder ten seconds.
_MAX_VAIN = 100_000


def _places() -> array[int]:
    """A day has three million frames."""
    return array("q")


@dataclass
class _Link:
    """One of several recordings that were joined.

    Attributes:
        begin: Its first byte.
        n_claimed: Frames that its first one counts; None where it does not.
        starts: Positions at which its frames begin, the counting one left out.
        rates: Their bit rates, as heads say them.
    """

    begin: int
    n_claimed: int | None = None
    starts: array[int] = field(default_factory=_places)
    rates: set[int] = field(default_factory=set)


def mp3_sections(encoded: Encoded, start: int) -> FoundSections | None:
    """The recordings in an MP3 file, frame by frame; None where no frame stands at `start` whose length is known.

    Args:
        encoded: The file's bytes.
        start: First byte behind its tags.
    """
    walk = _Walk(encoded, start)
    if not walk.frame_bytes(start):
        return None
    walk.run()
    notes = list(walk.notes())
    links = [part for link in walk.links for part in _split(link)]
    if len(links) > 1:
        notes.append(ReadingNote("joined", f"{len(links)} MP3 streams are joined: all were read"))
    # Tags in front stay with the first.
    begins = [0, *(link.begin for link in links[1:])]
    ends = [*begins[1:], encoded.n_bytes]
    sections = []
    for link, begin, end in zip(links, begins, ends, strict=True):
        count = _counting_frame(encoded, link)
        # The count belongs right in front of the first frame.
        kept = _without(range(link.starts[0] if count else begin, end), walk.lost)
        sections.append(Section((count, *kept) if count else tuple(kept)))
    return FoundSections(tuple(sections), tuple(notes))


def _without(whole: range, lost: Sequence[range]) -> list[range]:
    """What of a run of bytes is left without others: the decoder gives up at a kilobyte that is no frame."""
    kept, at = [], whole.start
    for one in lost:
        if whole.start <= one.start < whole.stop:
            kept.append(range(at, one.start))
            at = one.stop
    return [one for one in (*kept, range(at, whole.stop)) if len(one)]


def _split(link: _Link) -> list[_Link]:
    """Frames beyond those that are counted are another recording: the decoder would stop where the count does."""
    n_claimed = link.n_claimed
    if n_claimed is None or not 0 < n_claimed < len(link.starts) - _COUNT_MAY_DIFFER:
        return [link]
    rest = link.starts[n_claimed:]
    return [
        _Link(link.begin, n_claimed, link.starts[:n_claimed], link.rates),
        _Link(rest[0], None, rest, link.rates),
    ]


def _counting_frame(encoded: Encoded, link: _Link) -> bytes:
    """A frame that counts those of a stream which does not, and whose length the decoder would guess from its first.

    With a constant bit rate the guess is right, and nothing is put in.
    """
    if link.n_claimed or len(link.rates) < 2 or len(link.starts) < 2:
        return b""
    first, second = link.starts[:2]
    frame = encoded.read(first, second - first)
    at = mark_at(frame)
    counted = frame[:HEAD_BYTES].ljust(at, b"\0") + COUNTING_MARKS[0] + _COUNTS_FRAMES.to_bytes(4, "big")
    counted += len(link.starts).to_bytes(4, "big")
    return counted.ljust(len(frame), b"\0") if len(counted) <= len(frame) else b""


class _Walk:
    """From frame to frame through a file."""

    def __init__(self, encoded: Encoded, start: int) -> None:
        self._encoded = encoded
        self._start = start
        self._buffer, self._buffer_at = b"", 0
        # Version, layer and rate do not change within a stream.
        self._kind: tuple[int, ...] | None = None
        self.links: list[_Link] = []
        self._is_cut = False
        self._n_vain = 0
        self.lost: list[range] = []

    def notes(self) -> list[ReadingNote]:
        """What was not as it should be."""
        notes = []
        last = self.links[-1]
        n_lost = sum(map(len, self.lost))
        is_short = last.n_claimed is not None and len(last.starts) < last.n_claimed - _COUNT_MAY_DIFFER
        # Frames that are missing may lie in what was lost.
        if is_short and (self._is_cut or not n_lost):
            text = f"the file is truncated: {len(last.starts)} of {last.n_claimed} frames are there"
            notes.append(ReadingNote("truncated", text))
        elif self._is_cut:
            notes.append(ReadingNote("truncated", "the file is truncated: its last MP3 frame is cut"))
        if n_lost:
            text = f"{n_lost} bytes between MP3 frames are no frames: they were passed over"
            notes.append(ReadingNote("damaged", text))
        return notes

    def run(self) -> None:
        """Find every frame."""
        at = self._start
        self.links.append(_Link(at))
        while at < self._encoded.n_bytes:
            n_bytes = self.frame_bytes(at)
            if n_bytes:
                if at + n_bytes > self._encoded.n_bytes:
                    self._is_cut = True
                    return
                self._take(at)
                at += n_bytes
            elif (behind := behind_tags(self._encoded, at)) > at:
                at = behind
            elif self._is_other_stream(at):
                self.links.append(_Link(at))
            else:
                found = self._next_frame(at)
                if found is None:
                    return
                self.lost.append(range(at, found))
                at = found

    def _is_other_stream(self, at: int) -> bool:
        """Whether frames of another rate, layer or version begin at a byte; from then on they are this walk's."""
        known, self._kind = self._kind, None
        n_bytes = self.frame_bytes(at)
        if n_bytes and self.frame_bytes(at + n_bytes):
            return True
        self._kind = known
        return False

    def _take(self, at: int) -> None:
        n_claimed = self._counted(at)
        link = self.links[-1]
        if n_claimed is None:
            link.starts.append(at)
            link.rates.add(self._read(at, HEAD_BYTES)[2] >> 4)
        elif link.starts:
            self.links.append(_Link(at, n_claimed))
        else:
            link.n_claimed = n_claimed

    def frame_bytes(self, at: int) -> int:
        """Length of the frame that begins at a byte; 0 where none does, or none of this stream."""
        head = self._read(at, HEAD_BYTES)
        if len(head) < HEAD_BYTES or head[0] != 0xFF:
            return 0
        frame = frame_of(head[1], head[2])
        if frame is None or (self._kind is not None and frame.kind != self._kind):
            return 0
        self._kind = frame.kind
        return frame.n_bytes

    def _counted(self, at: int) -> int | None:
        """How many frames the frame at a byte counts; None where it is sound. 0: it counts, and does not say."""
        mark = self._read(at + mark_at(self._read(at, HEAD_BYTES)), 12)
        if mark[:4] not in COUNTING_MARKS:
            return None
        flags = int.from_bytes(mark[4:8], "big")
        return int.from_bytes(mark[8:12], "big") if flags & _COUNTS_FRAMES else 0

    def _next_frame(self, at: int) -> int | None:
        """The next place where one frame follows another."""
        at += 1
        while window := self._encoded.read(at, _SEARCH_BYTES):
            found = -1
            while (found := window.find(b"\xff", found + 1)) >= 0:
                self._n_vain += 1
                if self._n_vain > _MAX_VAIN:
                    return None
                n_bytes = self.frame_bytes(at + found)
                if n_bytes and self.frame_bytes(at + found + n_bytes):
                    return at + found
            at += len(window)
        return None

    def _read(self, at: int, n_bytes: int) -> bytes:
        """Through a buffer: a frame is a few hundred bytes."""
        if not self._buffer_at <= at <= self._buffer_at + len(self._buffer) - n_bytes:
            self._buffer, self._buffer_at = self._encoded.read(at, _READ_BYTES), at
        return self._buffer[at - self._buffer_at : at - self._buffer_at + n_bytes]
