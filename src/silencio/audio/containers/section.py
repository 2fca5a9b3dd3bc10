"""What the parsers of headers find."""

from __future__ import annotations

from dataclasses import dataclass

from silencio.audio.containers.encoded import Piece
from silencio.audio.notes import ReadingNote


@dataclass(frozen=True)
class Section:
    """One recording within a file; joined files have several.

    Attributes:
        pieces: What the decoder is given, one behind the other: the file's bytes, and new ones where its own are wrong.
        n_claimed: Samples a channel that the header claims, where the decoder is not told; None where it is.
        container: Where it is not what libsndfile calls it: a header of our own may be of another form.
    """

    pieces: tuple[Piece, ...]
    n_claimed: int | None = None
    container: str | None = None


@dataclass(frozen=True)
class FoundSections:
    """The recordings of one file, in their order.

    Attributes:
        sections: Sections of the file, at least one.
        notes: What was not as it should be.
    """

    sections: tuple[Section, ...]
    notes: tuple[ReadingNote, ...] = ()


def whole(n_bytes: int, *notes: ReadingNote, start: int = 0) -> FoundSections:
    """A file that is given to the decoder as it stands, from a byte on."""
    return FoundSections((Section((range(start, n_bytes),)),), notes)
