"""`silencio ecology detection-history`: tables for occupancy models."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np

from monitoring.ecology.month_tables import Row, as_csv
from monitoring.ecology.period import Sources, month_days, read_period
from silencio.ecology import NO_SITE, DetectionHistory, detection_history
from silencio.ecology.occasions import Evidence, OccasionKind
from silencio.errors import ConfigError, DataError
from silencio.storage import write_atomically
from silencio.taxonomy import listed

LONG, EFFORT, README = "history.csv", "effort_minutes.csv", "README.txt"
# What R takes for a missing value.
_MISSING = "NA"
_README = """Detection histories of a prediction log, {first} to {last}.

history.csv        one row a species, site and occasion: found is 1, 0 or NA, minutes is the sound that was recorded
effort_minutes.csv sites (rows) by occasions (columns): minutes recorded
y-CODE.csv         sites by occasions, in the same order: 1 found, 0 recorded and not found, NA nothing known

An occasion is {n_days} {kind}(s){noon}; a column is named by its first day.
NA: nothing was recorded{min_minutes}{verified}. Minutes of several recorders of one site are added up.

In R:
  y <- as.matrix(read.csv("y-CODE.csv", row.names = 1, check.names = FALSE))
  minutes <- as.matrix(read.csv("effort_minutes.csv", row.names = 1, check.names = FALSE))
  # unmarked
  data <- unmarked::unmarkedFrameOccu(y = y, obsCovs = list(minutes = minutes))
  # spOccupancy
  data <- list(y = y, det.covs = list(minutes = minutes))

{evidence}
"""
_EVIDENCE: dict[Evidence, str] = {
    "accepted": (
        "Detections that nobody listened to count as found. A machine's detections hold false ones, and occupancy "
        "models of this kind (MacKenzie et al. 2002) take none for false: a few raise the estimate much. Use "
        "--evidence verified, or a model with false positives (Royle and Link 2006; Chambert et al. 2015)."
    ),
    "verified": (
        "Found is what a person confirmed. Occasions with detections that nobody listened to are NA: listen to "
        "the best detection of each of them, not to a choice that depends on the result."
    ),
}


@dataclass(frozen=True)
class HistoryRule:
    """What an occasion is, and what counts.

    Attributes:
        kind: Day or night.
        n_days: Days in an occasion.
        evidence: What counts as found.
        min_minutes: An occasion with less sound is missing.
        codes: Species; every species that counts where it is empty.
        only_recorders: Whether recordings of sessions, which visitors made where they liked, are left out.
    """

    kind: OccasionKind
    n_days: int
    evidence: Evidence
    min_minutes: float
    codes: tuple[str, ...]
    only_recorders: bool = False


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes:
        history: The history.
        notes: What a reader must know, one sentence each.
    """

    history: DetectionHistory
    notes: tuple[str, ...]

    @property
    def n_cells(self) -> int:
        return self.history.minutes.size

    @property
    def n_missing(self) -> int:
        return int((self.history.minutes <= 0).sum())


def write_history(sources: Sources, months: Sequence[str], rule: HistoryRule, out: Path) -> Written:
    """Write the tables.

    Args:
        sources: Where everything is read.
        months: The first and the last, such as `2026-05`; all between them are read.
        rule: What an occasion is, and what counts.
        out: Folder; it is made.

    Raises:
        ConfigError: An option makes no sense.
        DataError: The log holds no recording with a time of its own, or a species is in no class list.
        StorageError: The log cannot be read, or a table not written.
    """
    if rule.n_days < 1 or rule.min_minutes < 0:
        raise ConfigError("--days must be at least 1, and --min-minutes at least 0")
    unknown = [code for code in rule.codes if code not in sources.species]
    if sources.species and unknown:
        raise DataError(f"no class list has {listed(unknown)}: --species takes codes of the bundle's class list")
    ordered = sorted(set(months))
    first_day, until = month_days(ordered[0])[0], month_days(ordered[-1])[1]
    # The last night ends on the next day's noon.
    read_until = until + timedelta(days=rule.kind == "night")
    name = ordered[0] if len(ordered) == 1 else f"{ordered[0]} to {ordered[-1]}"
    period = read_period(sources, name, first_day, read_until)
    observations = period.observations
    if rule.only_recorders:
        observations = replace(
            observations,
            recordings=tuple(one for one in observations.recordings if one.session_id is None),
            detections=tuple(one for one in observations.detections if one.recording.session_id is None),
        )
    if not any(one.is_dated for one in observations.recordings):
        kind = "recording of a fixed recorder" if rule.only_recorders else "recording"
        raise DataError(
            f"no {kind} of {name} came with the time at which it was made, without which it belongs to no occasion: "
            "clients send recorded_at"
        )
    history = detection_history(
        observations,
        first_day,
        until - timedelta(days=1),
        sites=_sites(sources, {one.site_id for one in observations.recordings}),
        codes=rule.codes,
        kind=rule.kind,
        n_days=rule.n_days,
        evidence=rule.evidence,
        min_minutes=rule.min_minutes,
    )
    write_atomically(out / LONG, as_csv(_long(history, sources)))
    write_atomically(out / EFFORT, as_csv(_wide(history, history.minutes)))
    for code, found in history.found.items():
        write_atomically(out / f"y-{re.sub(r'[^A-Za-z0-9._-]', '_', code)}.csv", as_csv(_wide(history, found)))
    write_atomically(out / README, _readme(history, rule))
    notes = list(period.notes)
    if n_undated := sum(not one.is_dated for one in observations.recordings):
        notes.append(f"{n_undated} recordings are left out, since the time at which they were made is not known.")
    return Written(history, tuple(notes))


def _sites(sources: Sources, seen: set[str]) -> tuple[str, ...]:
    """A site of the file without any recording is a row of missing values; a recording without a site is no row."""
    if sources.site is not None:
        return (sources.site,)
    return tuple(sorted((seen | sources.places.sites.keys()) - {NO_SITE}))


def _long(history: DetectionHistory, sources: Sources) -> Iterable[Row]:
    for code, found in history.found.items():
        names = sources.species.get(code)
        for i, site in enumerate(history.sites):
            for j, day in enumerate(history.occasions):
                yield {
                    "code": code,
                    "scientific_name": names.scientific_name if names else "",
                    "site": site,
                    "trail": sources.places.trail_of(site),
                    "occasion": j + 1,
                    "first_day": day,
                    "minutes": float(history.minutes[i, j]),
                    "found": _shown(found[i, j]),
                }


def _wide(history: DetectionHistory, values: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> Iterable[Row]:
    for i, site in enumerate(history.sites):
        yield {"site": site} | {str(day): _shown(values[i, j]) for j, day in enumerate(history.occasions)}


def _shown(value: float) -> str:
    return _MISSING if np.isnan(value) else f"{value:.6g}"


def _readme(history: DetectionHistory, rule: HistoryRule) -> str:
    return _README.format(
        first=history.occasions[0],
        last=history.occasions[-1],
        n_days=rule.n_days,
        kind=rule.kind,
        noon=", from noon to noon, by the evening's date" if rule.kind == "night" else ", from midnight to midnight",
        min_minutes=f", or less than {rule.min_minutes:g} minutes" if rule.min_minutes else "",
        verified=", or somebody has still to listen" if rule.evidence == "verified" else "",
        evidence=_EVIDENCE[rule.evidence],
    )
