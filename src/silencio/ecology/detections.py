"""Detections: windows without a break between them in which one species was detected, and what people found of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from silencio.detections.merging import MergedDetection, merge_windows
from silencio.ecology.recordings import LeftOut, Recording, RecordingRows, Request, later

Verdict = Literal["present", "absent", "unsure"]
# `confirmed` and `corrected` are a person's: present where the model detected it, or where it did not.
Status = Literal["unreviewed", "confirmed", "corrected", "rejected", "unsure"]
# Prediction, the window's place in its recording by its start, species code.
ReviewKey = tuple[str, int, str]


@dataclass(frozen=True, slots=True)
class Review:
    """What people found of one species in one window.

    Attributes:
        verdict: `unsure` too where they disagree, or where nothing can be told of the window.
        at: When the last of them looked.
    """

    verdict: Verdict
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Detection:
    """One species from one second to another.

    Attributes:
        recording: The recording.
        code: Species code.
        start_s: Start of the first window in which the model detected it, or a person found it.
        end_s: End of the last.
        begun_at: Its start, in the zone of the site.
        probability: The greatest of its windows, among those where it was one of the five most probable species.
        status: What people found.
        reviewed_at: When the last of them looked; None where nobody did.
        confirmed_s: From the first window to the last in which a person found it.
    """

    recording: Recording
    code: str
    start_s: float
    end_s: float
    begun_at: datetime
    probability: float | None
    status: Status
    reviewed_at: datetime | None = None
    confirmed_s: tuple[float, float] | None = None

    @property
    def is_accepted(self) -> bool:
        """Whether it counts: rejected ones do not, nor those of which a listener was not sure."""
        return self.status in ("unreviewed", "confirmed", "corrected")

    @property
    def is_verified(self) -> bool:
        return self.status in ("confirmed", "corrected")


@dataclass(frozen=True)
class Observations:
    """A period of the log.

    Attributes:
        recordings: By time.
        detections: By recording, species and start; rejected ones are among them.
        requests: By time.
        left_out: What was not counted.
    """

    recordings: tuple[Recording, ...]
    detections: tuple[Detection, ...]
    requests: tuple[Request, ...]
    left_out: LeftOut

    @property
    def accepted(self) -> list[Detection]:
        return [one for one in self.detections if one.is_accepted]


@dataclass(frozen=True, slots=True)
class _WindowSpecies:
    """A species in a window: detected, reviewed, or both."""

    start_s: float
    probability: float | None
    is_detected: bool
    review: Review | None


def observations_of(rows: RecordingRows, reviews: Mapping[ReviewKey, Review] | None = None) -> Observations:
    """Detections of the recordings, as people corrected them.

    Windows are joined as they were detected, so that a detection keeps its start, and with it its name elsewhere, when
    people look at it.

    Args:
        rows: As `recordings_of` gives.
        reviews: What people found, by window and species; a species that a person found where the model did not is
            among them.
    """
    reviews = reviews or {}
    of_windows: dict[str, list[tuple[int, str, Review]]] = {}
    for (prediction_id, window, code), review in reviews.items():
        of_windows.setdefault(prediction_id, []).append((window, code, review))
    detections: list[Detection] = []
    for recording, starts_s, found in _by_recording(rows):
        for window, code, review in of_windows.get(recording.prediction_id, ()):
            if window < len(starts_s):
                before = found.setdefault(code, {}).get(window)
                probability, is_detected = (before.probability, before.is_detected) if before else (None, False)
                found[code][window] = _WindowSpecies(starts_s[window], probability, is_detected, review)
        detections += _detections(recording, found)
    return Observations(rows.recordings, tuple(detections), rows.requests, rows.left_out)


def _by_recording(
    rows: RecordingRows,
) -> Iterator[tuple[Recording, Sequence[float], dict[str, dict[int, _WindowSpecies]]]]:
    """Each recording with its windows' starts, and the windows in which species were detected, by code."""
    starts_s = np.asarray(rows.windows["start_s"], np.float64)
    row_of, codes, probabilities = _detected(rows.windows)
    recordings = np.arange(len(rows.recordings))
    first_row = np.searchsorted(rows.recording_of_row, recordings)
    ends = np.searchsorted(rows.recording_of_row, recordings, side="right")
    first_detected, detected_ends = np.searchsorted(row_of, first_row), np.searchsorted(row_of, ends)
    for i, recording in enumerate(rows.recordings):
        found: dict[str, dict[int, _WindowSpecies]] = {}
        for j in range(first_detected[i], detected_ends[i]):
            row = int(row_of[j])
            window = _WindowSpecies(float(starts_s[row]), probabilities[j], is_detected=True, review=None)
            found.setdefault(codes[j], {})[row - int(first_row[i])] = window
        yield recording, starts_s[first_row[i] : ends[i]].tolist(), found


