"""What the parsers of headers find."""

from __future__ import annotations

from dataclasses import dataclass

from silencio.audio.notes import ReadingNote


@dataclass(frozen=True)
class Section:
    """One recording within a file; joined files have several.

    Attributes:
        begin: Its first byte in the file, behind what `prefix` replaces.
        end: The byte behind its last one.
        prefix: A header that is right, in place of one that is not; empty where nothing is replaced.
        n_claimed: Samples a channel that the header claims, where the decoder is not to be told; None: it may be told.
        container: Where it is not what libsndfile calls it: a patched header may be of another form.
    """

    begin: int
    end: int
    prefix: bytes = b""
    n_claimed: int | None = None
    container: str | None = None


@dataclass(frozen=True)
class FoundSections:
    """The recordings of one file, in their order.

    Attributes:
        sections: At least one.
        notes: What was not as it should be.
    """

    sections: tuple[Section, ...]
    notes: tuple[ReadingNote, ...] = ()


def whole(n_bytes: int, *notes: ReadingNote) -> FoundSections:
    """A file that is given to the decoder as it stands."""
    return FoundSections((Section(0, n_bytes),), notes)
