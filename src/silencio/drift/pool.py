"""The current day and its reference's days side by side: what permutations are made of."""

from __future__ import annotations

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

    @property
    def n_reference(self) -> int:
        """Days of the reference."""
        return int(self.n_recordings.shape[2]) - 1


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
