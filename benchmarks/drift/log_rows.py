"""Made-up recordings as rows of the prediction log, one a window, so that what reads the log can be tried on them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from silencio.drift.recordings import Recordings
from silencio.drift.signals import FLOOR_BANDS, INPUTS, N_BANDS
from silencio.prediction_log.schema import SCHEMA

_N_TOP = 5
_WINDOW_S = 5.0
_COLUMN = {signal.name: index for index, signal in enumerate(INPUTS)}


def rows_of(
    recordings: Recordings, n_windows: int = 12, latitude: float = -2.5, longitude: float = -79.2, seed: int = 0
) -> pa.Table:
    """Rows of the log, with its schema.

    A recording's species are named in one to three of its windows.

    Args:
        recordings: Recordings of a made-up reserve.
        n_windows: Windows of a recording.
        latitude: Degrees north.
        longitude: Degrees east.
        seed: Seed of what varies between windows.
    """
    rng = np.random.default_rng(seed)
    n = len(recordings)
    window = np.tile(np.arange(n_windows), n)
    recording = np.repeat(np.arange(n), n_windows)
    hour = _hours(recordings)
    recorded_us = ((recordings.day * 24 + hour - longitude / 15.0) * 3_600_000_000).astype(np.int64)[recording]
    names = np.array(recordings.devices, object)
    known = {
        "request_id": pa.array(
            [f"{recordings.site_id}-{day}-{place}" for place, day in enumerate(recordings.day)]
        ).take(pa.array(recording)),
        "site_id": pa.array([recordings.site_id] * len(window)),
        "device_id": pa.array(names[recordings.device[recording]]),
        "key_name": _category(recordings, "client", recording),
        "received_at": pa.array(recorded_us + 60_000_000, pa.timestamp("us", tz="UTC")),
        "recorded_at": pa.array(recorded_us, pa.timestamp("us", tz="UTC")),
        "latitude": pa.array(np.full(len(window), latitude)),
        "longitude": pa.array(np.full(len(window), longitude)),
        "recording": pa.array(np.zeros(len(window), np.int32)),
        "n_samples": pa.array(np.full(len(window), 60 * 32_000)),
        "sample_rate_hz": pa.array(np.full(len(window), 32_000, np.int32)),
        "source_format": _category(recordings, "format", recording),
        "status": pa.array(["ok"] * len(window)),
        "bundle_name": pa.array(["made-up"] * len(window)),
        "bundle_version": pa.array(np.array(recordings.versions[0], object)[recordings.versions[1][recording]]),
        "spec_sha256": pa.array([recordings.spec] * len(window)),
        "start_s": pa.array(window * _WINDOW_S),
        "end_s": pa.array((window + 1) * _WINDOW_S),
        **_sound(recordings, recording, rng),
        **_species(recordings, n_windows, rng),
    }
    columns = [
        known[field.name].cast(field.type) if field.name in known else pa.nulls(len(window), field.type)
        for field in SCHEMA
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def _hours(recordings: Recordings) -> NDArray[np.float64]:
    """Hours of the local day: a device's recordings of a day are evenly spread."""
    hours = np.zeros(len(recordings))
    key = recordings.device * 100_000 + recordings.day
    for one in np.unique(key):
        own = np.flatnonzero(key == one)
        hours[own] = np.arange(len(own)) * 24.0 / len(own)
    return hours


def _category(recordings: Recordings, kind: str, recording: NDArray[np.int64]) -> pa.Array:
    names, index = recordings.categories[kind]
    return pa.array(np.array(names, object)[index[recording]])


def _sound(recordings: Recordings, recording: NDArray[np.int64], rng: np.random.Generator) -> dict[str, pa.Array]:
    def column(name: str, spread: float) -> NDArray[np.float32]:
        values = recordings.values[recording, _COLUMN[name]] + rng.normal(0, spread, len(recording))
        return values.astype(np.float32)

    floor = np.stack([column(name, 0.6) for name in FLOOR_BANDS], axis=1)
    over = column("foreground_db", 0.6) - recordings.values[recording, _COLUMN["floor_db"]].astype(np.float32)
    return {
        "rms_db": pa.array(column("level_db", 0.3)),
        "peak_db": pa.array(column("level_db", 2.0) + 12),
        "clipped_share": pa.array(column("clipped_share", 0.0)),
        "silence_share": pa.array(column("silence_share", 0.0)),
        "snr_db": pa.array(column("snr_db", 0.6)),
        "rolloff_hz": pa.array(np.exp(column("rolloff_ratio", 0.03))),
        "flatness": pa.array(column("flatness", 0.03)),
        "noise_floor_bands_db": _lists(floor.ravel(), np.full(len(floor), N_BANDS), pa.float32()),
        "foreground_bands_db": _lists((floor + over[:, None]).ravel(), np.full(len(floor), N_BANDS), pa.float32()),
    }


def _species(recordings: Recordings, n_windows: int, rng: np.random.Generator) -> dict[str, pa.Array]:
    """Names by window, and the most probable species, of which the named ones are the first."""
    found, n = recordings.detections, len(recordings) * n_windows
    times = rng.integers(1, 4, len(found.species))
    entry = np.repeat(np.arange(len(found.species)), times)
    window = found.recording[entry] * n_windows + rng.integers(0, n_windows, len(entry))
    window, first = np.unique(window * len(found.codes) + found.species[entry], return_index=True)
    window, entry = window // len(found.codes), entry[first]
    order = np.lexsort((-found.probability[entry], window))
    window, entry = window[order], entry[order]
    rank = np.arange(len(window)) - np.searchsorted(window, window)
    window, entry = window[rank < _N_TOP], entry[rank < _N_TOP]
    counts = np.bincount(window, minlength=n)
    codes = pa.array(np.array(found.codes, object)).take(pa.array(found.species[entry]))
    top = np.full((n, _N_TOP), -1, np.int64)
    top[window, rank[rank < _N_TOP]] = found.species[entry]
    scores = np.tile(np.linspace(0.05, 0.01, _N_TOP), (n, 1))
    scores[window, rank[rank < _N_TOP]] = found.probability[entry]
    # What is below stands for no species of the recording.
    below = (np.arange(_N_TOP)[None] + rng.integers(0, 3, (n, 1))) % len(found.codes)
    listed = np.array([*found.codes, *(f"{code}-below" for code in found.codes)], object)
    top = np.where(top >= 0, top, below + len(found.codes))
    return {
        "detected_codes": _lists(codes, counts, pa.string()),
        "top_codes": _lists(pa.array(listed).take(pa.array(top.ravel())), np.full(n, _N_TOP), pa.string()),
        "top_probabilities": _lists(scores.ravel().astype(np.float32), np.full(n, _N_TOP), pa.float32()),
    }


def _lists(values: pa.Array | NDArray[np.float32], lengths: NDArray[np.int64], kind: pa.DataType) -> pa.Array:
    ends = np.concatenate([[0], np.cumsum(lengths)])
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), pa.array(values, kind))
