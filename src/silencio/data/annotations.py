"""Annotations: which animal calls from when to when, and in which rows of an answer it counts."""

from __future__ import annotations

from dataclasses import dataclass

# A shorter end of a call at a row's edge can hardly be heard, and a listener who labels rows would not write it down.
MIN_OVERLAP_S = 0.5


@dataclass(frozen=True)
class Annotation:
    """One animal, once.

    Attributes:
        code: Species code; one outside a model's class list is allowed: the animal is there all the same.
        begin_s: Seconds from the start of the soundscape to the beginning.
        end_s: Seconds from the start of the soundscape to the end, after `begin_s`.
        low_hz: Lower edge of its band; None where unknown.
        high_hz: Upper edge of its band.
        snr_db: Its level over the background (`silencio.data.calls.gain_for_snr`); None where unknown.
        recording_id: The recording that it was cut from; None in a real soundscape.
    """

    code: str
    begin_s: float
    end_s: float
    low_hz: float | None = None
    high_hz: float | None = None
    snr_db: float | None = None
    recording_id: str | None = None

    @property
    def duration_s(self) -> float:
        return self.end_s - self.begin_s

    def overlap_s(self, begin_s: float, end_s: float) -> float:
        """How much of it lies between two times."""
        return max(0.0, min(self.end_s, end_s) - max(self.begin_s, begin_s))

    def counts_between(self, begin_s: float, end_s: float, min_overlap_s: float = MIN_OVERLAP_S) -> bool:
        """Whether a row holds enough of it: `min_overlap_s`, or half of a call that is shorter than twice that.

        So every call counts in at least one row.
        """
        overlap_s = self.overlap_s(begin_s, end_s)
        # A call cut in two halves must not be lost to rounding.
        return overlap_s > 0 and overlap_s >= min(min_overlap_s, self.duration_s / 2) - 1e-9


def rows_s(duration_s: float, row_s: float) -> list[tuple[float, float]]:
    """A soundscape in rows, one after another (BirdCLEF's have 5 s); the last may stand over the soundscape's end."""
    # A duration is a whole number of samples over a rate: what rounding adds to it is no row.
    n_rows = max(1, -int(-(duration_s - 1e-6) // row_s))
    return [(number * row_s, (number + 1) * row_s) for number in range(n_rows)]
