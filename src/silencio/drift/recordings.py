"""Rows of the prediction log, one a window, as recordings of one site: the unit of everything that is tested here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from silencio.drift.detections import Detections, detections_of
from silencio.drift.policy import DayParts
from silencio.drift.signals import FLOOR_BANDS, INPUTS, N_BANDS
from silencio.drift.sun import DAY_PARTS, day_parts, local_days
from silencio.errors import DataError

UNKNOWN = "unknown"
# Without them nothing can be compared; any other column may be missing or null.
NEEDED = ("request_id", "received_at", "bundle_version")
# Statuses by which a request is answered whose sound cannot be read; others are about keys, load and limits.
_UNREADABLE = ("400", "415", "422")
_OK = "ok"
# A recorder's card may be sent in a season later, but nothing is recorded after it was received, nor before recorders.
_MAX_AHEAD_S = 86_400.0
_FIRST_YEAR_S = 1_104_537_600.0  # 2005
_DURATIONS_S = (1.5, 5.5, 15.0, 45.0, 75.0, 330.0)


@dataclass(frozen=True)
class Recordings:
    """Recordings of one site; arrays are by recording, (n,), but where it says else.

    Attributes:
        site_id: The site.
        devices: Names of devices.
        device: Index of its device.
        day: Its local day, as days since 1970.
        part: Index of its part of the day.
        values: By `INPUTS`, float64 (n, n_inputs): means over its windows; not a number where unknown.
        categories: By kind (`format`, …): names, and each recording's index of them.
        versions: Versions of bundles, and each recording's index of them.
        spec: Hash of the feature specification of most of them.
        clock_fault: Whether its time cannot be right: it is left out of all but the share of such.
        detections: What was named in them.
        failed_device: Indices of devices, of requests whose sound could not be read.
        failed_day: The same requests' local days.
    """

    site_id: str
    devices: tuple[str, ...]
    device: NDArray[np.int64]
    day: NDArray[np.int64]
    part: NDArray[np.int8]
    values: NDArray[np.float64]
    categories: Mapping[str, tuple[tuple[str, ...], NDArray[np.int64]]]
    versions: tuple[tuple[str, ...], NDArray[np.int64]]
    spec: str
    clock_fault: NDArray[np.bool_]
    detections: Detections
    failed_device: NDArray[np.int64]
    failed_day: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.device)

    def of(self, keep: NDArray[np.bool_]) -> Recordings:
        """Those that are chosen; failed requests stay."""
        return Recordings(
            site_id=self.site_id,
            devices=self.devices,
            device=self.device[keep],
            day=self.day[keep],
            part=self.part[keep],
            values=self.values[keep],
            categories={kind: (names, index[keep]) for kind, (names, index) in self.categories.items()},
            versions=(self.versions[0], self.versions[1][keep]),
            spec=self.spec,
            clock_fault=self.clock_fault[keep],
            detections=self.detections.of(keep),
            failed_device=self.failed_device,
            failed_day=self.failed_day,
        )

    def with_failed(self, device: NDArray[np.int64], day: NDArray[np.int64]) -> Recordings:
        """The same beside other unreadable requests."""
        return replace(self, failed_device=device, failed_day=day)

    def table(self) -> pa.Table:
        """One row a recording: site, device, local day, part of the day, signals, number of species named."""
        columns: dict[str, Any] = {
            "site_id": [self.site_id] * len(self),
            "device_id": np.array(self.devices, object)[self.device],
            "day": pa.array(self.day.astype("datetime64[D]")),
            "day_part": np.array(DAY_PARTS, object)[self.part],
            "bundle_version": np.array(self.versions[0], object)[self.versions[1]],
            **{signal.name: self.values[:, index] for index, signal in enumerate(INPUTS)},
            **{kind: np.array(names, object)[index] for kind, (names, index) in self.categories.items()},
            "n_species": self.detections.n_species(len(self)),
            "named_probability": self.detections.mean_probability(len(self)),
        }
        return pa.table(columns)


def sites_of(rows: pa.Table) -> tuple[str, ...]:
    """Sites that rows are of: `site_id`, where it is null the key's name, and else `unknown`."""
    _check(rows)
    return tuple(sorted(pc.unique(_site_column(rows)).to_pylist()))


