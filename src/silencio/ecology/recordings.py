"""Recordings and requests out of the prediction log's rows, each once, at the local time of its site.

A visitor's phone sends a recording again after a broken connection, a recorder's card is read twice, a release's copies
are logged beside what visitors were answered: none of these is another minute in the forest.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from silencio.ecology.places import NO_SITE, Places

# Columns of the prediction log that are read here and in `silencio.ecology.detections`.
COLUMNS = (
    *("request_id", "prediction_id", "client_request_id", "session_id", "site_id", "device_id", "key_name"),
    *("received_at", "recorded_at", "latitude", "longitude", "recording", "recording_sha256", "waveform_sha256"),
    *("n_samples", "sample_rate_hz", "status", "bundle_name", "bundle_version", "shadow", "start_s", "end_s"),
    *("top_codes", "top_probabilities", "detected_codes"),
)
_OF_WINDOWS = ("top_codes", "top_probabilities", "detected_codes")
_REQUEST_COLUMNS = ["request_id", "session_id", "site_id", "received_at", "bundle_version"]
_OK = "ok"
# A recording is not from the future; clocks of phones and servers differ by less than this.
_MAX_AHEAD = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording.

    Attributes:
        prediction_id: Name of its prediction in the log.
        request_id: The server's id of its request.
        place_in_request: From 0.
        session_id: Session as the client named it.
        site_id: Site as the log has it; `NO_SITE` where it has none.
        device_id: The recorder.
        begun_at: When it began, in the zone of its site.
        is_dated: Whether its client sent that time; otherwise it is the time at which the request came.
        received_at: When the request came.
        duration_s: Seconds of sound.
        window_s: Length of a window.
        bundle: Name and version of the bundle.
        bundle_version: Version of the bundle.
        latitude: Degrees north, as the log generalised them.
        longitude: Degrees east, as the log generalised them.
        identity: Equal for a recording that was sent twice.
    """

    prediction_id: str
    request_id: str
    place_in_request: int
    session_id: str | None
    site_id: str
    device_id: str | None
    begun_at: datetime
    is_dated: bool
    received_at: datetime
    duration_s: float
    window_s: float
    bundle: str
    bundle_version: str
    latitude: float | None
    longitude: float | None
    identity: Hashable = field(repr=False)

    @property
    def ended_at(self) -> datetime:
        return later(self.begun_at, self.duration_s)


@dataclass(frozen=True, slots=True)
class Request:
    """One request, answered or not.

    Attributes:
        request_id: The server's id.
        session_id: Session as the client named it.
        site_id: Site as the log has it.
        at: When its first recording began, or, where it failed, when it came; in the zone of its site.
        is_answered: Whether it was; one that failed has no windows.
        bundle_version: Version of the bundle that answered, or was to.
    """

    request_id: str
    session_id: str | None
    site_id: str
    at: datetime
    is_answered: bool
    bundle_version: str


# A recording and its place among all of the log.
_Placed = tuple[int, Recording]


@dataclass(frozen=True)
class LeftOut:
    """What of the log was not counted, and why.

    Attributes:
        n_shadow_rows: Rows of copies that another bundle's client never saw.
        n_repeated_recordings: Recordings that had been sent before.
        n_wrong_clocks: Recordings whose time lies in the future, or too far in the past.
        n_other_days: Recordings made outside of the period.
        n_undated: Recordings without a time of their own, of those that count: the time of their request stands in.
    """

    n_shadow_rows: int = 0
    n_repeated_recordings: int = 0
    n_wrong_clocks: int = 0
    n_other_days: int = 0
    n_undated: int = 0


@dataclass(frozen=True)
class RecordingRows:
    """Recordings with the rows of their windows.

    Attributes:
        recordings: By the time at which they began.
        windows: Rows of their windows, sorted by recording and start, one a window.
        recording_of_row: The recording's place in `recordings`, one a row.
        requests: Every request, by time.
        left_out: What was not counted.
    """

    recordings: tuple[Recording, ...]
    windows: pa.Table
    recording_of_row: NDArray[np.int64]
    requests: tuple[Request, ...]
    left_out: LeftOut


