"""What the drift library finds in made-up reserves: cases of known cause and size, undisturbed months, whole years."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np

from benchmarks.drift.reserve import Reserve
from benchmarks.drift.world import Case, Disturbance, World
from silencio.drift.document import SiteVerdict
from silencio.drift.policy import DriftPolicy
from silencio.drift.reference import FieldReference, reference_of
from silencio.drift.reviews import ReviewCounts
from silencio.drift.verdict import verdict_of

# A reference of ten days, the day after it that may go on, and the first day on which something may happen.
N_REFERENCE_DAYS, FIRST_DAY = 10, 12


def days_of_case(case: Case, seed: int, n_days: int = 4, policy: DriftPolicy | None = None) -> list[dict[str, Any]]:
    """Verdicts of the first days of a case: causes, alerts, and devices, day by day.

    Args:
        case: What happens.
        seed: Seed of the reserve and its days.
        n_days: Days from its beginning on.
        policy: Thresholds; None takes those that ship.
    """
    policy = policy or DriftPolicy.shipped()
    reserve = Reserve(case.world, seed)
    reference = _reference(reserve, policy, N_REFERENCE_DAYS)
    verdicts = _verdicts(reserve, reference, policy, range(FIRST_DAY, FIRST_DAY + n_days), case)
    return [_facts(verdict) for verdict in verdicts.values()]


def alerts_of_month(world: World, seed: int, n_days: int = 30, policy: DriftPolicy | None = None) -> dict[str, Any]:
    """A month in which nothing happens: by cause, days that were found, and alerts (a run of days is one)."""
    policy = policy or DriftPolicy.shipped()
    reserve = Reserve(world, seed)
    n_reference = policy.reference.max_days
    reference = _reference(reserve, policy, n_reference)
    verdicts = _verdicts(
        reserve, reference, policy, range(n_reference + 1, n_reference + 1 + n_days), Case(world=world)
    )
    return {"days": _days_by_cause(verdicts), "alerts": _alerts(verdicts)}


def months_of_year(world: World, seed: int, n_days: int = 365, policy: DriftPolicy | None = None) -> dict[str, Any]:
    """A year with the reference of its first fortnight: by month and cause, days that were found; and alerts."""
    policy = policy or DriftPolicy.shipped()
    reserve = Reserve(world, seed)
    n_reference = policy.reference.max_days
    reference = _reference(reserve, policy, n_reference)
    verdicts = _verdicts(reserve, reference, policy, range(n_reference + 1, n_days), Case(world=world))
    months: dict[str, dict[str, int]] = {}
    for day, verdict in verdicts.items():
        month = months.setdefault(f"{day:%Y-%m}", {"days": 0})
        month["days"] += 1
        for one in verdict.causes:
            month[one.cause] = month.get(one.cause, 0) + 1
    return {"months": months, "alerts": _alerts(verdicts)}


def _reference(reserve: Reserve, policy: DriftPolicy, n_days: int) -> FieldReference:
    reference = reference_of(reserve.recordings(range(n_days + 1)), policy)
    if reference is None:
        raise ValueError("a made-up reserve gave no reference: its policy takes more days than it has")
    return reference


def _verdicts(
    reserve: Reserve, reference: FieldReference, policy: DriftPolicy, days: Sequence[int], case: Case
) -> dict[date, SiteVerdict]:
    history: dict[date, SiteVerdict] = {}
    rng = np.random.default_rng([reserve.seed, 3])
    reviews: dict[tuple[date, str], ReviewCounts] = {}
    for day in days:
        own = reserve.first + timedelta(days=day)
        recordings = reserve.recordings([day], case.disturbances)
        if case.reviews:
            scores = recordings.detections.probability
            expected = float(scores.mean())
            # What scores lose, precision loses twice: the model is worse than it knows.
            n_right = int(rng.binomial(case.reviews, max(0.0, expected - _lost(case.disturbances))))
            reviews[own, ""] = ReviewCounts(n_right, case.reviews - n_right, expected)
        history[own] = verdict_of(
            recordings, day=own, reference=reference, policy=policy, history=history, reviews=reviews
        )
    return history


def _lost(disturbances: Sequence[Disturbance]) -> float:
    return sum(one.size for one in disturbances if one.kind == "decay")


def _facts(verdict: SiteVerdict) -> dict[str, Any]:
    return {
        "causes": [one.cause for one in verdict.causes],
        "alerts": [one.cause for one in verdict.causes if one.alert],
        "devices": {one.cause: list(one.devices) for one in verdict.causes if one.devices},
    }


def _days_by_cause(verdicts: dict[date, SiteVerdict]) -> dict[str, int]:
    found: dict[str, int] = {}
    for verdict in verdicts.values():
        for one in verdict.causes:
            found[one.cause] = found.get(one.cause, 0) + 1
    return found


def _alerts(verdicts: dict[date, SiteVerdict]) -> list[list[str]]:
    """First day and cause of each alert."""
    begun, before = [], set[str]()
    for day, verdict in verdicts.items():
        now = {str(one.cause) for one in verdict.causes if one.alert}
        begun += [[day.isoformat(), cause] for cause in sorted(now - before)]
        before = now
    return begun
