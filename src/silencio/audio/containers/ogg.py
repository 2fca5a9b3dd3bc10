"""Ogg (RFC 3533): pages, each with its length and checksum; Vorbis, Opus, FLAC and Speex are packed in them."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

from silencio.audio.containers.encoded import Encoded, Piece
from silencio.audio.containers.section import FoundSections, Section, whole
from silencio.audio.notes import ReadingNote

_CAPTURE = b"OggS"
_HEAD_BYTES = 27
_MAX_SEGMENTS = 255
_BEGINS, _ENDS = 0x02, 0x04
_MAX_FLAGS = 0x07
_FLAGS_AT = 5
_CHECKSUM_AT = slice(22, 26)
_SEARCH_BYTES = 1 << 20
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True)
class _Page:
    begin: int
    end: int
    flags: int

    @property
    def begins(self) -> bool:
        """It is the first of a stream."""
        return bool(self.flags & _BEGINS)

    @property
    def ends(self) -> bool:
        """It is marked as the last of a stream."""
        return bool(self.flags & _ENDS)


@dataclass
class _Link:
    """One of the streams that are joined, or several that were multiplexed: its pages, as long runs of bytes.

    Attributes:
        runs: Pages that follow each other.
        last: The last one.
    """

    runs: list[range] = field(default_factory=list)
    last: _Page | None = None

    def add(self, page: _Page) -> None:
        if self.runs and self.runs[-1].stop == page.begin:
            self.runs[-1] = range(self.runs[-1].start, page.end)
        else:
            self.runs.append(range(page.begin, page.end))
        self.last = page

    def section(self, encoded: Encoded) -> Section:
        """For the decoder, which drops what is behind the last page whose end it can tell: the mark is put in."""
        pieces: list[Piece] = list(self.runs)
        if self.last is not None and not self.last.ends:
            pieces[-1] = range(self.runs[-1].start, self.last.begin)
            pieces.append(_with_end_mark(encoded.read(self.last.begin, self.last.end - self.last.begin)))
        return Section(tuple(piece for piece in pieces if len(piece)))


def ogg_sections(encoded: Encoded, start: int) -> FoundSections:
    """The streams that stand one behind the other in an Ogg file (RFC 3533, section 4: chaining).

    A stream's last page should be marked, and Android's writer never does it: a last page that is whole is an end.

    Args:
        encoded: The file's bytes.
        start: First byte of its first page.
    """
    links: list[_Link] = []
    at, n_lost, n_unsound, last, is_sound = start, 0, 0, None, True
    while (page := _page(encoded, at)) is not None:
        if page.end > encoded.n_bytes:
            break
        n_lost += page.begin - at
        is_sound = _is_sound(encoded, page)
        n_unsound += not is_sound
        if last is None or (page.begins and not last.begins):
            links.append(_Link())
        links[-1].add(page)
        last, at = page, page.end
    if last is None:
        return whole(encoded.n_bytes, _truncated("no whole Ogg page"))
    notes = _ending(encoded, last, page, at)
    if len(links) > 1:
        notes.append(ReadingNote("joined", f"{len(links)} Ogg streams are joined: all were read"))
    if n_lost:
        notes.append(ReadingNote("damaged", f"{n_lost} bytes between Ogg pages are no pages: they were passed over"))
    if not is_sound and not last.ends:
        n_unsound -= 1  # it is why the file is called truncated
    if n_unsound:
        text = f"{n_unsound} Ogg pages are damaged and were left out: times behind them are earlier by what was lost"
        notes.append(ReadingNote("damaged", text))
    return FoundSections(tuple(link.section(encoded) for link in links), tuple(notes))


def _ending(encoded: Encoded, last: _Page, cut: _Page | None, at: int) -> list[ReadingNote]:
    if cut is not None:
        return [_truncated("the last Ogg page is cut")]
    if last.ends:
        return []
    rest = encoded.read(at, _HEAD_BYTES)
    if rest[: len(_CAPTURE)] == _CAPTURE[: len(rest)] and rest:
        return [_truncated("the last Ogg page is cut")]
    if not _is_sound(encoded, last):
        return [_truncated("the last Ogg page is damaged")]
    return [ReadingNote("no_end_mark", "the Ogg stream has no mark of its end: its last page was taken for it")]


def _truncated(how: str) -> ReadingNote:
    return ReadingNote("truncated", f"the file is truncated: {how}")


def _page(encoded: Encoded, at: int) -> _Page | None:
    """The page at a byte; where none begins there, the next whole one; None where there is none."""
    page = _page_at(encoded, at)
    if page is not None:
        return page
    while window := encoded.read(at + 1, _SEARCH_BYTES):
        found = -1
        while (found := window.find(_CAPTURE, found + 1)) >= 0:
            page = _page_at(encoded, at + 1 + found)
            # Four letters may stand in a packet by chance.
            if page is not None and page.end <= encoded.n_bytes and _is_sound(encoded, page):
                return page
        if len(window) < _SEARCH_BYTES:
            return None
        at += _SEARCH_BYTES - len(_CAPTURE)
    return None


def _page_at(encoded: Encoded, at: int) -> _Page | None:
    head = encoded.read(at, _HEAD_BYTES + _MAX_SEGMENTS)
    if len(head) < _HEAD_BYTES or head[:4] != _CAPTURE or head[4] or head[_FLAGS_AT] > _MAX_FLAGS:
        return None
    segments = head[_HEAD_BYTES : _HEAD_BYTES + head[26]]
    # A table of lengths that is cut itself ends behind the file.
    missing = head[26] - len(segments)
    n_bytes = _HEAD_BYTES + head[26] + sum(segments) + missing
    return _Page(at, at + n_bytes, head[_FLAGS_AT])


def _is_sound(encoded: Encoded, page: _Page) -> bool:
    """Whether a page's checksum is right."""
    content = encoded.read(page.begin, page.end - page.begin)
    return _checksum(content) == content[_CHECKSUM_AT]


def _with_end_mark(page: bytes) -> bytes:
    marked = bytearray(page)
    marked[_FLAGS_AT] |= _ENDS
    if _checksum(page) == page[_CHECKSUM_AT]:  # a page that is damaged stays so
        marked[_CHECKSUM_AT] = _checksum(marked)
    return bytes(marked)


def _checksum(page: bytes | bytearray) -> bytes:
    """CRC-32 of polynomial 0x04C11DB7 (RFC 3533, section 6): zlib's, mirrored and not inverted."""
    content = bytearray(page)
    content[_CHECKSUM_AT] = bytes(4)
    mirrored = zlib.crc32(content.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2).to_bytes(4, "little")