def later(moment: datetime, seconds: float) -> datetime:
    """A moment so many seconds later, in the same zone, as a clock that runs on in UTC has it."""
    by_the_wall = moment + timedelta(seconds=seconds)
    if by_the_wall.utcoffset() == moment.utcoffset():
        return by_the_wall
    return (moment.astimezone(UTC) + timedelta(seconds=seconds)).astimezone(moment.tzinfo)


def recordings_of(
    table: pa.Table, places: Places, since: date, until: date, max_delay: timedelta = timedelta(days=60)
) -> RecordingRows:
    """Recordings that began in a period.

    Args:
        table: Rows of `silencio.prediction_log.read_log` with `COLUMNS`, of the period and of the days after it in
            which its recordings may have arrived.
        places: Zones of the sites.
        since: First local day of the period.
        until: First local day after it.
        max_delay: A recording that is older than this when it arrives has a clock that is wrong.
    """
    is_shadow = pc.fill_null(table["shadow"], False)
    table = table.filter(pc.invert(is_shadow))
    is_ok = pc.equal(pc.fill_null(table["status"], _OK), _OK)
    failed = [_failed(row, places) for row in table.filter(pc.invert(is_ok)).select(_REQUEST_COLUMNS).to_pylist()]
    windows, row_starts = _sorted_windows(table.filter(is_ok))
    dated = _with_time(windows, row_starts, places, max_delay)
    distinct = _distinct(dated)
    kept = [one for one in distinct if since <= one[1].begun_at.date() < until]
    recordings = tuple(one for _, one in kept)
    requests = {one.request_id: one for one in failed}
    requests |= {one.request_id: _answered(one) for _, one in reversed(dated)}
    n_rows = np.diff(np.append(row_starts, len(windows)))
    chosen = np.array([i for i, _ in kept], np.int64)
    rows = [np.arange(row_starts[i], row_starts[i] + n_rows[i]) for i in chosen]
    return RecordingRows(
        recordings,
        windows.take(pa.array(np.concatenate(rows) if rows else [], pa.int64())),
        np.repeat(np.arange(len(chosen)), n_rows[chosen]),
        _in_period(requests.values(), since, until),
        LeftOut(
            n_shadow_rows=int(pc.sum(is_shadow).as_py() or 0),
            n_repeated_recordings=len(dated) - len(distinct),
            n_wrong_clocks=len(row_starts) - len(dated),
            n_other_days=len(distinct) - len(kept),
            n_undated=sum(not one.is_dated for one in recordings),
        ),
    )


def _sorted_windows(table: pa.Table) -> tuple[pa.Table, NDArray[np.int64]]:
    """Rows by recording and start, each window once, and the first row of each recording."""
    table = table.filter(pc.is_valid(table["start_s"])).combine_chunks()
    keys = ("request_id", "recording", "received_at", "bundle_version", "start_s")
    table = table.sort_by([(key, "ascending") for key in keys]).combine_chunks()
    if not len(table):
        return table, np.empty(0, np.int64)
    request, bundle = (_numbered(table[name]) for name in ("request_id", "bundle_version"))
    place = np.asarray(pc.fill_null(table["recording"], 0))
    begins = np.ones(len(table), bool)
    begins[1:] = (np.diff(request) != 0) | (np.diff(place) != 0)
    first = np.flatnonzero(begins)[np.cumsum(begins) - 1]
    # Of a request that two bundles answered one answer went to the client, and of a file that was copied one is enough.
    kept = bundle == bundle[first]
    kept[1:] &= begins[1:] | (np.diff(np.asarray(table["start_s"])) != 0) | (np.diff(bundle) != 0)
    begins = begins[kept]
    return table.filter(pa.array(kept)), np.flatnonzero(begins)


