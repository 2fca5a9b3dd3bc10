"""When animals call: detections by local hour and day, held against the sound that was recorded then."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

from silencio.ecology.detections import Detection
from silencio.ecology.recordings import Recording

HOUR = timedelta(hours=1)
_Key = TypeVar("_Key", int, date)


@dataclass(frozen=True)
class Activity:
    """Detections and effort in one hour of the day, or on one day.

    Attributes:
        n_detections: Accepted detections that begin in it.
        n_reviewed: Accepted detections that a person confirmed.
        recorded_h: Hours of sound.
    """

    n_detections: int
    n_reviewed: int
    recorded_h: float

    @property
    def per_hour(self) -> float | None:
        """Detections per recorded hour; None where nothing was recorded, which is not the same as none."""
        return self.n_detections / self.recorded_h if self.recorded_h > 0 else None


def by_hour(recordings: Iterable[Recording], detections: Iterable[Detection]) -> dict[int, Activity]:
    """Every local hour from 0 to 23.

    Args:
        recordings: Recordings of the group.
        detections: Their accepted detections.
    """
    return _activity(_effort_s(recordings, _hour), detections, _hour, range(24))


def by_hour_and_species(
    recordings: Iterable[Recording], detections: Iterable[Detection]
) -> dict[str, dict[int, Activity]]:
    """Every local hour of each species that was detected, all against the same effort.

    Args:
        recordings: Recordings of the group.
        detections: Their accepted detections.
    """
    effort_s = _effort_s(recordings, _hour)
    of_species: dict[str, list[Detection]] = defaultdict(list)
    for one in detections:
        of_species[one.code].append(one)
    return {code: _activity(effort_s, of_species[code], _hour, range(24)) for code in sorted(of_species)}


def by_day(
    recordings: Iterable[Recording], detections: Iterable[Detection], days: Sequence[date]
) -> dict[date, Activity]:
    """Every local day of a period.

    Args:
        recordings: Recordings of the group.
        detections: Their accepted detections.
        days: Days in order.
    """
    return _activity(_effort_s(recordings, _day), detections, _day, days)


def pieces(recording: Recording) -> Iterator[tuple[datetime, float]]:
    """A recording cut at full local hours: when each piece begins, in the zone of its site, and its seconds."""
    at, end = recording.begun_at.astimezone(UTC), recording.ended_at.astimezone(UTC)
    while at < end:
        local = at.astimezone(recording.begun_at.tzinfo)
        into_hour = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        until = min(end, at + HOUR - into_hour)
        yield local, (until - at).total_seconds()
        at = until


def _hour(at: datetime) -> int:
    return at.hour


def _day(at: datetime) -> date:
    return at.date()


def _effort_s(recordings: Iterable[Recording], key: Callable[[datetime], _Key]) -> Mapping[_Key, float]:
    effort_s: dict[_Key, float] = defaultdict(float)
    for recording in recordings:
        for at, seconds in pieces(recording):
            effort_s[key(at)] += seconds
    return effort_s


def _activity(
    effort_s: Mapping[_Key, float],
    detections: Iterable[Detection],
    key: Callable[[datetime], _Key],
    keys: Iterable[_Key],
) -> dict[_Key, Activity]:
    found: Counter[_Key] = Counter()
    reviewed: Counter[_Key] = Counter()
    for one in detections:
        found[key(one.begun_at)] += 1
        reviewed[key(one.begun_at)] += one.is_verified
    return {one: Activity(found[one], reviewed[one], effort_s.get(one, 0.0) / 3600) for one in keys}
