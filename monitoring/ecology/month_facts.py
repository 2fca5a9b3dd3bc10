"""A month's numbers by trail, season and bundle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from monitoring.ecology.period import Period, Sources, undated_note
from silencio.ecology import (
    Accumulation,
    Activity,
    Benchmark,
    Detection,
    Places,
    Recording,
    Session,
    SessionNumbers,
    accumulation,
    by_day,
    by_hour,
    by_hour_and_species,
    session_numbers,
    sessions_of,
)
from silencio.ecology.detections import Status
from silencio.taxonomy import Species

# Of all species together.
ALL = "all"


@dataclass(frozen=True)
class Group:
    """A part of the month.

    Attributes:
        by: `all`, `trail`, `season` or `bundle`.
        name: Which one.
        sessions: Numbers of its sessions.
        recorded_h: Hours of sound, of fixed recorders too.
        n_detections: Detections by what people found of them.
    """

    by: str
    name: str
    sessions: SessionNumbers
    recorded_h: float
    n_detections: Counter[Status]


@dataclass(frozen=True)
class SpeciesRow:
    """A species on a trail.

    Attributes:
        trail: The trail.
        code: Species code.
        scientific_name: Empty where no bundle was given that has it.
        common_name: Empty where no bundle was given that has it.
        n_detections: Detections by what people found of them.
        n_recordings: Recordings with an accepted detection.
        n_sessions: Sessions with an accepted detection.
        first_day: Day of the first accepted detection.
        last_day: Day of the last.
    """

    trail: str
    code: str
    scientific_name: str
    common_name: str
    n_detections: Counter[Status]
    n_recordings: int
    n_sessions: int
    first_day: date | None
    last_day: date | None


@dataclass(frozen=True)
class Curve:
    """A trail's accumulation in a season.

    Attributes:
        trail: The trail.
        season: The season.
        accumulation: The curve.
    """

    trail: str
    season: str
    accumulation: Accumulation


@dataclass(frozen=True)
class MonthFacts:
    """Everything that tables and page hold.

    Attributes:
        period: The month's observations.
        notes: What a reader must know, one sentence each.
        benchmark: How many species in how many minutes.
        groups: `all` first, then trails, seasons and bundles.
        species: By trail and code.
        hours: Activity by local hour, by trail and code; `all` are all trails, or all species.
        days: Activity by local day, by trail; `all` are all trails.
        curves: By trail and season.
        n_without_session: Recordings of no session, such as a fixed recorder's.
        was_reviewed: Whether judgements were given.
    """

    period: Period
    notes: tuple[str, ...]
    benchmark: Benchmark
    groups: tuple[Group, ...]
    species: tuple[SpeciesRow, ...]
    hours: dict[tuple[str, str], dict[int, Activity]]
    days: dict[str, dict[date, Activity]]
    curves: tuple[Curve, ...]
    n_without_session: int
    was_reviewed: bool

    @property
    def whole(self) -> Group:
        return self.groups[0]


def month_facts(period: Period, sources: Sources, benchmark: Benchmark, seed: int = 0) -> MonthFacts:
    """A month's numbers.

    Args:
        period: Its observations.
        sources: Places and names.
        benchmark: How many species in how many minutes.
        seed: Seed of the bootstrap.
    """
    observations, places = period.observations, sources.places
    sessions = sessions_of(observations)
    of_sites = _of_sites(observations.recordings, observations.detections, places)
    days = [period.first_day + timedelta(days=i) for i in range((period.last_day - period.first_day).days + 1)]
    hours: dict[tuple[str, str], dict[int, Activity]] = {}
    for trail, (recordings, detections) in of_sites.items():
        accepted = [one for one in detections if one.is_accepted]
        hours[trail, ALL] = by_hour(recordings, accepted)
        hours |= {(trail, code): of_code for code, of_code in by_hour_and_species(recordings, accepted).items()}
    undated = undated_note(observations)
    return MonthFacts(
        period,
        (*period.notes, *([undated] if undated else [])),
        benchmark,
        tuple(_groups(period, sessions, places, seed)),
        tuple(_species(of_sites, sources.species)),
        hours,
        {
            trail: by_day(recordings, [one for one in found if one.is_accepted], days)
            for trail, (recordings, found) in of_sites.items()
        },
        tuple(_curves(period, sessions, places, benchmark, seed)),
        sum(one.session_id is None for one in observations.recordings),
        sources.judgements is not None,
    )


def _of_sites(
    recordings: Sequence[Recording], detections: Sequence[Detection], places: Places
) -> dict[str, tuple[list[Recording], list[Detection]]]:
    """All, and each trail."""
    found: dict[str, tuple[list[Recording], list[Detection]]] = {ALL: (list(recordings), list(detections))}
    for trail in sorted({places.trail_of(one.site_id) for one in recordings}):
        found[trail] = (
            [one for one in recordings if places.trail_of(one.site_id) == trail],
            [one for one in detections if places.trail_of(one.recording.site_id) == trail],
        )
    return found


def _groups(period: Period, sessions: Sequence[Session], places: Places, seed: int) -> Iterable[Group]:
    observations = period.observations
    kinds: dict[str, tuple[Callable[[Session], str], Callable[[Recording], str]]] = {
        ALL: (lambda one: ALL, lambda one: ALL),
        "trail": (lambda one: places.trail_of(one.site_id), lambda one: places.trail_of(one.site_id)),
        "season": (lambda one: places.season_of(one.at.date()), lambda one: places.season_of(one.begun_at.date())),
        "bundle": (lambda one: one.bundle_version, lambda one: one.bundle_version),
    }
    for by, (of_session, of_recording) in kinds.items():
        names = {of_session(one) for one in sessions} | {of_recording(one) for one in observations.recordings}
        for name in sorted(names) if by != ALL else [ALL]:
            recordings = [one for one in observations.recordings if of_recording(one) == name]
            yield Group(
                by,
                name,
                session_numbers([one for one in sessions if of_session(one) == name], seed=seed),
                sum(one.duration_s for one in recordings) / 3600,
                Counter(one.status for one in observations.detections if of_recording(one.recording) == name),
            )


def _curves(
    period: Period, sessions: Sequence[Session], places: Places, benchmark: Benchmark, seed: int
) -> Iterable[Curve]:
    observations = period.observations
    keys = [(places.trail_of(one.site_id), places.season_of(one.begun_at.date())) for one in observations.recordings]
    for trail, season in sorted(set(keys)):
        recordings = [one for one, key in zip(observations.recordings, keys, strict=True) if key == (trail, season)]
        inside = {one.prediction_id for one in recordings}
        yield Curve(
            trail,
            season,
            accumulation(
                recordings,
                [one for one in observations.accepted if one.recording.prediction_id in inside],
                [
                    one
                    for one in sessions
                    if (places.trail_of(one.site_id), places.season_of(one.at.date())) == (trail, season)
                ],
                benchmark,
                seed=seed,
            ),
        )


def _species(
    of_trails: dict[str, tuple[list[Recording], list[Detection]]], names: dict[str, Species]
) -> Iterable[SpeciesRow]:
    for trail, (_, detections) in of_trails.items():
        of_codes: dict[str, list[Detection]] = {}
        for one in detections:
            of_codes.setdefault(one.code, []).append(one)
        for code, of_code in sorted(of_codes.items()):
            accepted = [one for one in of_code if one.is_accepted]
            days = [one.begun_at.date() for one in accepted]
            known = names.get(code)
            yield SpeciesRow(
                trail,
                code,
                known.scientific_name if known else "",
                known.common_name if known else "",
                Counter(one.status for one in of_code),
                len({one.recording.prediction_id for one in accepted}),
                len({one.recording.session_id for one in accepted} - {None}),
                min(days, default=None),
                max(days, default=None),
            )
