"""Device-days: what is kept of recordings by device, part of the day and day, the blocks that are permuted.

Recordings of a day share its weather, so that they are no independent evidence; days are (nearly). Every statistic of
the verdict is made of these blocks, which for ten devices and two weeks are a megabyte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from silencio.drift.recordings import Recordings
from silencio.drift.signals import EMPTY, INPUTS, MEDIANS, VALUES
from silencio.drift.sun import DAY_PARTS

N_PARTS = len(DAY_PARTS)
# Of `Blocks.named`, by species: recordings that it is named in, those of them with a probability, the sum of these, and
# how many are below its middle.
NAMED, SCORED, PROBABILITY_SUM, LOW = range(4)


@dataclass(frozen=True)
class Blocks:
    """Sums and medians of blocks.

    Attributes:
        devices: Names, in order.
        days: Local days since 1970, in order.
        codes: Species.
        n_recordings: Shape (n_devices, n_parts, n_days).
        values: By `VALUES`, shape (n_devices, n_parts, n_days, n_values); not a number where unknown.
        named: Shape (n_devices, n_parts, n_days, n_species, 4): see `NAMED`.
        n_requests: Recordings and unreadable requests, shape (n_devices, n_days).
        n_unreadable: Shape (n_devices, n_days).
        n_clock_faults: Shape (n_devices, n_days).
        categories: By kind: names, and counts of shape (n_devices, n_days, n_names).
    """

    devices: tuple[str, ...]
    days: tuple[int, ...]
    codes: tuple[str, ...]
    n_recordings: NDArray[np.float64]
    values: NDArray[np.float64]
    named: NDArray[np.float64]
    n_requests: NDArray[np.float64]
    n_unreadable: NDArray[np.float64]
    n_clock_faults: NDArray[np.float64]
    categories: Mapping[str, tuple[tuple[str, ...], NDArray[np.float64]]]

    def of(
        self,
        devices: Sequence[str] | None = None,
        days: Sequence[int] | None = None,
        codes: Sequence[str] | None = None,
    ) -> Blocks:
        """The same by other devices, days and species, in this order; what is not there is nothing."""
        names = tuple(self.devices if devices is None else devices)
        dates = tuple(self.days if days is None else days)
        species = tuple(self.codes if codes is None else codes)
        rows, columns, kinds = _places(self.devices, names), _places(self.days, dates), _places(self.codes, species)
        n_requests, n_unreadable, n_faults = (
            _picked(one, [rows, columns]) for one in (self.n_requests, self.n_unreadable, self.n_clock_faults)
        )
        return Blocks(
            devices=names,
            days=dates,
            codes=species,
            n_recordings=_picked(self.n_recordings, [rows, None, columns]),
            values=_picked(self.values, [rows, None, columns], np.nan),
            named=_picked(self.named, [rows, None, columns, kinds]),
            n_requests=n_requests,
            n_unreadable=n_unreadable,
            n_clock_faults=n_faults,
            categories={
                kind: (labels, _picked(counts, [rows, columns])) for kind, (labels, counts) in self.categories.items()
            },
        )


def blocks_of(recordings: Recordings, middles: Mapping[str, float]) -> Blocks:
    """Blocks of recordings.

    Args:
        recordings: Recordings of one site; those with a fault of the clock count as such and nowhere else.
        middles: By species: the probability that divides its low from its high scores.
    """
    right = recordings.of(~recordings.clock_fault)
    everything = np.unique(np.concatenate([recordings.day, recordings.failed_day]))
    days = tuple(int(day) for day in everything)
    n_devices, n_days = len(recordings.devices), len(days)
    shape = (n_devices, N_PARTS, n_days)
    cell = np.ravel_multi_index(
        (right.device, right.part.astype(np.int64), np.searchsorted(everything, right.day)), shape
    )
    n_cells = int(np.prod(shape))

    def by_day(device: NDArray[np.int64], day: NDArray[np.int64]) -> NDArray[np.float64]:
        place = device * n_days + np.searchsorted(everything, day)
        return np.bincount(place, minlength=n_devices * n_days).reshape(n_devices, n_days).astype(np.float64)

    n_unreadable = by_day(recordings.failed_device, recordings.failed_day)
    faulty = recordings.clock_fault
    return Blocks(
        devices=recordings.devices,
        days=days,
        codes=right.detections.codes,
        n_recordings=np.bincount(cell, minlength=n_cells).reshape(shape).astype(np.float64),
        values=_values(right, cell, n_cells).reshape(*shape, len(VALUES)),
        named=_named(right, cell, n_cells, middles).reshape(*shape, len(right.detections.codes), 4),
        n_requests=by_day(recordings.device, recordings.day) + n_unreadable,
        n_unreadable=n_unreadable,
        n_clock_faults=by_day(recordings.device[faulty], recordings.day[faulty]),
        categories={
            kind: (labels, _category(right, index, len(labels), everything))
            for kind, (labels, index) in right.categories.items()
        },
    )


def joined_blocks(first: Blocks, second: Blocks) -> Blocks:
    """Both as one: of the same devices, days and species, and of no block both."""
    categories = {}
    for kind in first.categories:
        names = tuple(dict.fromkeys((*first.categories[kind][0], *second.categories[kind][0])))
        total = np.zeros((len(first.devices), len(first.days), len(names)))
        for own, counts in (first.categories[kind], second.categories[kind]):
            total[:, :, [names.index(name) for name in own]] += counts
        categories[kind] = (names, total)
    return Blocks(
        devices=first.devices,
        days=first.days,
        codes=first.codes,
        n_recordings=first.n_recordings + second.n_recordings,
        values=np.where(np.isfinite(first.values), first.values, second.values),
        named=first.named + second.named,
        n_requests=first.n_requests + second.n_requests,
        n_unreadable=first.n_unreadable + second.n_unreadable,
        n_clock_faults=first.n_clock_faults + second.n_clock_faults,
        categories=categories,
    )


def middles_of(recordings: Recordings) -> dict[str, float]:
    """By species: the median of its probabilities."""
    found = recordings.detections
    middles = {}
    for index, code in enumerate(found.codes):
        scores = found.probability[(found.species == index) & np.isfinite(found.probability)]
        if len(scores):
            middles[code] = float(np.median(scores))
    return middles


def _values(recordings: Recordings, cell: NDArray[np.int64], n_cells: int) -> NDArray[np.float64]:
    values = np.full((n_cells, len(VALUES)), np.nan)
    if not len(recordings):
        return values
    empty = (recordings.detections.n_species(len(recordings)) == 0).astype(np.float64)
    columns = np.column_stack([recordings.values, empty])
    order = np.argsort(cell, kind="stable")
    starts = np.flatnonzero(np.diff(cell[order], prepend=-1))
    median = np.array([signal.name in MEDIANS for signal in (*INPUTS, EMPTY)])
    for block in np.split(order, starts[1:]):
        rows = columns[block]
        known = np.isfinite(rows)
        if known.all():
            values[cell[block[0]]] = np.where(median, np.median(rows, axis=0), rows.mean(axis=0))
            continue
        for column in np.flatnonzero(known.any(axis=0)):
            one = rows[known[:, column], column]
            values[cell[block[0]], column] = np.median(one) if median[column] else one.mean()
    return values


def _named(
    recordings: Recordings, cell: NDArray[np.int64], n_cells: int, middles: Mapping[str, float]
) -> NDArray[np.float64]:
    found = recordings.detections
    n_species = len(found.codes)
    place = cell[found.recording] * n_species + found.species
    probability = np.nan_to_num(found.probability)
    scored = np.isfinite(found.probability)
    middle = np.array([middles.get(code, 0.5) for code in found.codes])
    low = scored & (probability < middle[found.species]) if n_species else scored
    weights = (None, scored.astype(np.float64), probability, low.astype(np.float64))
    counts = [np.bincount(place, weights=weight, minlength=n_cells * n_species) for weight in weights]
    return np.stack(counts, axis=-1).astype(np.float64)


def _category(
    recordings: Recordings, index: NDArray[np.int64], n_labels: int, days: NDArray[np.int64]
) -> NDArray[np.float64]:
    shape = (len(recordings.devices), len(days), n_labels)
    place = np.ravel_multi_index((recordings.device, np.searchsorted(days, recordings.day), index), shape)
    return np.bincount(place, minlength=int(np.prod(shape))).reshape(shape).astype(np.float64)


def _places(present: Sequence[object], wanted: Sequence[object]) -> list[int]:
    """Where each that is wanted stands; -1 where it does not."""
    index = {name: place for place, name in enumerate(present)}
    return [index.get(name, -1) for name in wanted]


def _picked(
    array: NDArray[np.float64], places: Sequence[list[int] | None], missing: float = 0.0
) -> NDArray[np.float64]:
    for axis, wanted in enumerate(places):
        if wanted is None or wanted == list(range(array.shape[axis])):
            continue
        chosen = np.array(wanted, np.int64)
        shape = [*array.shape[:axis], len(chosen), *array.shape[axis + 1 :]]
        picked = np.full(shape, missing)
        into: list[object] = [slice(None)] * array.ndim
        into[axis] = np.flatnonzero(chosen >= 0)
        picked[tuple(into)] = np.take(array, chosen[chosen >= 0], axis=axis)  # type: ignore[index]
        array = picked
    return array
