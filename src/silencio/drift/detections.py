"""What was named in recordings: one entry a recording and species, over all of its windows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

# Lists of the log that stand beside each other.
_TOP = ("top_codes", "top_probabilities")


@dataclass(frozen=True)
class Detections:
    """Species named in recordings; arrays are by entry, ordered by recording.

    Attributes:
        codes: Codes of species.
        recording: Index of the recording.
        species: Index of the code.
        probability: Mean of its calibrated probability over the windows that name it; not a number where the log has
            none (it was not among the five most probable).
    """

    codes: tuple[str, ...]
    recording: NDArray[np.int64]
    species: NDArray[np.int64]
    probability: NDArray[np.float64]

    def of(self, keep: NDArray[np.bool_]) -> Detections:
        """Those of chosen recordings, which are counted anew."""
        chosen = keep[self.recording]
        place = np.cumsum(keep) - 1
        return Detections(self.codes, place[self.recording[chosen]], self.species[chosen], self.probability[chosen])

    def n_species(self, n_recordings: int) -> NDArray[np.int64]:
        """How many species are named in each recording."""
        return np.asarray(np.bincount(self.recording, minlength=n_recordings))

    def mean_probability(self, n_recordings: int) -> NDArray[np.float64]:
        """Mean probability of what is named in each recording; not a number where nothing is."""
        known = np.isfinite(self.probability)
        count = np.bincount(self.recording[known], minlength=n_recordings)
        total = np.bincount(self.recording[known], weights=self.probability[known], minlength=n_recordings)
        return np.asarray(np.divide(total, count, out=np.full(n_recordings, np.nan), where=count > 0))


def detections_of(windows: pa.Table, row: NDArray[np.int64]) -> Detections:
    """Detections out of rows of windows.

    Args:
        windows: Rows with `detected_codes`, `top_codes`, `top_probabilities`; without these nothing is named.
        row: Index of each window's recording.
    """
    if "detected_codes" not in windows.column_names or not len(windows):
        return _none()
    named_window, named = _flat(windows["detected_codes"])
    if not len(named):
        return _none()
    windows = _without_torn_rows(windows)
    top_window, top = _flat(windows["top_codes"])
    both = pa.concat_arrays([named, top]).dictionary_encode()
    codes = np.array(both.dictionary.to_pylist(), object)
    order = np.argsort(codes)
    place = np.empty(len(codes), np.int64)
    place[order] = np.arange(len(codes))
    index = place[np.asarray(both.indices, np.int64)]
    probability = _probabilities(
        named_window * len(codes) + index[: len(named)],
        top_window * len(codes) + index[len(named) :],
        _floats(windows["top_probabilities"]),
    )
    key = row[named_window] * len(codes) + index[: len(named)]
    entries, inverse = np.unique(key, return_inverse=True)
    known = np.isfinite(probability)
    count = np.bincount(inverse[known], minlength=len(entries))
    total = np.bincount(inverse[known], weights=probability[known], minlength=len(entries))
    mean = np.divide(total, count, out=np.full(len(entries), np.nan), where=count > 0)
    present, species = np.unique(entries % len(codes), return_inverse=True)
    return Detections(tuple(codes[order][present]), entries // len(codes), species.astype(np.int64), mean)


def _without_torn_rows(windows: pa.Table) -> pa.Table:
    """A row with more codes than probabilities has no probabilities, and all others keep theirs."""
    codes, probabilities = (pc.fill_null(pc.list_value_length(windows[name]), 0) for name in _TOP)
    is_whole = pc.equal(codes, probabilities)
    for name in _TOP:
        column = windows[name]
        whole = pc.if_else(is_whole, column, pa.scalar(None, column.type))
        windows = windows.set_column(windows.schema.get_field_index(name), name, whole)
    return windows


def _none() -> Detections:
    nothing = np.zeros(0, np.int64)
    return Detections((), nothing, nothing, np.zeros(0))


def _flat(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], pa.Array]:
    """For each value of the lists the index of its row, and the values."""
    values = pc.list_flatten(column)
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy()
    chunks = values.chunks if isinstance(values, pa.ChunkedArray) else [values]
    joined = pa.concat_arrays(chunks) if chunks else pa.array([], pa.string())
    return np.repeat(np.arange(len(lengths)), lengths), joined.cast(pa.string())


def _floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    return np.asarray(pc.list_flatten(column).to_numpy(), np.float64)


def _probabilities(
    named: NDArray[np.int64], top: NDArray[np.int64], probabilities: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Of each named key the probability that stands beside the same key among the most probable."""
    if not len(top):
        return np.full(len(named), np.nan)
    order = np.argsort(top, kind="stable")
    place = np.minimum(np.searchsorted(top, named, sorter=order), len(top) - 1)
    found = order[place]
    return np.where(top[found] == named, probabilities[found], np.nan)
