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
        recorded = (self.n_recordings[rows] > 0).any(axis=1)
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
    """Both by the devices that have a part of the day with enough recordings in both."""
    names = [name for name in current.devices if name in reference.devices]
    codes = tuple(sorted({*current.codes, *reference.codes}))
    now, before = current.of(devices=names, codes=codes), reference.of(devices=names, codes=codes)
    counts_before = np.where(before.n_recordings >= policy.reference.min_block_recordings, before.n_recordings, 0.0)
    usable = (
        (now.n_recordings[:, :, 0] >= policy.min_recordings)
        & (counts_before.sum(axis=2) >= policy.reference.min_recordings)
        & ((counts_before > 0).sum(axis=2) >= policy.reference.min_days)
    )
    n = np.concatenate([now.n_recordings, counts_before], axis=2) * usable[:, :, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        effort = np.where(n > 0, n[:, :, :1] / n, 0.0)
    kept = usable.any(axis=1)
    values = np.concatenate([now.values, before.values], axis=2)
    named = np.concatenate([now.named, before.named], axis=2) * effort[..., None, None]
    return Pool(
        devices=tuple(name for name, keep in zip(names, kept, strict=True) if keep),
        codes=codes,
        n_recordings=n[kept],
        values=np.where(n[..., None] > 0, values, np.nan)[kept],
        named=named[kept],
    )