def _numbered(column: pa.ChunkedArray) -> NDArray[np.int64]:
    return np.asarray(column.combine_chunks().dictionary_encode().indices, np.int64)


def _with_time(windows: pa.Table, row_starts: NDArray[np.int64], places: Places, max_delay: timedelta) -> list[_Placed]:
    """Recordings with their place among all; those whose clock is wrong are not there."""
    facts = windows.drop_columns(list(_OF_WINDOWS)).take(pa.array(row_starts)).to_pylist()
    ends_s = np.asarray(windows["end_s"], np.float64)
    last_rows = np.append(row_starts, len(windows))[1:] - 1
    made = (_recording(row, float(ends_s[last]), places, max_delay) for row, last in zip(facts, last_rows, strict=True))
    return [(i, one) for i, one in enumerate(made) if one is not None]


def _recording(row: dict[str, Any], last_end_s: float, places: Places, max_delay: timedelta) -> Recording | None:
    received_at, recorded_at = row["received_at"], row["recorded_at"]
    if recorded_at is not None and not received_at - max_delay <= recorded_at <= received_at + _MAX_AHEAD:
        return None
    site_id = row["site_id"] or NO_SITE
    place, n_samples, rate_hz = row["recording"] or 0, row["n_samples"], row["sample_rate_hz"]
    return Recording(
        prediction_id=row["prediction_id"] or f"{row['request_id']}-{place}",
        request_id=row["request_id"],
        place_in_request=place,
        session_id=row["session_id"],
        site_id=site_id,
        device_id=row["device_id"],
        begun_at=(recorded_at or received_at).astimezone(places.zone_of(site_id)),
        is_dated=recorded_at is not None,
        received_at=received_at,
        # Of features that a device computed only the windows are known.
        duration_s=n_samples / rate_hz if n_samples and rate_hz else last_end_s,
        window_s=row["end_s"] - row["start_s"],
        bundle=f"{row['bundle_name']} {row['bundle_version']}",
        bundle_version=row["bundle_version"],
        latitude=row["latitude"],
        longitude=row["longitude"],
        identity=_identity(row, place),
    )


def _identity(row: dict[str, Any], place: int) -> Hashable:
    """The same sound of the same moment and recorder, else of the same sender, is one recording."""
    sound = row["waveform_sha256"] or row["recording_sha256"]
    if sound is not None and row["recorded_at"] is not None:
        # Two recorders whose microphones are dead record the same silence at once.
        return sound, row["recorded_at"], row["site_id"], row["device_id"]
    if sound is not None:
        return sound, row["session_id"], row["site_id"], row["device_id"], row["key_name"]
    if row["client_request_id"] is not None:
        return row["client_request_id"], row["key_name"], place
    return row["request_id"], place


def _distinct(recordings: Iterable[_Placed]) -> list[_Placed]:
    """Each recording once, as it came first; by the time at which it began."""
    first: dict[Hashable, _Placed] = {}
    for one in sorted(recordings, key=lambda one: (one[1].received_at, one[1].prediction_id)):
        first.setdefault(one[1].identity, one)
    return sorted(first.values(), key=lambda one: (one[1].begun_at, one[1].prediction_id))


def _answered(recording: Recording) -> Request:
    return Request(
        recording.request_id,
        recording.session_id,
        recording.site_id,
        recording.begun_at,
        is_answered=True,
        bundle_version=recording.bundle_version,
    )


def _failed(row: dict[str, Any], places: Places) -> Request:
    site_id = row["site_id"] or NO_SITE
    at = row["received_at"].astimezone(places.zone_of(site_id))
    return Request(
        row["request_id"], row["session_id"], site_id, at, is_answered=False, bundle_version=row["bundle_version"]
    )


def _in_period(requests: Iterable[Request], since: date, until: date) -> tuple[Request, ...]:
    counted = (one for one in requests if since <= one.at.date() < until)
    return tuple(sorted(counted, key=lambda one: (one.at, one.request_id)))
