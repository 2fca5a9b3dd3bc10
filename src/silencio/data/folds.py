"""Folds: every recording is held out once, and with it whatever belongs to its group.

The order is the SHA-256 of seed and group, not a random generator: the same folds on any machine, in any order of rows.
When data grow, what was dealt stays where it is and only new groups are dealt.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping

from silencio.errors import SplitError

_NAME = re.compile(r"fold-(\d+)")


def fold_name(fold: int) -> str:
    """As a split history has it: `fold-0`."""
    return f"fold-{fold}"


def fold_number(name: str) -> int | None:
    """The inverse; None where it names no fold."""
    found = _NAME.fullmatch(name)
    return int(found[1]) if found else None


def deal_groups(
    label_of: Mapping[str, str], n_folds: int, seed: int, kept: Mapping[str, int] | None = None
) -> dict[str, int]:
    """Deal groups of recordings to folds, species by species, so that each fold has its share of every species.

    A group goes to the fold that has the fewest of its species, and of these to the one that has the fewest in all.

    Args:
        label_of: Species of each group.
        n_folds: Number of folds.
        seed: Seed of the order.
        kept: Folds of groups that were dealt before. They count for nothing where they are of another number of folds.

    Returns:
        The fold of each group, from 0.

    Raises:
        SplitError: There are fewer groups than folds.
    """
    if len(label_of) < n_folds:
        raise SplitError(
            f"split.n_folds={n_folds}: there are only {len(label_of)} source recordings; take fewer folds, or holdout"
        )
    kept = dict(kept or {})
    fold_of = {name: fold for name, fold in kept.items() if name in label_of} if _fit(kept, n_folds) else {}
    of_species = Counter((label_of[name], fold) for name, fold in fold_of.items())
    in_all = Counter(fold_of.values())

    def draw(*words: object) -> bytes:
        return hashlib.sha256(":".join(map(str, (seed, *words))).encode()).digest()

    for name in sorted(label_of, key=lambda one: (label_of[one], draw(one))):
        if name in fold_of:
            continue
        label = label_of[name]
        fold = min(range(n_folds), key=lambda one: (of_species[label, one], in_all[one], draw(label, one)))
        fold_of[name] = fold
        of_species[label, fold] += 1
        in_all[fold] += 1
    return fold_of


def _fit(kept: Mapping[str, int], n_folds: int) -> bool:
    """Whether folds that were dealt before are of as many: others would be as good as drawn by chance."""
    return set(kept.values()) == set(range(n_folds))
