"""Recordings beside a log that keeps none: found in a folder by their sha256, and their typical windows cut out."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from silencio.audio import cut_windows, read_waveform, window_starts_s
from silencio.errors import DataError, DecodeError
from silencio.features import FeatureSpec
from silencio.storage import sha256_of

_SHA256 = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
# Beyond these a folder is an archive: there files are found by their names alone.
MAX_HASHED_BYTES = 4 << 30


def find_recordings(folder: Path, wanted: Collection[str]) -> dict[str, Path]:
    """Files of a folder by the sha256 of their bytes, of those that are wanted.

    A name that holds a sha256, as archives of recordings are laid out, is believed; other files are read, as long as
    all of them together are less than `MAX_HASHED_BYTES`.

    Args:
        folder: Any depth.
        wanted: sha256 in hexadecimal digits.

    Raises:
        DataError: There is no such folder.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder of recordings: leave --recordings out, or correct it")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    found = {match[0]: path for path in files if (match := _SHA256.search(path.name)) and match[0] in wanted}
    others = [path for path in files if _SHA256.search(path.name) is None]
    if len(found) < len(set(wanted)) and sum(path.stat().st_size for path in others) <= MAX_HASHED_BYTES:
        for path in others:
            digest = sha256_of(path)
            if digest in wanted:
                found.setdefault(digest, path)
    return found


def typical_window(path: Path, spec: FeatureSpec) -> tuple[float, NDArray[np.int16]] | None:
    """The window of a recording whose level is the median of its windows'.

    Args:
        path: The recording.
        spec: How it is cut.

    Returns:
        Second at which it begins, and (n_samples,) at the specification's rate; None where it cannot be decoded.
    """
    try:
        waveform = read_waveform(path, spec.sample_rate_hz).samples
    except DecodeError:
        return None
    windows = cut_windows(waveform, spec)
    power = np.square(windows.astype(np.float64)).mean(axis=1)
    middle = int(np.argsort(power, kind="stable")[(len(power) - 1) // 2])
    return float(window_starts_s(len(waveform), spec, spec.sample_rate_hz)[middle]), windows[middle]


def nearest_to_median(signals: Mapping[str, NDArray[np.floating]]) -> NDArray[np.intp]:
    """Rows in the order of their distance from the median of all, in median absolute deviations.

    Args:
        signals: By name, each (n_rows,); what is no number counts as the median.

    Returns:
        Indices, shape (n_rows,).
    """
    distances = [np.zeros(len(next(iter(signals.values()))))] if signals else [np.zeros(0)]
    for values in signals.values():
        if not np.isfinite(values).any():
            continue
        away = np.abs(values - np.nanmedian(values))
        distances.append(np.nan_to_num(away / max(float(np.nanmedian(away)), 1e-6)))
    return np.argsort(np.sum(distances, axis=0), kind="stable")