def _detected(windows: pa.Table) -> tuple[NDArray[np.int64], list[str], list[float | None]]:
    """Each detected species of each window: its row, code and probability; None where it is not among the top five."""
    listed = windows["detected_codes"].combine_chunks()
    row_of = np.asarray(pc.list_parent_indices(listed), np.int64)
    codes = pc.list_flatten(listed).to_pylist()
    has_any = np.unique(row_of)
    tops = windows.select(["top_codes", "top_probabilities"]).take(pa.array(has_any)).to_pylist()
    by_row = {
        int(row): dict(zip(top["top_codes"] or (), top["top_probabilities"] or (), strict=True))
        for row, top in zip(has_any, tops, strict=True)
    }
    return row_of, codes, [by_row[int(row)].get(code) for row, code in zip(row_of, codes, strict=True)]


def _detections(recording: Recording, found: Mapping[str, Mapping[int, _WindowSpecies]]) -> Iterator[Detection]:
    """Runs of windows, by species and start; a window that was only looked at and rejected is in none."""
    present = {
        code: [one for one in windows.values() if one.is_detected or (one.review and one.review.verdict == "present")]
        for code, windows in sorted(found.items())
    }
    codes = [code for code, windows in present.items() if windows]
    if not codes:
        return
    starts_s = sorted({one.start_s for code in codes for one in present[code]})
    row_of = {start_s: row for row, start_s in enumerate(starts_s)}
    passes = np.zeros((len(starts_s), len(codes)), bool)
    for column, code in enumerate(codes):
        passes[[row_of[one.start_s] for one in present[code]], column] = True
    ends_s = max(recording.duration_s, starts_s[-1])
    for run in merge_windows(starts_s, recording.window_s, passes.astype(np.float32), passes, ends_s):
        code = codes[run.column]
        yield _detection(recording, code, run, [one for one in present[code] if run.start_s <= one.start_s < run.end_s])


def _detection(recording: Recording, code: str, run: MergedDetection, windows: Sequence[_WindowSpecies]) -> Detection:
    known = [one.probability for one in windows if one.probability is not None]
    reviewed = [one.review.at for one in windows if one.review and one.review.at]
    return Detection(
        recording,
        code,
        run.start_s,
        run.end_s,
        later(recording.begun_at, run.start_s),
        max(known, default=None),
        _status(windows),
        max(reviewed, default=None),
        _confirmed_s(windows, recording),
    )


def _status(windows: Sequence[_WindowSpecies]) -> Status:
    verdicts = {one.review.verdict if one.review else None for one in windows}
    if "present" in verdicts:
        return "confirmed" if any(one.is_detected for one in windows) else "corrected"
    # A run that was rejected or doubted where somebody looked has nothing left that speaks for its other windows.
    return "unsure" if "unsure" in verdicts else "rejected" if "absent" in verdicts else "unreviewed"


def _confirmed_s(windows: Sequence[_WindowSpecies], recording: Recording) -> tuple[float, float] | None:
    starts = [one.start_s for one in windows if one.review and one.review.verdict == "present"]
    return (min(starts), min(max(starts) + recording.window_s, recording.duration_s)) if starts else None
