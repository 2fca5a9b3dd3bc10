"""Detection histories: was a species found at a site on an occasion, and how long was listened; for occupancy models.

Of such a model (MacKenzie et al. 2002, Ecology 83: 2248) a zero means: recorded, and not found. A night without a
recording is no zero but missing, and the minutes of a night bear on how likely a species that is there is found.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from silencio.ecology.activity import pieces
from silencio.ecology.detections import Detection, Observations
from silencio.ecology.recordings import Recording

# A day from midnight to midnight, or a night from noon to noon that bears the evening's date.
OccasionKind = Literal["day", "night"]
# `verified`: a detection that nobody looked at is missing knowledge, neither 1 nor 0.
Evidence = Literal["accepted", "verified"]
_NOON = timedelta(hours=12)


@dataclass(frozen=True)
class DetectionHistory:
    """Sites by occasions.

    Attributes:
        sites: Site ids, rows.
        occasions: First day of each occasion, columns.
        minutes: Minutes recorded, (n_sites, n_occasions).
        found: 1, 0, or NaN where nothing is known, by species: (n_sites, n_occasions).
    """

    sites: tuple[str, ...]
    occasions: tuple[date, ...]
    minutes: NDArray[np.float64]
    found: dict[str, NDArray[np.float64]]


def detection_history(
    observations: Observations,
    first_day: date,
    last_day: date,
    *,
    sites: Sequence[str] = (),
    codes: Sequence[str] = (),
    kind: OccasionKind = "day",
    n_days: int = 1,
    evidence: Evidence = "accepted",
    min_minutes: float = 0.0,
) -> DetectionHistory:
    """The history of each species.

    Args:
        observations: Recordings whose time is known; those that it is not known of are left out.
        first_day: First day of the first occasion.
        last_day: Last day; an occasion of several days that it cuts is kept.
        sites: Site ids; those of the recordings where it is empty.
        codes: Species codes; those of the accepted detections where it is empty.
        kind: What an occasion's day is.
        n_days: Days in an occasion.
        evidence: What counts as found.
        min_minutes: An occasion with fewer minutes is missing; one without any always is.
    """
    recordings = [one for one in observations.recordings if one.is_dated]
    detections = [one for one in observations.detections if one.recording.is_dated]
    rows = tuple(sites) or tuple(sorted({one.site_id for one in recordings}))
    species = tuple(codes) or tuple(sorted({one.code for one in detections if one.is_accepted}))
    occasions = tuple(first_day + timedelta(days=i) for i in range(0, (last_day - first_day).days + 1, n_days))
    cells = _Cells({site: i for i, site in enumerate(rows)}, first_day, len(occasions), n_days, kind)
    minutes = _minutes(recordings, cells)
    missing = (minutes <= 0) | (minutes < min_minutes)
    found = {code: np.where(missing, np.nan, 0.0) for code in species}
    for one in _weakest_first(detections):
        cell = cells.of(one.recording.site_id, one.begun_at)
        if cell is not None and one.code in found and not missing[cell]:
            value = _value(one, evidence)
            # A one stands; what is not known yet does not make a one unknown.
            if value is not None and found[one.code][cell] != 1.0:
                found[one.code][cell] = value
    return DetectionHistory(rows, occasions, minutes, found)


@dataclass(frozen=True)
class _Cells:
    site_rows: dict[str, int]
    first_day: date
    n_occasions: int
    n_days: int
    kind: OccasionKind

    def of(self, site_id: str, at: datetime) -> tuple[int, int] | None:
        local = at.replace(tzinfo=None)
        day = (local - _NOON if self.kind == "night" else local).date()
        column, row = (day - self.first_day).days // self.n_days, self.site_rows.get(site_id)
        return (row, column) if row is not None and 0 <= column < self.n_occasions else None


def _minutes(recordings: Iterable[Recording], cells: _Cells) -> NDArray[np.float64]:
    minutes = np.zeros((len(cells.site_rows), cells.n_occasions))
    for recording in recordings:
        for at, seconds in pieces(recording):
            cell = cells.of(recording.site_id, at)
            if cell is not None:
                minutes[cell] += seconds / 60
    return minutes


def _weakest_first(detections: Iterable[Detection]) -> list[Detection]:
    return sorted(detections, key=lambda one: one.is_verified)


def _value(detection: Detection, evidence: Evidence) -> float | None:
    if detection.is_verified:
        return 1.0
    if evidence == "accepted":
        return 1.0 if detection.is_accepted else None
    # Somebody who looked and found nothing leaves the zero; nobody, or one who was unsure, leaves it open.
    return None if detection.status == "rejected" else np.nan
