"""What was not as it should be in a recording, and was read all the same."""

from __future__ import annotations

from dataclasses import dataclass

# docs/recordings.md explains each; a test holds the page to this table.
KINDS = {
    "truncated": "the file ends before its recording does; what is there is used",
    "header_size": "the header says another length than was found; what was found is used",
    "no_end_mark": "the Ogg stream has no mark of its end: it was cut between two pages, or a phone wrote it",
    "joined": "several recordings stand in one file, one behind the other; all were read",
    "damaged": "bytes in the middle are no audio; they were passed over",
    "channels_cancel": "the channels cancel each other; one of them is used",
    "dead_channel": "a channel holds nothing; the others are used",
    "integer_scale": "floating-point samples in the range of integers; they were brought to full scale",
    "beyond_full_scale": "samples beyond full scale; they were clipped",
    "dc_offset": "the samples lie around another value than zero; that was left as it is",
}


@dataclass(frozen=True)
class ReadingNote:
    """One thing that a user should know of a recording.

    Attributes:
        kind: A key of `KINDS`.
        text: A sentence for people, with the numbers.
    """

    kind: str
    text: str
