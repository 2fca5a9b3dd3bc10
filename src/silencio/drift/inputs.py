"""Tests of the sound of devices, each against its own reference and against its peers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from silencio.drift.permutation import (
    PermutationTest,
    arrangements,
    differences,
    mean_differences,
    p_of_few,
    permutation_test,
)
from silencio.drift.policy import DriftPolicy
from silencio.drift.pool import Pool
from silencio.drift.signals import AGAINST_PEERS, EMPTY, INPUTS, VALUES, Signal
from silencio.drift.trial import Trial, threshold_of

Array = NDArray[np.float64]
# Of two, neither is the odd one out.
MIN_DEVICES_WITH_PEERS = 3
_EMPTY_ONLY = slice(len(INPUTS), len(VALUES))


@dataclass(frozen=True)
class InputTests:
    """Tests of sound.

    Attributes:
        trials: All of them; the share of empty recordings is among them.
        apart: Devices whose sound is beyond its threshold apart from their peers'.
        part_effects: By device and name of the signal: the effect in each part of the day that was compared.
    """

    trials: tuple[Trial, ...]
    apart: frozenset[str]
    part_effects: dict[tuple[str, str], Array]

    @classmethod
    def nothing(cls) -> InputTests:
        """Where sound is not compared."""
        return cls((), frozenset(), {})


def compare_inputs(pool: Pool, policy: DriftPolicy) -> InputTests:
    """Test every signal of sound, and the share of recordings in which nothing is named."""
    own = _tests(pool, pool.values, VALUES, pool.devices, policy, "")
    trials, parts = list(own.trials), dict(own.part_effects)
    apart: frozenset[str] = frozenset()
    moved = pool.values - _reference_mean(pool.values)
    if len(pool.devices) >= MIN_DEVICES_WITH_PEERS:
        residual = (moved - _common(moved))[..., : len(INPUTS)]
        against = _tests(pool, residual, INPUTS, pool.devices, policy, AGAINST_PEERS)
        trials += against.trials
        parts |= against.part_effects
        apart = frozenset(
            trial.device_id for trial in against.trials if trial.is_beyond and trial.device_id is not None
        )
        # Where most are apart, none is: that is no microphone's doing.
        if len(apart) >= policy.attribution.common_share * len(pool.devices):
            apart = frozenset()
    others = [name for name in pool.devices if name not in apart]
    site = pool.shared(others, policy.attribution.common_share, policy.reference.min_days)
    empty = site.values[..., _EMPTY_ONLY]
    # Added, so that the site's value is a share of recordings, and not its change alone.
    of_site = _mean(empty - _reference_mean(empty))[None] + float(np.nanmean(empty[:, :, 1:]))
    trials += _tests(site, of_site, (EMPTY,), (None,), policy, "").trials
    return InputTests(tuple(trials), apart, parts)


def _reference_mean(values: Array) -> Array:
    return _mean(values[:, :, 1:], axis=2)[:, :, None]


def _mean(values: Array, axis: int = 0) -> Array:
    known = np.isfinite(values)
    count = known.sum(axis=axis)
    return np.where(count > 0, np.where(known, values, 0.0).sum(axis=axis) / np.maximum(count, 1), np.nan)


def _common(moved: Array) -> Array:
    """The median over devices, the device itself among them: of three, the odd one does not move that of the others."""
    ordered = np.sort(moved, axis=0)
    count = np.isfinite(moved).sum(axis=0)
    low, high = (
        np.take_along_axis(ordered, np.maximum(place, 0)[None], axis=0)[0] for place in ((count - 1) // 2, count // 2)
    )
    return np.where(count >= MIN_DEVICES_WITH_PEERS, (low + high) / 2, np.nan)


def _tests(
    pool: Pool,
    blocks: Array,
    signals: Sequence[Signal],
    devices: Sequence[str | None],
    policy: DriftPolicy,
    suffix: str,
) -> InputTests:
    difference = differences(blocks)
    logarithm = np.array([signal.unit == "ratio" for signal in signals])
    found = _by_days(difference, policy, signals)
    reference = _mean(_mean(blocks[:, :, 1:], axis=2) + 0.0 * blocks[:, :, 0], axis=1)
    trials, parts = [], {}
    for row, device in enumerate(devices):
        place = slice(None) if device is None else slice(row, row + 1)
        n = pool.n_recordings[place]
        for column, signal in enumerate(signals):
            statistic = float(found.statistic[row, column])
            if not np.isfinite(statistic):
                continue
            spread = float(found.spread[row, column])
            effect = float(np.expm1(statistic)) if logarithm[column] else statistic
            before = float(reference[row, column])
            trials.append(
                Trial(
                    signal=signal,
                    device_id=device,
                    effect=effect,
                    spread=spread,
                    p=float(found.p[row, column]),
                    n_recordings=int(n[:, :, 0].sum()),
                    n_reference=int(n[:, :, 1:].sum()),
                    reference=float(np.exp(before)) if logarithm[column] else before,
                    current=float(np.exp(before + statistic)) if logarithm[column] else before + statistic,
                    threshold=threshold_of(signal, spread if np.isfinite(spread) else 0.0, policy),
                    suffix=suffix,
                )
            )
            if device is not None:
                by_part = difference[row, :, 0, column]
                parts[(device, signal.name + suffix)] = by_part[np.isfinite(by_part)]
    return InputTests(tuple(trials), frozenset(), parts)


def _by_days(difference: Array, policy: DriftPolicy, signals: Sequence[Signal]) -> PermutationTest:
    """Each device by the days that it has: on days of others, arrangements would lack some of its parts of the day."""
    n_rows, n_signals = difference.shape[0], difference.shape[3]
    found = PermutationTest(*(np.full((n_rows, n_signals), np.nan) for _ in range(4)))
    recorded = np.isfinite(difference).any(axis=(1, 3))
    for days in np.unique(recorded, axis=0):
        n_reference = int(days[1:].sum())
        if not days[0] or n_reference < policy.reference.min_days:
            continue
        rows = np.flatnonzero((recorded == days).all(axis=1))
        part = _permuted(difference[rows][:, :, days], n_reference, policy, signals)
        for name in ("statistic", "centre", "spread", "p"):
            getattr(found, name)[rows] = getattr(part, name)
    return found


def _permuted(difference: Array, n_reference: int, policy: DriftPolicy, signals: Sequence[Signal]) -> PermutationTest:
    """All by a few permutations, and those with effects that matter by many: one among 400 needs a p of that order."""
    n_parts = difference.shape[1]
    few = arrangements(n_parts, n_reference, policy.n_permutations)
    found = permutation_test(mean_differences(difference, few), n_reference, centred=False)
    base = np.array([getattr(policy.effects, signal.threshold) for signal in signals])
    limit = np.maximum(base, policy.min_day_spreads * np.nan_to_num(found.spread))
    with np.errstate(invalid="ignore"):
        large = np.argwhere(np.abs(found.statistic) >= 0.8 * limit)
    if len(large):
        chosen = np.stack([difference[row, :, :, column] for row, column in large])[..., None]
        many = arrangements(n_parts, n_reference, policy.n_permutations_of_large_effects, seed=1)
        again = permutation_test(mean_differences(chosen, many), n_reference, centred=False)
        found.p[large[:, 0], large[:, 1]] = again.p[:, 0]
    n_arrangements = (1.0 + n_reference) ** np.isfinite(difference[:, :, 0]).sum(axis=1)
    return replace(found, p=p_of_few(found, n_arrangements, n_reference))
