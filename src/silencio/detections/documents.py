"""The answer, in one shape for every kind of request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from silencio.audio import ReadingNote
from silencio.detections.merging import merge_windows
from silencio.detections.prior.expected import Expected
from silencio.errors import BundleIntegrityError
from silencio.taxonomy import ClassList

TopK = int | Literal["all"]
DroppedBy = Literal["threshold", "location", "season"]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SpeciesEntry(_Entry):
    """One species in one window.

    Attributes:
        code: As in the class list, like all names.
        scientific_name: Binomial.
        common_name: English name.
        class_name: Taxon class.
        probability: What place and season leave of `raw_probability`.
        raw_probability: The model's, calibrated.
        passes_threshold: Whether it counts as named.
        dropped_by: Why it does not: the model's own probability is below the species' threshold, or place or season
            took it below.
    """

    code: str
    scientific_name: str
    common_name: str
    class_name: str
    probability: float
    raw_probability: float
    passes_threshold: bool
    dropped_by: DroppedBy | None


class WindowEntry(_Entry):
    """One window, its species from most to least probable.

    The last may begin before the one before it has ended, or end after the recording: as the bundle's feature
    specification says (`last_window`).
    """

    start_s: float
    end_s: float
    species: list[SpeciesEntry]


class DetectionEntry(_Entry):
    """One species over as many windows as it was named in without a break, with its greatest probability there."""

    start_s: float
    end_s: float
    code: str
    scientific_name: str
    common_name: str
    class_name: str
    probability: float


class NoteEntry(_Entry):
    """What was not as it should be in a recording, and was read all the same.

    Attributes:
        kind: One word, as docs/recordings.md lists them.
        text: A sentence with the numbers.
    """

    kind: str
    text: str


class RecordingDocument(_Entry):
    """One recording.

    Attributes:
        windows: Windows by start.
        detections: Detections by start, then code.
        duration_s: Length of the recording; None where it was not known.
        hop_s: Seconds from the start of one window to the start of the next, but for a last one that was moved back;
            None where the server is of an earlier version.
        notes: What was odd about its file or its sound.
        bundle_version: Version of the bundle that answered; empty where the server is of an earlier version.
    """

    windows: list[WindowEntry]
    detections: list[DetectionEntry]
    duration_s: float | None
    hop_s: float | None = None
    notes: list[NoteEntry] = []
    bundle_version: str = ""

    @property
    def row_ends_s(self) -> list[float]:
        """The second that names each window's row in BirdCLEF's tables.

        Rows stand a hop apart, whatever a recording's length: a last window that was moved back is the row in which its
        recording ends, and a file of 59.99 s has a row 60, as the tables with which it is joined have.
        """
        if self.hop_s is None or not self.windows:
            return [window.end_s for window in self.windows]
        window_s = self.windows[0].end_s - self.windows[0].start_s
        return [number * self.hop_s + window_s for number in range(len(self.windows))]


def recording_document(
    starts_s: Sequence[float],
    probabilities: NDArray[np.float32],
    *,
    window_s: float,
    hop_s: float,
    classes: ClassList,
    thresholds: Mapping[str, float],
    top_k: TopK,
    expected: Expected | None = None,
    duration_s: float | None = None,
    notes: Sequence[ReadingNote] = (),
    bundle_version: str = "",
) -> RecordingDocument:
    """Name what the scores detect.

    A window lists the `top_k` most probable species, every species that passes its threshold, and every species that
    would have passed, had place and season not been against it.

    Args:
        starts_s: The second at which each window begins, rising.
        probabilities: Calibrated, float32, shape (n_windows, n_classes).
        window_s: Length of a window.
        hop_s: Seconds from the start of one to the start of the next.
        classes: What the columns mean.
        thresholds: By code of every class, the probability from which on a species counts as named.
        top_k: How many species a window lists at least.
        expected: What can be there at that place and time; None where nothing is known of it.
        duration_s: Length of the recording.
        notes: Notes of whoever read it.
        bundle_version: Version of the bundle that the probabilities are from.

    Raises:
        BundleIntegrityError: A class has no threshold.
    """
    marks = _mark(probabilities, classes, thresholds, expected)
    detections = merge_windows(starts_s, window_s, marks.adjusted, marks.passes, duration_s)
    detections.sort(key=lambda one: (one.start_s, classes.codes[one.column]))
    # Validated once as a whole: ten minutes with every class are 25,000 entries.
    return RecordingDocument.model_validate(
        {
            "windows": [
                {"start_s": start_s, "end_s": start_s + window_s, "species": species}
                for start_s, species in zip(starts_s, _species(marks, classes, top_k), strict=True)
            ],
            "detections": [
                {"start_s": one.start_s, "end_s": one.end_s, **_names(classes, one.column), "probability": one.highest}
                for one in detections
            ],
            "duration_s": duration_s,
            "hop_s": hop_s,
            "notes": [{"kind": note.kind, "text": note.text} for note in notes],
            "bundle_version": bundle_version,
        }
    )


@dataclass(frozen=True, eq=False)
class _Marks:
    """Each array is (n_windows, n_classes).

    Attributes:
        raw: As the model gives them, float32.
        adjusted: Probabilities adjusted by place and season, float32.
        is_candidate: The raw probability reaches the threshold.
        passes: The adjusted one does as well, and the species is not filtered out.
        reasons: By class, what is against it.
    """

    raw: NDArray[np.float32]
    adjusted: NDArray[np.float32]
    is_candidate: NDArray[np.bool_]
    passes: NDArray[np.bool_]
    reasons: Sequence[Literal["location", "season"] | None]


def _mark(
    raw: NDArray[np.float32], classes: ClassList, thresholds: Mapping[str, float], expected: Expected | None
) -> _Marks:
    # In double precision: a threshold that is a probability of the validation split is met by that probability.
    try:
        limits = np.array([thresholds[code] for code in classes.codes])
    except KeyError as error:
        raise BundleIntegrityError(
            f"class {error.args[0]!r} has no threshold: from which probability on it counts as named is not known"
        ) from error
    is_candidate = raw >= limits
    if expected is None:
        return _Marks(raw, raw, is_candidate, is_candidate, [None] * len(classes))
    adjusted = raw * expected.weights
    passes = (adjusted >= limits) & (expected.weights > 0)
    return _Marks(raw, adjusted, is_candidate, passes, expected.reasons)


def _species(marks: _Marks, classes: ClassList, top_k: TopK) -> list[list[dict[str, Any]]]:
    n_classes = len(classes)
    # Stable, so that equal probabilities come in the order of the class list on every machine; species that place and
    # season rule out are all equal, and come as the model ranks them.
    keys = (-marks.raw, -marks.adjusted) if marks.adjusted is not marks.raw else (-marks.raw,)
    order = np.lexsort(keys, axis=1)
    listed = np.take_along_axis(marks.is_candidate | marks.passes, order, axis=1)
    listed[:, : n_classes if top_k == "all" else top_k] = True
    return [
        [
            {
                **_names(classes, i),
                "probability": adjusted[i],
                "raw_probability": raw[i],
                "passes_threshold": passes[i],
                "dropped_by": None if passes[i] else (marks.reasons[i] or "location") if candidate[i] else "threshold",
            }
            for i in ranked[shown].tolist()
        ]
        for ranked, shown, raw, adjusted, candidate, passes in zip(
            order,
            listed,
            marks.raw.tolist(),
            marks.adjusted.tolist(),
            marks.is_candidate.tolist(),
            marks.passes.tolist(),
            strict=True,
        )
    ]


def _names(classes: ClassList, column: int) -> dict[str, str]:
    one = classes[column]
    return {
        "code": one.code,
        "scientific_name": one.scientific_name,
        "common_name": one.common_name,
        "class_name": one.class_name,
    }
