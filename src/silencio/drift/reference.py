"""The field reference: what a site's devices recorded in their first accepted days with a bundle, frozen.

The validation set cannot serve: its recordings are held towards an animal, so that any live recording differs from
them for ever. Outputs are compared within one bundle version only; a promotion begins a new reference.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from silencio.drift.blocks import N_PARTS, Blocks, blocks_of, joined_blocks, middles_of
from silencio.drift.policy import DriftPolicy, ReferencePolicy
from silencio.drift.recordings import Recordings, recordings_of
from silencio.drift.signals import VALUES
from silencio.errors import DataError

_FORMAT = 1
_EPOCH = date(1970, 1, 1)
_DIGITS = 6


@dataclass(frozen=True)
class FieldReference:
    """A frozen reference of one site.

    Attributes:
        site_id: The site.
        bundle_version: Version whose outputs it holds.
        spec_sha256: Hash of the feature specification by which its sound was measured.
        middles: By species: the probability that divides low from high scores.
        blocks: Its device-days.
    """

    site_id: str
    bundle_version: str
    spec_sha256: str
    middles: dict[str, float]
    blocks: Blocks

    @property
    def days(self) -> tuple[date, ...]:
        """Its local days."""
        return tuple(as_date(day) for day in self.blocks.days)

    @property
    def devices(self) -> tuple[str, ...]:
        """Devices that have one."""
        return self.blocks.devices

    @cached_property
    def sha256(self) -> str:
        """Hash of everything in it."""
        return hashlib.sha256(json.dumps(_facts(self), sort_keys=True).encode()).hexdigest()

    def to_json(self) -> str:
        """All of it as text, with its hash."""
        return json.dumps({"sha256": self.sha256, **_facts(self)}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> FieldReference:
        """The inverse of `to_json`.

        Raises:
            DataError: It is no reference, is half of one, or was changed since it was frozen.
        """
        try:
            facts = json.loads(text)
            if facts["format"] != _FORMAT:
                raise DataError(
                    f"a field reference has format {_FORMAT}, this one has {facts['format']!r}: make it again with "
                    "this version of Silencio"
                )
            reference = _of(facts)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise DataError(f"this is no field reference, or half of one ({error!r}): make it again") from error
        if reference.sha256 != facts["sha256"]:
            raise DataError(
                f"the field reference of {reference.site_id} was changed since it was frozen: its sha256 is "
                f"{reference.sha256[:12]}, not {str(facts['sha256'])[:12]}"
            )
        return reference


def field_reference(
    rows: pa.Table, *, site_id: str, policy: DriftPolicy, accepted: Collection[date] | None = None
) -> FieldReference | None:
    """Freeze the first days of a site's newest bundle version.

    Args:
        rows: Rows of the log, of any sites, from the installation or promotion on.
        site_id: The site.
        policy: How many days and recordings make a reference.
        accepted: Local days that may be in it; None is all but the last one in the rows, which may go on.

    Returns:
        None while there are too few days and recordings.

    Raises:
        DataError: A column is missing.
    """
    return reference_of(recordings_of(rows, site_id, policy.day_parts), policy, accepted)


def reference_of(
    recordings: Recordings,
    policy: DriftPolicy,
    accepted: Collection[date] | None = None,
    middles: Mapping[str, float] | None = None,
) -> FieldReference | None:
    """`field_reference` of recordings, with the `middles` of the reference that this one will extend."""
    right = ~recordings.clock_fault
    if not right.any():
        return None
    names, version = recordings.versions
    last_day = recordings.day[right].max()
    newest = version[np.flatnonzero(right & (recordings.day == last_day))[-1]]
    allowed = recordings.day < last_day
    if accepted is not None:
        allowed = np.isin(recordings.day, [(day - _EPOCH).days for day in accepted])
    recordings = recordings.of((version == newest) & allowed)
    recordings = recordings.of(_first_days(recordings, policy.reference.max_days))
    kept = {int(day) for day in np.unique(recordings.day)}
    recordings = _without_failures(recordings, kept)
    middles = middles_of(recordings.of(~recordings.clock_fault)) | dict(middles or {})
    blocks = blocks_of(recordings, middles)
    complete = [
        name
        for name, is_complete in zip(blocks.devices, _complete(blocks, policy.reference), strict=True)
        if is_complete
    ]
    if not complete:
        return None
    return _rounded(
        FieldReference(recordings.site_id, names[newest], recordings.spec, middles, blocks.of(devices=complete))
    )


def extended(reference: FieldReference, later: FieldReference) -> FieldReference:
    """A reference with devices of a later one that it lacks, such as one that was installed since; others stay.

    Args:
        reference: The site's frozen reference.
        later: Frozen later, of the same site and bundle version, with the first one's `middles`.

    Raises:
        DataError: They are of different sites, bundle versions or feature specifications.
    """
    for name in ("site_id", "bundle_version", "spec_sha256"):
        own, other = getattr(reference, name), getattr(later, name)
        if own != other:
            raise DataError(f"references of different {name} cannot be joined: {own!r} and {other!r}")
    new = [name for name in later.devices if name not in reference.devices]
    devices = sorted({*reference.devices, *new})
    days = sorted({*reference.blocks.days, *later.blocks.days})
    codes = sorted({*reference.blocks.codes, *later.blocks.codes})
    of_old = reference.blocks.of(devices, days, codes)
    of_new = later.blocks.of(new).of(devices, days, codes)
    joined = joined_blocks(of_old, of_new)
    return replace(reference, middles={**later.middles, **reference.middles}, blocks=joined)


def as_date(day: int) -> date:
    """A day since 1970 as a date."""
    return _EPOCH + timedelta(days=day)


def as_day(day: date) -> int:
    """A date as days since 1970."""
    return (day - _EPOCH).days


def _first_days(recordings: Recordings, max_days: int) -> NDArray[np.bool_]:
    """Recordings of each device's first days: one that was installed later has later ones.

    What came on these days with a clock that cannot be right is among them, as its share is compared, too.
    """
    keep, right = np.zeros(len(recordings), bool), ~recordings.clock_fault
    for device in np.unique(recordings.device):
        own = recordings.device == device
        keep |= own & np.isin(recordings.day, np.unique(recordings.day[own & right])[:max_days])
    return keep


def _without_failures(recordings: Recordings, days: set[int]) -> Recordings:
    """Unreadable requests of other days do not belong to the reference."""
    own = np.isin(recordings.failed_day, list(days))
    return recordings.with_failed(recordings.failed_device[own], recordings.failed_day[own])


def _complete(blocks: Blocks, policy: ReferencePolicy) -> NDArray[np.bool_]:
    """Devices with enough days, and enough recordings in a part of the day."""
    counts = np.where(blocks.n_recordings >= policy.min_block_recordings, blocks.n_recordings, 0)
    enough = (counts.sum(axis=2) >= policy.min_recordings) & ((counts > 0).sum(axis=2) >= policy.min_days)
    return np.asarray(enough.any(axis=1))


def _rounded(reference: FieldReference) -> FieldReference:
    """As it is read back, so that its hash is the same before it is written."""
    return _of(_facts(reference))


def _facts(reference: FieldReference) -> dict[str, Any]:
    blocks = reference.blocks
    cells = [
        {
            "at": [int(place) for place in at],
            "n": int(blocks.n_recordings[at]),
            "values": [None if not np.isfinite(one) else round(float(one), _DIGITS) for one in blocks.values[at]],
            "named": [
                [int(species), *(round(float(one), _DIGITS) for one in blocks.named[at][species])]
                for species in np.flatnonzero(blocks.named[at][:, 0])
            ],
        }
        for at in map(tuple, np.argwhere(blocks.n_recordings > 0))
    ]
    return {
        "format": _FORMAT,
        "site_id": reference.site_id,
        "bundle_version": reference.bundle_version,
        "spec_sha256": reference.spec_sha256,
        "devices": list(blocks.devices),
        "days": [as_date(day).isoformat() for day in blocks.days],
        "codes": list(blocks.codes),
        "signals": [signal.name for signal in VALUES],
        "middles": {code: round(middle, _DIGITS) for code, middle in reference.middles.items()},
        "cells": cells,
        "n_requests": blocks.n_requests.tolist(),
        "n_unreadable": blocks.n_unreadable.tolist(),
        "n_clock_faults": blocks.n_clock_faults.tolist(),
        "categories": {kind: [list(names), counts.tolist()] for kind, (names, counts) in blocks.categories.items()},
    }


def _of(facts: dict[str, Any]) -> FieldReference:
    if facts["signals"] != [signal.name for signal in VALUES]:
        raise DataError("the field reference holds other signals than this version of Silencio: make it again")
    devices, codes = tuple(facts["devices"]), tuple(facts["codes"])
    days = tuple(as_day(date.fromisoformat(day)) for day in facts["days"])
    shape = (len(devices), N_PARTS, len(days))
    n_recordings = np.zeros(shape)
    values = np.full((*shape, len(VALUES)), np.nan)
    named = np.zeros((*shape, len(codes), 4))
    for cell in facts["cells"]:
        at = tuple(cell["at"])
        n_recordings[at] = cell["n"]
        values[at] = [np.nan if one is None else one for one in cell["values"]]
        for species, *numbers in cell["named"]:
            named[(*at, species)] = numbers
    by_day = (len(devices), len(days))
    blocks = Blocks(
        devices=devices,
        days=days,
        codes=codes,
        n_recordings=n_recordings,
        values=values,
        named=named,
        n_requests=np.array(facts["n_requests"], np.float64).reshape(by_day),
        n_unreadable=np.array(facts["n_unreadable"], np.float64).reshape(by_day),
        n_clock_faults=np.array(facts["n_clock_faults"], np.float64).reshape(by_day),
        categories={
            kind: (tuple(names), np.array(counts, np.float64).reshape(*by_day, len(names)))
            for kind, (names, counts) in facts["categories"].items()
        },
    )
    return FieldReference(facts["site_id"], facts["bundle_version"], facts["spec_sha256"], facts["middles"], blocks)
