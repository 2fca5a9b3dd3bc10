"""Tests of what is named: the mix of species, scores at fixed species, expected precision; by device and site."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from silencio.drift.blocks import LOW, NAMED, PROBABILITY_SUM, SCORED
from silencio.drift.label_shift import Confusion, explained_share
from silencio.drift.permutation import PermutationTest, arrangements, of_sums, p_of_few, permutation_test
from silencio.drift.policy import DriftPolicy
from silencio.drift.pool import Pool
from silencio.drift.signals import MIX, PRECISION, SCORE, Signal
from silencio.drift.species_mix import mix_distance, mix_lower_bound, precision, precision_change, score_change
from silencio.drift.trial import Trial, size_in, threshold_of

Array = NDArray[np.float64]
Statistic = Callable[[Array, Array], Array]
# With the counts of `Blocks.named` that each takes.
_STATISTICS: tuple[tuple[Signal, Statistic, tuple[int, ...]], ...] = (
    (MIX, mix_distance, (NAMED,)),
    (SCORE, score_change, (SCORED, PROBABILITY_SUM)),
    (PRECISION, precision_change, (SCORED, PROBABILITY_SUM)),
)


@dataclass(frozen=True)
class MixChange:
    """How the site's mix of species has changed.

    Attributes:
        explained_share: Share of the change of species and their low and high scores that another prior explains.
        explained_named_share: The same of species alone.
        is_of_validation: Whether confusions of validation were at hand; without them any name is explained.
        more: Species with the largest gain of share: code, share before, share now.
        fewer: Those with the largest loss.
    """

    explained_share: float
    explained_named_share: float
    is_of_validation: bool
    more: tuple[tuple[str, float, float], ...]
    fewer: tuple[tuple[str, float, float], ...]


def compare_outputs(
    pool: Pool, site_devices: Sequence[str], policy: DriftPolicy, confusion: Confusion | None
) -> tuple[list[Trial], MixChange | None]:
    """Test outputs of every device, and of the site by those of its devices whose sound is not apart.

    Args:
        pool: The day and its reference.
        site_devices: Devices whose outputs make the site's.
        policy: Thresholds.
        confusion: Names given to validation windows; None takes what is named for right.
    """
    trials = []
    for row, device in enumerate(pool.devices):
        trials += _tests(pool.named[row], pool.n_recordings[row], device, policy)
    shared = pool.shared(site_devices, policy.attribution.common_share, policy.reference.min_days)
    named = shared.named.sum(axis=0)
    site = _tests(named, shared.n_recordings.sum(axis=0), None, policy)
    return [*trials, *site], _mix(pool.codes, named, confusion) if site else None


def _tests(named: Array, n: Array, device: str | None, policy: DriftPolicy) -> list[Trial]:
    """Of one unit, on the days that it has: counts (n_parts, n_days, n_species, 4)."""
    present, recorded = named[..., NAMED].sum(axis=(0, 1)) > 0, n.sum(axis=0) > 0
    recorded[0] = True
    named, n = named[:, recorded][:, :, present], n[:, recorded]
    n_reference = n.shape[1] - 1
    now, before = named[:, 0].sum(axis=0), named[:, 1:].sum(axis=(0, 1))
    if now[:, NAMED].sum() < policy.min_detections or before[:, NAMED].sum() < policy.min_detections:
        return []
    trials = []
    for signal, statistic, kinds in _STATISTICS:
        counts = np.moveaxis(named[..., kinds], -1, -2).copy()
        found = _permuted(counts, n_reference, policy, signal, statistic)
        n_parts = int((n[:, 0] > 0).sum())
        p = float(p_of_few(found, (1.0 + n_reference) ** n_parts, n_reference))
        effect = float(found.statistic - found.centre)
        if not np.isfinite(effect):
            continue
        spread = float(np.nan_to_num(found.spread))
        threshold = threshold_of(signal, spread, policy)
        reference = float(found.centre) if signal is MIX else float(precision(before[:, [SCORED, PROBABILITY_SUM]].T))
        current = float(found.statistic) if signal is MIX else reference + effect
        may_alarm = True
        if signal is MIX and size_in(signal.name, effect, threshold) >= 1.0:
            rows = named[..., NAMED]
            bound = mix_lower_bound(
                rows[:, 0], rows[:, 1:].reshape(-1, rows.shape[-1]), float(found.statistic), policy.n_bootstraps
            )
            may_alarm = bound - float(found.centre) >= policy.min_mix_lower_bound
        trials.append(
            Trial(
                signal=signal,
                device_id=device,
                effect=effect,
                spread=spread,
                p=p,
                n_recordings=int(n[:, 0].sum()),
                n_reference=int(n[:, 1:].sum()),
                reference=reference,
                current=current,
                threshold=threshold,
                may_alarm=may_alarm,
            )
        )
    return trials


def _permuted(
    named: Array, n_reference: int, policy: DriftPolicy, signal: Signal, statistic: Statistic
) -> PermutationTest:
    few = arrangements(len(named), n_reference, policy.n_permutations)
    centred = signal is MIX
    found = permutation_test(of_sums(named, few, statistic), n_reference, centred=centred)
    limit = threshold_of(signal, float(np.nan_to_num(found.spread)), policy)
    if abs(float(found.statistic - found.centre)) < 0.8 * limit:
        return found
    many = arrangements(len(named), n_reference, policy.n_permutations_of_large_effects, seed=1)
    return permutation_test(of_sums(named, many, statistic), n_reference, centred=centred)


def _mix(codes: Sequence[str], named: Array, confusion: Confusion | None, n_listed: int = 3) -> MixChange:
    now, before = named[:, 0].sum(axis=0), named[:, 1:].sum(axis=(0, 1))
    present = (now + before)[:, NAMED] > 0
    names = [code for code, keep in zip(codes, present, strict=True) if keep]
    now, before = now[present], before[present]
    given = (confusion or Confusion((), np.zeros((0, 0)))).of(names)
    bins = [np.stack([one[:, LOW], one[:, SCORED] - one[:, LOW]], axis=1) for one in (before, now)]
    shares = [one[:, NAMED] / one[:, NAMED].sum() for one in (before, now)]
    order = np.argsort(shares[1] - shares[0])
    listed = [(names[place], float(shares[0][place]), float(shares[1][place])) for place in order]
    return MixChange(
        explained_share=explained_share(bins[0], bins[1], given) if bins[1].sum() else 0.0,
        explained_named_share=explained_share(before[:, [NAMED]], now[:, [NAMED]], given),
        is_of_validation=confusion is not None,
        more=tuple(one for one in reversed(listed[-n_listed:]) if one[2] > one[1]),
        fewer=tuple(one for one in listed[:n_listed] if one[2] < one[1]),
    )
