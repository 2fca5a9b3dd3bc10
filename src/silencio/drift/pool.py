"""The current day and its reference's days side by side: what permutations are made of."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from silencio.drift.blocks import Blocks
from silencio.drift.policy import DriftPolicy

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Pool:
    """Blocks by device, part and day, the current day first.

    Attributes:
        devices: Devices that have both.
        codes: Species of either.
        n_recordings: Shape (n_devices, n_parts, 1 + n_reference); 0 where a block does not count.
        values: Shape (n_devices, n_parts, 1 + n_reference, n_values).
        named: Shape (n_devices, n_parts, 1 + n_reference, n_species, 4), scaled to the day's own number of recordings,
            so that a part of the day weighs the same on all of them.
    """

    devices: tuple[str, ...]
    codes: tuple[str, ...]
    n_recordings: Array
    values: Array
    named: Array

    def shared(self, devices: Collection[str], min_share: float, min_days: int) -> Pool:
        """These devices alone, on days of the reference that most of them share.

        On a day on which half of them recorded, the site is another one: its species are those of fewer places. So
        devices and days are left out that do not go together, as those of a recorder that was installed later, unless
        fewer days would be left than a reference has.

        Args:
            devices: Devices.
            min_share: Share of the devices that recorded on a day, and share of these days on which a device did.
            min_days: Fewest days of a reference.
        """
        rows = np.array([row for row, name in enumerate(self.devices) if name in devices], np.int64)
        recorded = np.any(self.n_recordings[rows] > 0, axis=1)
        days = recorded.sum(axis=0) >= min_share * len(rows)
        days[0] = True
        if days.sum() - 1 < min_days:
            days[:] = True
        else:
            rows = rows[recorded[:, days].sum(axis=1) >= min_share * days.sum()]
        return Pool(
            devices=tuple(self.devices[row] for row in rows),
            codes=self.codes,
            n_recordings=self.n_recordings[rows][:, :, days],
            values=self.values[rows][:, :, days],
            named=self.named[rows][:, :, days],
        )


def pooled(current: Blocks, reference: Blocks, policy: DriftPolicy) -> Pool:
    """Both by the devices that have enough recordings in both: in a part of the day, or else in the day as a whole.

    The latter is for schedules as of a minute an hour, which has three recordings at dawn. Such a device's day stands
    in the first part, and its other parts are empty.
    """
    names = [name for name in current.devices if name in reference.devices]
    codes = tuple(sorted({*current.codes, *reference.codes}))
    now, before = current.of(devices=names, codes=codes), reference.of(devices=names, codes=codes)
    n = np.concatenate([now.n_recordings, before.n_recordings], axis=2)
    values = np.concatenate([now.values, before.values], axis=2)
    named = np.concatenate([now.named, before.named], axis=2)
    by_part = _by_part(n, policy)
    whole = _by_day(n, policy) & ~np.any(by_part, axis=(1, 2), keepdims=True)
    n = np.where(by_part | whole, n, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        effort = np.where(n > 0, n[:, :, :1] / n, 0.0)
    values, named = np.where(n[..., None] > 0, values, np.nan), named * effort[..., None, None]
    for row in np.flatnonzero(np.any(whole, axis=(1, 2))):
        n[row], values[row], named[row] = _as_one_part(n[row], values[row], named[row])
    kept = np.any(n > 0, axis=(1, 2))
    return Pool(
        devices=tuple(name for name, keep in zip(names, kept, strict=True) if keep),
        codes=codes,
        n_recordings=n[kept],
        values=values[kept],
        named=named[kept],
    )


def _by_part(n: Array, policy: DriftPolicy) -> NDArray[np.bool_]:
    """Which blocks count, (n_devices, n_parts, n_days): of parts with enough recordings now and in the reference."""
    counts = n >= policy.reference.min_block_recordings
    usable = (n[:, :, 0] >= policy.min_recordings) & _is_complete(np.where(counts, n, 0.0)[:, :, 1:], policy)
    counts[:, :, 0] = True
    return np.asarray(counts & usable[:, :, None])


def _by_day(n: Array, policy: DriftPolicy) -> NDArray[np.bool_]:
    """The same where whole days are compared: days that have every part which the current day has.

    A day with less than half of the reference's recordings is no sparse schedule but a recorder that stopped: what it
    names strays further than the reference's days do.
    """
    parts = (n[:, :, 0] > 0) & ((n[:, :, 1:] > 0).sum(axis=2) >= policy.reference.min_days)
    total = (n * parts[:, :, None]).sum(axis=1)
    has_all = ((n > 0) | ~parts[:, :, None]).all(axis=1) & (total >= policy.reference.min_block_recordings)
    days = np.where(has_all, total, np.nan)[:, 1:]
    usual = np.array([np.median(one[np.isfinite(one)]) if np.isfinite(one).any() else np.inf for one in days])
    enough = total[:, 0] >= np.maximum(policy.min_recordings, usual / 2)
    usable = enough & _is_complete(np.nan_to_num(days), policy)
    return np.asarray(parts[:, :, None] & (has_all & usable[:, None])[:, None])


def _is_complete(n: Array, policy: DriftPolicy) -> NDArray[np.bool_]:
    """Whether the days of a reference, the last axis, are enough."""
    return np.asarray(
        (n.sum(axis=-1) >= policy.reference.min_recordings) & ((n > 0).sum(axis=-1) >= policy.reference.min_days)
    )


def _as_one_part(n: Array, values: Array, named: Array) -> tuple[Array, Array, Array]:
    """One device's blocks by whole days: each part of the day weighs what it does on the current one."""
    weight = n[:, 0] / n[:, 0].sum()
    parts, recorded = np.flatnonzero(weight), np.any(n > 0, axis=0)
    merged = np.zeros_like(n), np.full_like(values, np.nan), np.zeros_like(named)
    merged[0][0], merged[2][0] = n.sum(axis=0), named.sum(axis=0)
    merged[1][0] = np.where(recorded[:, None], np.einsum("p,pdv->dv", weight[parts], values[parts]), np.nan)
    return merged