def recordings_of(rows: pa.Table, site_id: str, parts: DayParts) -> Recordings:
    """Recordings of one site out of rows of the log; shadows are left out.

    Args:
        rows: As `silencio.prediction_log.read_log` gives them.
        site_id: The site, as `sites_of` names it.
        parts: What is dawn and dusk.

    Raises:
        DataError: A column is missing without which nothing can be compared.
    """
    _check(rows)
    rows = rows.filter(pc.equal(_site_column(rows), site_id))
    if "shadow" in rows.column_names:
        rows = rows.filter(pc.invert(pc.fill_null(rows["shadow"], False)))
    status = pc.fill_null(_column(rows, "status", pa.string()), _OK)
    failed = rows.filter(pc.is_in(status, value_set=pa.array(_UNREADABLE)))
    windows = rows.filter(pc.equal(status, _OK))
    devices, device = _codes([_device_column(windows), _device_column(failed)])
    row = _recording_index(windows)
    n = int(row.max()) + 1 if len(row) else 0
    first = np.full(n, len(row), np.int64)
    np.minimum.at(first, row, np.arange(len(row)))
    heads = windows.take(pa.array(first))
    epoch_s, fault = _moments(heads)
    failed_s, _ = _moments(failed)
    latitude, longitude = _places(heads)
    middle = float(np.nanmedian(longitude)) if np.isfinite(longitude).any() else np.nan
    return Recordings(
        site_id=site_id,
        devices=devices,
        device=device[: len(row)][first],
        day=local_days(epoch_s, longitude),
        part=day_parts(epoch_s, latitude, longitude, parts.dawn_h, parts.dusk_h),
        values=_values(windows, row, n),
        categories=_categories(heads),
        versions=_one_code(heads["bundle_version"]),
        spec=_frequent(_column(heads, "spec_sha256", pa.string())),
        clock_fault=fault,
        detections=detections_of(windows, row),
        failed_device=device[len(row) :],
        failed_day=local_days(failed_s, np.full(len(failed_s), middle)),
    )


def _check(rows: pa.Table) -> None:
    missing = [name for name in NEEDED if name not in rows.column_names]
    if missing:
        raise DataError(
            f"rows have no column {missing[0]!r}, which drift needs: read them by read_log, without a choice"
        )


def _column(rows: pa.Table, name: str, kind: pa.DataType) -> pa.ChunkedArray:
    return rows[name] if name in rows.column_names else pa.chunked_array([pa.nulls(len(rows), kind)])


def _site_column(rows: pa.Table) -> pa.ChunkedArray:
    site, key = (_column(rows, name, pa.string()) for name in ("site_id", "key_name"))
    return pc.coalesce(site, key, pa.scalar(UNKNOWN))


def _device_column(rows: pa.Table) -> pa.ChunkedArray:
    return pc.fill_null(_column(rows, "device_id", pa.string()), UNKNOWN)


def _codes(columns: Sequence[pa.ChunkedArray]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Names in order, and each value's index among them."""
    encoded = pa.chunked_array([chunk for one in columns for chunk in one.chunks], pa.string()).combine_chunks()
    encoded = (encoded if isinstance(encoded, pa.Array) else encoded.chunk(0)).dictionary_encode()
    names = np.array(encoded.dictionary.to_pylist(), object)
    order = np.argsort(names)
    place = np.empty(len(names), np.int64)
    place[order] = np.arange(len(names))
    return tuple(names[order]), place[np.asarray(encoded.indices, np.int64)]


def _one_code(column: pa.ChunkedArray) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    return _codes([pc.fill_null(column, UNKNOWN)])


def _frequent(column: pa.ChunkedArray) -> str:
    names, index = _one_code(column)
    return names[int(np.bincount(index).argmax())] if len(index) else ""


def _recording_index(windows: pa.Table) -> NDArray[np.int64]:
    """For each window the index of its recording, in the order in which they first appear."""
    _, request = _codes([windows["request_id"]])
    place = pc.fill_null(_column(windows, "recording", pa.int32()), 0).to_numpy()
    key = request * (int(place.max()) + 1 if len(place) else 1) + place
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    return rank[inverse]


def _seconds(column: pa.ChunkedArray) -> NDArray[np.float64]:
    micro = pc.fill_null(column.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()), np.iinfo(np.int64).min).to_numpy()
    return np.where(micro == np.iinfo(np.int64).min, np.nan, micro / 1e6)


