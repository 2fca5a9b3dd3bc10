"""Which detections people found right, beside what their probabilities promised."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean

from silencio.feedback.latest import Held

# Of the reviewed windows of a recording in which a species is named, those that are right for it to be there.
_MIN_RIGHT_SHARE = 0.5


@dataclass(frozen=True)
class Detection:
    """One species in one window, as the answer named it.

    Attributes:
        window_id: As `silencio.feedback.window_id` makes it.
        code: Species code.
        probability: Calibrated probability that it was there.
    """

    window_id: str
    code: str
    probability: float


@dataclass(frozen=True)
class ReviewedDetection:
    """One species in one recording, of which somebody reviewed a window or more.

    Attributes:
        prediction_id: The recording's.
        code: Species code.
        probability: Mean calibrated probability of the windows that were reviewed.
        is_right: Whether half of these windows were found right, or more.
    """

    prediction_id: str
    code: str
    probability: float
    is_right: bool


def reviewed_detections(
    detections: Iterable[Detection], held: Mapping[tuple[str, str], Held]
) -> list[ReviewedDetection]:
    """Detections that a person confirmed or rejected, one a species and recording; `unsure` and `bad_audio` are none.

    Windows of one animal, or of one mistake, are no independent ones: twenty-four of a minute would be a model that
    decays.

    Args:
        detections: By window; one that nobody reviewed is left out.
        held: As `silencio.feedback.verdicts` gives.
    """
    windows: dict[tuple[str, str], list[tuple[float, bool]]] = defaultdict(list)
    for one in detections:
        found = held.get((one.window_id, one.code))
        if found is not None and found.verdict in ("present", "absent"):
            prediction_id = one.window_id.rpartition(":")[0]
            windows[prediction_id, one.code].append((one.probability, found.verdict == "present"))
    return [
        ReviewedDetection(
            prediction_id,
            code,
            probability=fmean(probability for probability, _ in reviewed),
            is_right=fmean(is_right for _, is_right in reviewed) >= _MIN_RIGHT_SHARE,
        )
        for (prediction_id, code), reviewed in windows.items()
    ]
