"""A made-up site for tests: benchmarks' reserve, frozen and looked at, with few permutations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache
from typing import Any

from benchmarks.drift.reserve import Reserve
from benchmarks.drift.world import Disturbance, World
from silencio.drift.document import SiteVerdict
from silencio.drift.policy import DriftPolicy
from silencio.drift.reference import FieldReference, reference_of
from silencio.drift.verdict import verdict_of

POLICY = DriftPolicy.shipped().model_copy(
    update={"n_permutations": 199, "n_permutations_of_large_effects": 4999, "n_bootstraps": 100}
)
DAY = 9


@cache
def reserve(n_devices: int = 4, seed: int = 5) -> Reserve:
    return Reserve(World(n_devices=n_devices), seed)


@cache
def reference(n_devices: int = 4, seed: int = 5) -> FieldReference:
    frozen = reference_of(reserve(n_devices, seed).recordings(range(9)), POLICY)
    assert frozen is not None
    return frozen


def verdicts(
    disturbances: Sequence[Disturbance] = (), n_days: int = 1, n_devices: int = 4, seed: int = 5, **options: Any
) -> list[SiteVerdict]:
    """Verdicts of days on which something happens, each with those before as its history."""
    made, history = reserve(n_devices, seed), dict[date, SiteVerdict]()
    for number in range(DAY, DAY + n_days):
        day = made.first + timedelta(days=number)
        history[day] = verdict_of(
            made.recordings([number], disturbances),
            day=day,
            reference=reference(n_devices, seed),
            policy=POLICY,
            history=history,
            **options,
        )
    return list(history.values())