def _moments(rows: pa.Table) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """When each was recorded, else received; and whether its clock cannot be right (then it is when it came)."""
    received = _seconds(rows["received_at"])
    recorded = _seconds(_column(rows, "recorded_at", pa.timestamp("us", tz="UTC")))
    with np.errstate(invalid="ignore"):
        fault = (recorded > received + _MAX_AHEAD_S) | (recorded < _FIRST_YEAR_S)
    return np.where(fault | ~np.isfinite(recorded), received, recorded), fault


def _places(rows: pa.Table) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Latitude and longitude; where a recording has none, the middle of the site's."""
    places = [pc.fill_null(_column(rows, name, pa.float64()), np.nan).to_numpy() for name in ("latitude", "longitude")]
    filled = [np.where(np.isfinite(one), one, np.nanmedian(one)) if np.isfinite(one).any() else one for one in places]
    return filled[0], filled[1]


def _values(windows: pa.Table, row: NDArray[np.int64], n: int) -> NDArray[np.float64]:
    """By `INPUTS`: means over a recording's windows."""

    def number(name: str) -> NDArray[np.float64]:
        return np.asarray(pc.fill_null(_column(windows, name, pa.float32()), np.nan).to_numpy(), np.float64)

    floor = _bands(_column(windows, "noise_floor_bands_db", pa.list_(pa.float32())))
    foreground = _bands(_column(windows, "foreground_bands_db", pa.list_(pa.float32())))
    rolloff_hz = number("rolloff_hz")
    with np.errstate(divide="ignore", invalid="ignore"):
        log_rolloff = np.where(rolloff_hz > 0, np.log(rolloff_hz), np.nan)
    columns = {
        "level_db": number("rms_db"),
        "floor_db": floor.mean(axis=1),
        **{name: floor[:, band] for band, name in enumerate(FLOOR_BANDS)},
        "foreground_db": foreground.mean(axis=1),
        "rolloff_ratio": log_rolloff,
        **{name: number(name) for name in ("snr_db", "flatness", "clipped_share", "silence_share")},
    }
    return np.column_stack([_mean_by(columns[signal.name], row, n) for signal in INPUTS])


def _mean_by(values: NDArray[np.float64], row: NDArray[np.int64], n: int) -> NDArray[np.float64]:
    known = np.isfinite(values)
    total = np.bincount(row[known], weights=values[known], minlength=n)
    count = np.bincount(row[known], minlength=n)
    with np.errstate(invalid="ignore"):
        return np.asarray(total / np.where(count > 0, count, np.nan))


def _bands(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Shape (n_windows, N_BANDS); not numbers where a row has none, or another number of them."""
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy()
    matrix = np.full((len(column), N_BANDS), np.nan)
    right = lengths == N_BANDS
    if right.any():
        flat = pc.list_flatten(column.filter(pa.array(right))).to_numpy()
        matrix[right] = np.asarray(flat, np.float64).reshape(-1, N_BANDS)
    return matrix


def _categories(heads: pa.Table) -> dict[str, tuple[tuple[str, ...], NDArray[np.int64]]]:
    rate = _column(heads, "sample_rate_hz", pa.int32())
    samples = pc.fill_null(_column(heads, "n_samples", pa.int64()), 0).to_numpy().astype(np.float64)
    rates = pc.fill_null(rate, 0).to_numpy().astype(np.float64)
    seconds = np.divide(samples, rates, out=np.full(len(heads), -1.0), where=rates > 0)
    # Lengths vary by themselves: what matters is whether a recorder of minutes sends seconds.
    names = [UNKNOWN, *(f"under {end_s:g} s" for end_s in _DURATIONS_S), f"{_DURATIONS_S[-1]:g} s and more"]
    length = np.where(seconds < 0, 0, 1 + np.digitize(seconds, _DURATIONS_S))
    return {
        "format": _one_code(_column(heads, "source_format", pa.string())),
        "sample_rate": _one_code(rate.cast(pa.string())),
        "duration": (tuple(names), length.astype(np.int64)),
        "client": _one_code(_column(heads, "key_name", pa.string())),
    }
