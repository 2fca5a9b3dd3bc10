"""What was not as it should be in a recording, and was read all the same."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ReadingNote:
    """One thing that a user should know of a recording.

    Attributes:
        kind: A word for programs, like `truncated`.
        text: A sentence for people, with the numbers.
    """

    kind: str
    text: str
