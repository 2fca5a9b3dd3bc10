"""One day of a site held against its reference: each signal of each device, with effect, p, q and alarm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from silencio.drift.blocks import Blocks
from silencio.drift.document import SignalChange
from silencio.drift.inputs import InputTests, compare_inputs
from silencio.drift.label_shift import Confusion
from silencio.drift.outputs import MixChange, compare_outputs
from silencio.drift.policy import DriftPolicy
from silencio.drift.pool import pooled
from silencio.drift.quality import compare_quality
from silencio.drift.reference import FieldReference
from silencio.drift.reviews import Reviews, compare_reviews
from silencio.drift.trial import Trial, size_in


@dataclass(frozen=True)
class DayComparison:
    """What a day showed before any cause is named.

    Attributes:
        signals: All that were compared.
        devices: Devices that were compared.
        apart: Those whose sound is apart from their peers': outputs of the site are without them.
        small: Devices with too few recordings in every part of the day.
        without_reference: Devices of the day that have no reference.
        silent: Devices of the reference that sent nothing.
        part_effects: By device and signal: effects in the parts of the day that were compared.
        mix: How the mix of species has changed; None where outputs were not compared.
        categories: By device: sentences on format, rate, duration and key.
        trials: What the signals were corrected from.
    """

    signals: tuple[SignalChange, ...]
    devices: tuple[str, ...]
    apart: frozenset[str]
    small: tuple[str, ...]
    without_reference: tuple[str, ...]
    silent: tuple[str, ...]
    part_effects: dict[tuple[str, str], NDArray[np.float64]]
    mix: MixChange | None
    categories: dict[str, tuple[str, ...]]
    trials: tuple[Trial, ...] = field(default=(), repr=False)

    def find(self, signal: str, device: str | None = None) -> SignalChange | None:
        """One of the signals; None where it was not compared."""
        return next((one for one in self.signals if one.signal == signal and one.device_id == device), None)

    def alarms(self, names: Sequence[str], device: str | None) -> list[SignalChange]:
        """Those of the signals that alarm, of one device or (None) of the site."""
        return [one for one in self.signals if one.alarm and one.device_id == device and one.signal in names]

    def with_reviews(self, reviews: Reviews, policy: DriftPolicy) -> DayComparison:
        """The same, corrected together with what people found of the predictions."""
        trials = (*self.trials, *compare_reviews(reviews, policy))
        return replace(self, trials=trials, signals=corrected(trials, policy))


def compare(
    current: Blocks,
    reference: FieldReference,
    policy: DriftPolicy,
    *,
    inputs: bool = True,
    outputs: bool = True,
    confusion: Confusion | None = None,
) -> DayComparison:
    """Compare one day with its reference.

    Args:
        current: Blocks of one day.
        reference: Field reference of the same site.
        policy: Thresholds.
        inputs: Whether sound is compared: not where another feature specification measured it.
        outputs: Whether predictions are: not across bundle versions.
        confusion: What the bundle named in validation windows.
    """
    present = [name for name, n in zip(current.devices, current.n_requests.sum(axis=1), strict=True) if n > 0]
    pool = pooled(current, reference.blocks, policy)
    sound = compare_inputs(pool, policy) if inputs and pool.devices else InputTests.nothing()
    quality, sentences = compare_quality(current, reference.blocks, policy)
    trials = [*sound.trials, *quality]
    mix = None
    apart = sound.apart
    if outputs and pool.devices:
        found, mix = compare_outputs(pool, [name for name in pool.devices if name not in apart], policy, confusion)
        trials += found
    compared = [name for name in present if name in reference.devices]
    return DayComparison(
        signals=corrected(trials, policy),
        devices=pool.devices,
        apart=apart,
        small=tuple(name for name in compared if name not in pool.devices),
        without_reference=tuple(name for name in present if name not in reference.devices),
        silent=tuple(name for name in reference.devices if name not in present),
        part_effects=sound.part_effects,
        mix=mix,
        categories=sentences,
        trials=tuple(trials),
    )


def corrected(trials: Sequence[Trial], policy: DriftPolicy) -> tuple[SignalChange, ...]:
    """All signals of a day, corrected together (Benjamini and Hochberg 1995), the largest effects first."""
    known = [trial for trial in trials if np.isfinite(trial.p) and np.isfinite(trial.effect)]
    if not known:
        return ()
    q = stats.false_discovery_control([trial.p for trial in known])
    changes = [
        trial.change(
            float(one), alarm=trial.is_beyond and trial.may_alarm and float(one) <= policy.false_discovery_rate
        )
        for trial, one in zip(known, q, strict=True)
    ]
    return tuple(sorted(changes, key=lambda one: (-_size(one), one.signal, one.device_id or "")))


def _size(change: SignalChange) -> float:
    return size_in(change.signal, change.effect, change.threshold)
