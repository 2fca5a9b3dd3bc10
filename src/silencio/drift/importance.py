"""Whether predictions rest on other parts of the sound than in the reference: evidence, and no cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from silencio.drift.document import ImportanceChange, SiteVerdict
from silencio.drift.policy import ImportancePolicy
from silencio.explanations.summary import ImportanceSummary, importance_shift

# Causes that concern what the model makes of the sound.
OF_THE_MODEL = frozenset({"model_decay", "microphone_or_site"})
_MEASURES = ("centroid_octaves", "bandwidth_octaves", "half_share")
_WORDS = {
    "centroid_octaves": "its mean frequency by {:+.2f} octaves",
    "bandwidth_octaves": "its width by {:+.2f} octaves",
    "half_share": "the share of the window that holds half of it by {:+.2f}",
}
N_DRAWS, _SEED = 200, 0

BySpecies = Mapping[str, Sequence[ImportanceSummary]]


def not_looked_at(why: str) -> ImportanceChange:
    """What stands in a verdict where nothing was explained.

    Args:
        why: The end of a sentence, without its point.
    """
    return ImportanceChange(message=f"What predictions rest on was not looked at: {why}.")


def importance_change(reference: BySpecies, current: BySpecies, policy: ImportancePolicy) -> ImportanceChange:
    """Explanations of a day against those of its reference, each species against itself.

    Medians are moved by few windows as it is. How far is drawn from the reference: as many windows of each species,
    twice, held against one another.

    Args:
        reference: Summaries by species.
        current: The same of the day; a species that one of them lacks is left out.
        policy: Thresholds.
    """
    shared = sorted(code for code in reference if reference[code] and current.get(code))
    before, now = ([list(period[code]) for code in shared] for period in (reference, current))
    n_windows = min(sum(map(len, before)), sum(map(len, now)))
    if n_windows < policy.min_windows:
        return not_looked_at(
            f"{n_windows} windows of the same species could be explained on the day and of the reference each, and "
            f"{policy.min_windows} are needed"
        )
    shift = _shift(before, now)
    rng = np.random.default_rng(_SEED)
    draws = [_shift(_drawn(before, before, rng), _drawn(before, now, rng)) for _ in range(N_DRAWS)]
    own = policy.min_spreads * np.std(draws, axis=0)
    thresholds = np.maximum([getattr(policy, name) for name in _MEASURES], own)
    place = int(np.argmax(np.abs(shift) / thresholds))
    value, threshold = round(float(shift[place]), 5), round(float(thresholds[place]), 5)
    beyond, name = abs(value) >= threshold, _MEASURES[place]
    moved = "has moved" if beyond else "is where it was"
    return ImportanceChange(
        measure=name,
        value=value,
        threshold=threshold,
        beyond=beyond,
        n_windows=n_windows,
        message=f"What predictions rest on {moved}: {_WORDS[name].format(value)} (threshold {threshold:.2f}), by "
        f"{n_windows} windows of {', '.join(shared)} on the day and of the reference each.",
    )


def with_importance(verdict: SiteVerdict, change: ImportanceChange) -> SiteVerdict:
    """A verdict with what predictions rest on, and with a sentence of evidence where that has moved.

    Args:
        verdict: What the day showed.
        change: What predictions rest on.
    """
    causes = tuple(
        one.model_copy(update={"evidence": (*one.evidence, change.message)})
        if change.beyond and one.cause in OF_THE_MODEL
        else one
        for one in verdict.causes
    )
    return verdict.model_copy(update={"importance": change, "causes": causes})


def _shift(before: list[list[ImportanceSummary]], now: list[list[ImportanceSummary]]) -> NDArray[np.float64]:
    """By `_MEASURES`: mean over species, each by its windows of the day, so that another mix of them is no shift."""
    moved, weights = [], []
    for reference, current in zip(before, now, strict=True):
        one = importance_shift(reference, current)
        if one is not None:
            moved.append([getattr(one, name) for name in _MEASURES])
            weights.append(one.n_current)
    return np.average(np.array(moved, np.float64), axis=0, weights=weights)


def _drawn(
    pool: list[list[ImportanceSummary]], sizes: list[list[ImportanceSummary]], rng: np.random.Generator
) -> list[list[ImportanceSummary]]:
    """Of each species of the pool, with replacement, as many as another period has."""
    return [
        [own[place] for place in rng.integers(len(own), size=len(other))]
        for own, other in zip(pool, sizes, strict=True)
    ]
