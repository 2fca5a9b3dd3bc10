"""Tests of how recordings come: unreadable ones, clocks, formats, sample rates, durations, keys."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from silencio.drift.blocks import Blocks
from silencio.drift.policy import DriftPolicy
from silencio.drift.signals import CATEGORIES, CLOCK_FAULTS, DECODE_FAILURES, Signal
from silencio.drift.trial import Trial, threshold_of

Array = NDArray[np.float64]


def compare_quality(
    current: Blocks, reference: Blocks, policy: DriftPolicy
) -> tuple[list[Trial], dict[str, tuple[str, ...]]]:
    """Tests of every device of both, and by device sentences on what kinds of recordings moved most."""
    trials: list[Trial] = []
    sentences: dict[str, tuple[str, ...]] = {}
    names = [name for name in current.devices if name in reference.devices]
    now, before = current.of(devices=names), reference.of(devices=names)
    for row, device in enumerate(names):
        if now.n_requests[row, 0] < policy.min_recordings:
            continue
        n_then = before.n_requests[row]
        for signal, counts, then in (
            (DECODE_FAILURES, now.n_unreadable, before.n_unreadable),
            (CLOCK_FAULTS, now.n_clock_faults, before.n_clock_faults),
        ):
            trials.append(_share(signal, device, counts[row, 0], now.n_requests[row, 0], then[row], n_then, policy))
        texts = []
        for kind, signal in CATEGORIES.items():
            trial, sentence = _category(signal, device, _table(now, before, kind, row), policy)
            if trial is not None:
                trials.append(trial)
                if trial.is_beyond:
                    texts.append(sentence)
        if texts:
            sentences[device] = tuple(texts)
    return trials, sentences


def _share(
    signal: Signal, device: str, count: float, n: float, counts: Array, numbers: Array, policy: DriftPolicy
) -> Trial:
    """A share of requests that is higher now: by the hypergeometric distribution (Fisher's exact test)."""
    before = float(counts.sum() / max(numbers.sum(), 1.0))
    days = np.divide(counts, numbers, out=np.full(len(counts), np.nan), where=numbers > 0)
    spread = float(np.nan_to_num(np.sqrt(np.nanmean((days - before) ** 2)))) if np.isfinite(days).any() else 0.0
    total, marked = numbers.sum() + n, counts.sum() + count
    return Trial(
        signal=signal,
        device_id=device,
        effect=float(count / n - before),
        spread=spread,
        p=float(stats.hypergeom.sf(count - 1, int(total), int(marked), int(n))),
        n_recordings=int(n),
        n_reference=int(numbers.sum()),
        reference=before,
        current=float(count / n),
        threshold=threshold_of(signal, spread, policy),
    )


def _table(now: Blocks, before: Blocks, kind: str, row: int) -> tuple[list[str], Array, Array]:
    """Names of both, counts now (n_names,), and before (n_days, n_names)."""
    (names_now, counts_now), (names_before, counts_before) = now.categories[kind], before.categories[kind]
    names = sorted({*names_now, *names_before})
    place = {name: index for index, name in enumerate(names)}
    current, days = np.zeros(len(names)), np.zeros((counts_before.shape[1], len(names)))
    current[[place[name] for name in names_now]] = counts_now[row, 0]
    days[:, [place[name] for name in names_before]] = counts_before[row]
    return names, current, days


def _category(
    signal: Signal, device: str, table: tuple[Sequence[str], Array, Array], policy: DriftPolicy
) -> tuple[Trial | None, str]:
    """Share of the recordings that changed their kind, by the chi-squared test of both."""
    names, current, days = table
    before = days.sum(axis=0)
    if not current.sum() or not before.sum():
        return None, ""
    shares, shares_before = current / current.sum(), before / before.sum()
    effect = float(np.abs(shares - shares_before).sum() / 2)
    own = days[days.sum(axis=1) > 0]
    strays = np.abs(own / own.sum(axis=1, keepdims=True) - shares_before).sum(axis=1) / 2
    both = np.stack([current, before])
    both = both[:, both.sum(axis=0) > 0]
    expected = both.sum(axis=1, keepdims=True) * both.sum(axis=0) / both.sum()
    chi2 = float(((both - expected) ** 2 / expected).sum())
    p = float(special.chdtrc(both.shape[1] - 1, chi2)) if both.shape[1] > 1 else 1.0
    spread = float(np.sqrt(np.mean(strays**2)))
    gained = int(np.argmax(shares - shares_before))
    sentence = (
        f"{device}: {signal.name.removesuffix('_share').replace('_', ' ')} {names[gained]} in {shares[gained]:.0%} "
        f"of the recordings, {shares_before[gained]:.0%} before"
    )
    return (
        Trial(
            signal=signal,
            device_id=device,
            effect=effect,
            spread=spread,
            p=p,
            n_recordings=int(current.sum()),
            n_reference=int(before.sum()),
            reference=0.0,
            current=effect,
            threshold=threshold_of(signal, spread, policy),
        ),
        sentence,
    )
