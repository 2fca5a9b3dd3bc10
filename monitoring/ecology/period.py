"""A month of the log as observations, with what a reader of the numbers must know of it in sentences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from monitoring.ecology.files import read_yaml
from monitoring.ecology.reviews import read_judgements, reviews_of
from silencio.bundle.manifest import read_manifest
from silencio.ecology import COLUMNS, NO_SITE, Observations, Places, observations_of, recordings_of
from silencio.ecology.recordings import Recording
from silencio.errors import ConfigError, DataError
from silencio.feedback import Judgement
from silencio.prediction_log import read_log
from silencio.taxonomy import Species, listed

# Zones reach so far from UTC, and a phone's clock runs ahead of the server's.
_ZONES = timedelta(hours=15)
# Two hours of the sun: no zone of a place is further from its own.
_MAX_LONGITUDE_OF_UTC = 30.0
_MONTH = re.compile(r"(\d{4})-(\d{2})")


@dataclass(frozen=True)
class Sources:
    """Where everything is read.

    Attributes:
        log: Place of the prediction log.
        places: Sites, zones, seasons.
        has_places: Whether a file of places was given.
        judgements: Judgements of people; None where none were given.
        species: Species by code, of the bundles that were given.
        late_days: So many days later a recording may have arrived.
        site: Only this site; all where it is None.
    """

    log: str
    places: Places
    has_places: bool
    judgements: tuple[Judgement, ...] | None
    species: dict[str, Species]
    late_days: int = 60
    site: str | None = None


@dataclass(frozen=True)
class Period:
    """Observations of days that follow each other.

    Attributes:
        name: What it is called, such as `2026-05`.
        first_day: First day.
        last_day: Last day.
        observations: What was counted.
        notes: What a reader must know, one sentence each.
    """

    name: str
    first_day: date
    last_day: date
    observations: Observations
    notes: tuple[str, ...]


def sources_of(
    log: str,
    places: Path | None,
    zone: str | None,
    judgements: Path | None,
    bundles: Sequence[Path],
    late_days: int,
    site: str | None,
) -> Sources:
    """Everything that options name.

    Raises:
        ConfigError: Places cannot be used, or a value makes no sense.
        DataError: Judgements cannot be read.
        BundleError: A bundle cannot be read.
    """
    if late_days < 0:
        raise ConfigError(f"--late-days must be at least 0, not {late_days}")
    given = read_yaml(places, Places, "the file of places") if places is not None else Places()
    if zone is not None:
        given = Places.model_validate(given.model_dump() | {"zone": zone})
    species = {one.code: one for folder in bundles for one in read_manifest(folder).classes}
    found = None if judgements is None else tuple(read_judgements(judgements))
    return Sources(log, given, places is not None, found, species, late_days, site)


def month_days(month: str) -> tuple[date, date]:
    """First day of a month and of the next.

    Raises:
        ConfigError: It is no month.
    """
    match = _MONTH.fullmatch(month)
    if match is None or not 1 <= int(match[2]) <= 12 or int(match[1]) < 1:
        raise ConfigError(f"--month must look like 2026-05, not {month!r}")
    year, number = int(match[1]), int(match[2])
    return date(year, number, 1), date(year + number // 12, number % 12 + 1, 1)


def read_month(sources: Sources, month: str) -> Period:
    """A month's observations.

    Args:
        sources: Where everything is read.
        month: Such as `2026-05`.

    Raises:
        ConfigError: It is no month.
        StorageError: The log cannot be read.
        DataError: It holds nothing of the month, or not of the site.
    """
    first_day, until = month_days(month)
    return read_period(sources, month, first_day, until)


def read_period(sources: Sources, name: str, first_day: date, until: date) -> Period:
    """Observations of days that follow each other.

    Args:
        sources: Where everything is read.
        name: What the period is called.
        first_day: First local day.
        until: First local day after it.

    Raises:
        StorageError: The log cannot be read.
        DataError: It holds nothing of the period, or not of the site.
    """
    delay = timedelta(days=sources.late_days)
    begin, end = (datetime.combine(day, time(), UTC) for day in (first_day, until))
    table = read_log(sources.log, begin - _ZONES, end + _ZONES + delay, COLUMNS)
    if not len(table):
        raise DataError(
            f"{sources.log} holds no request that came from {first_day} to {until + delay}: "
            "is it the place that --prediction_log of the server names?"
        )
    rows = recordings_of(table, sources.places, first_day, until, delay)
    reviews = None if sources.judgements is None else reviews_of(sources.judgements, rows)
    observations = observations_of(rows, reviews)
    if not observations.requests:
        left = observations.left_out
        raise DataError(
            f"{sources.log} holds no recording that was made in {name}: of those that arrived by {until + delay}, "
            f"{left.n_other_days} are of other days, and the clock of {left.n_wrong_clocks} is wrong"
        )
    notes = [*_notes(observations, sources)]
    if sources.site is not None:
        observations = _of_site(observations, sources.site, name)
    return Period(name, first_day, until - timedelta(days=1), observations, tuple(notes))


def _of_site(observations: Observations, site: str, month: str) -> Observations:
    known = {one.site_id for one in observations.requests}
    if site not in known:
        raise DataError(f"no request of {month} is of the site {site!r}; there are {listed(sorted(known))}")
    return Observations(
        tuple(one for one in observations.recordings if one.site_id == site),
        tuple(one for one in observations.detections if one.recording.site_id == site),
        tuple(one for one in observations.requests if one.site_id == site),
        observations.left_out,
    )


def undated_note(observations: Observations) -> str | None:
    """That hours and days are in part those of the requests; None where they are not."""
    n_undated = observations.left_out.n_undated
    if not n_undated:
        return None
    return (
        f"{n_undated} of {len(observations.recordings)} recordings came without the time at which they were made: the "
        "time of their arrival stands in, by which hours and days are counted."
    )


def _notes(observations: Observations, sources: Sources) -> list[str]:
    left, notes = observations.left_out, []
    n = len(observations.recordings)
    if left.n_wrong_clocks:
        notes.append(
            f"Recordings that do not count, since their clock is wrong: {left.n_wrong_clocks}. Their time lies "
            f"after their arrival, or more than {sources.late_days} days before it."
        )
    if left.n_repeated_recordings:
        notes.append(f"Recordings that had been sent before, and count once: {left.n_repeated_recordings}.")
    if left.n_shadow_rows:
        notes.append(f"Rows that are a release's copies, and do not count: {left.n_shadow_rows}.")
    if n_lost := sum(one.session_id is None and not one.is_answered for one in observations.requests):
        notes.append(f"Requests that failed and name no session, so that no session has them: {n_lost}.")
    if n_far := sum(_is_far_from_utc(one, sources) for one in observations.recordings):
        notes.append(
            f"Hours, days and nights of {n_far} of {n} recordings are UTC's, and were made hours from it: give --zone, "
            "or a zone in the file of places."
        )
    used = {one.site_id for one in observations.requests}
    if n_nowhere := sum(one.site_id == NO_SITE for one in observations.recordings):
        notes.append(f"{n_nowhere} of {n} recordings name no site; they are counted as '{NO_SITE}'.")
    if sources.has_places and (unknown := sorted(used - sources.places.sites.keys() - {NO_SITE})):
        notes.append(
            f"The file of places does not have {'these sites' if len(unknown) > 1 else 'the site'}: {listed(unknown)}; "
            "each is counted under its id."
        )
    if sources.species and (strange := sorted({one.code for one in observations.accepted} - sources.species.keys())):
        notes.append(f"No bundle that was given has these species: {listed(strange)}; they go by their codes.")
    return notes


def _is_far_from_utc(one: Recording, sources: Sources) -> bool:
    """Whether its site has no clock but UTC's, and lies more than two hours from it by the sun."""
    return (
        one.longitude is not None
        and abs(one.longitude) > _MAX_LONGITUDE_OF_UTC
        and sources.places.zone_of(one.site_id).key == "UTC"
    )
