"""How long a release will take at today's traffic, and what each step will be able to see. Known before it begins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from silencio.errors import ConfigError
from silencio.release.count_rules import compared_alpha
from silencio.release.policy import ReleasePolicy
from silencio.release.sequential_counts import Exposure, smallest_visible_rate

# A release that takes longer is proposed with fewer steps.
MAX_PLANNED_S = 7 * 86_400.0
_SHORT_STEPS = [0.0, 25.0, 100.0]
_HOUR_S, _DAY_S = 3_600.0, 86_400.0


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Traffic and rates as the champion has them now.

    Attributes:
        units_per_hour: Sessions, and requests without one, that begin in an hour: one number for each hour of the day
            from midnight on, or a single one for all hours.
        requests_per_unit: Requests of a session, on average.
        failed_share: Share of sessions with a failed request.
        slow_share: Share of sessions with a slow request.
    """

    units_per_hour: Sequence[float]
    requests_per_unit: float = 1.0
    failed_share: float = 0.002
    slow_share: float = 0.05


@dataclass(frozen=True, kw_only=True)
class PlannedStep:
    """One step as it is expected.

    Attributes:
        share_percent: The challenger's share.
        duration_s: Until its least numbers are reached; infinite without traffic.
        challenger_units: Sessions that the challenger will have answered in it.
        champion_units: Sessions that the champion will have answered in it.
        is_too_long: Whether it reaches the policy's `max_s` first, and the release is held.
        smallest_failed_share: Lowest share of failed sessions that would be found by its end; None: none would.
        smallest_slow_share: The same of slow sessions.
    """

    share_percent: float
    duration_s: float
    challenger_units: int
    champion_units: int
    is_too_long: bool
    smallest_failed_share: float | None
    smallest_slow_share: float | None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A release as it is expected.

    Attributes:
        policy: The policy that it holds for.
        steps: All but the one at 0 %, whose evidence does not wait for visitors.
        bake_s: At 100 %, after the last step.
        total_s: All of it, without what a person takes to approve.
        proposal: The same traffic under fewer steps, where this takes more than a week or ends in `held`; None: it
            does not, or fewer steps would not help.
    """

    policy: ReleasePolicy
    steps: tuple[PlannedStep, ...]
    bake_s: float
    total_s: float
    proposal: Plan | None = None

    @property
    def is_too_long(self) -> bool:
        """Whether it takes more than a week, or ends in `held`."""
        return self.total_s > MAX_PLANNED_S or any(step.is_too_long for step in self.steps)


def plan(policy: ReleasePolicy, traffic: Traffic, *, began_hour: float = 0.0) -> Plan:
    """What to expect of a release.

    Args:
        policy: The policy.
        traffic: As it is now.
        began_hour: Hour of the day at which it begins, 0 to 24.

    Raises:
        ConfigError: Traffic is negative or no number, or its hours are neither one nor a day's.
    """
    _check(traffic)
    planned = _plan(policy, traffic, began_hour)
    if not planned.is_too_long or policy.steps == _SHORT_STEPS:
        return planned
    proposal = _plan(_with_fewer_steps(policy, traffic, began_hour), traffic, began_hour)
    if not math.isfinite(proposal.total_s):
        return planned
    return Plan(policy=policy, steps=planned.steps, bake_s=planned.bake_s, total_s=planned.total_s, proposal=proposal)


def _check(traffic: Traffic) -> None:
    hours = traffic.units_per_hour
    if len(hours) not in (1, 24):
        raise ConfigError(
            f"units_per_hour: must be one number or 24, one for each hour of the day (found {len(hours)})"
        )
    if not all(math.isfinite(value) and value >= 0 for value in hours):
        raise ConfigError(f"units_per_hour: must be numbers of at least 0 (found {list(hours)})")
    if not traffic.requests_per_unit >= 1:
        raise ConfigError(f"requests_per_unit: must be at least 1 (found {traffic.requests_per_unit:g})")
    for name, share in (("failed_share", traffic.failed_share), ("slow_share", traffic.slow_share)):
        if not 0 <= share < 1:
            raise ConfigError(f"{name}: must be from 0 to below 1 (found {share:g})")


def _with_fewer_steps(policy: ReleasePolicy, traffic: Traffic, began_hour: float) -> ReleasePolicy:
    """Steps at 25 and 100 %, each given as many whole days as twice what it is expected to take."""
    kept = [step for step in policy.confirm_increase if step in _SHORT_STEPS]
    fewer = policy.model_copy(update={"steps": list(_SHORT_STEPS), "confirm_increase": kept})
    max_step_s = max(step.duration_s for step in _plan(fewer, traffic, began_hour).steps)
    if not math.isfinite(max_step_s):
        return fewer
    days = math.ceil(2 * max_step_s / _DAY_S)
    return fewer.model_copy(update={"max_s": max(policy.max_s, days * _DAY_S)})


def _plan(policy: ReleasePolicy, traffic: Traffic, began_hour: float) -> Plan:
    needed = max(policy.min_sessions, math.ceil(policy.min_requests / traffic.requests_per_unit))
    at_s, steps, seen = began_hour * _HOUR_S, [], []
    for percent in policy.steps[1:]:
        share = percent / 100.0
        counted_s = max(policy.min_s, _seconds_for(needed / share, traffic.units_per_hour, at_s + policy.settle_s))
        counted_s = (
            math.ceil(counted_s / policy.look_every_s) * policy.look_every_s if math.isfinite(counted_s) else math.inf
        )
        n = _units_in(counted_s, traffic.units_per_hour, at_s + policy.settle_s) if math.isfinite(counted_s) else 0.0
        challenger, champion = round(n * share), round(n * (1.0 - share))
        seen.append((share, champion, challenger))
        steps.append(
            PlannedStep(
                share_percent=percent,
                duration_s=policy.settle_s + counted_s,
                challenger_units=challenger,
                champion_units=champion,
                is_too_long=counted_s > policy.max_s,
                smallest_failed_share=_smallest(policy, "errors", seen, traffic.failed_share),
                smallest_slow_share=_smallest(policy, "slow", seen, traffic.slow_share),
            )
        )
        at_s += policy.settle_s + counted_s
    total_s = sum(step.duration_s for step in steps) + policy.bake_s
    return Plan(policy=policy, steps=tuple(steps), bake_s=policy.bake_s, total_s=total_s)


def _smallest(policy: ReleasePolicy, rule: str, seen: Sequence[tuple[float, int, int]], base: float) -> float | None:
    """What a rule will be able to see by then; None too where the policy took it away."""
    settings = policy.rules.get(rule)
    if settings is None or settings.alpha is None or settings.tolerance is None:
        return None
    expected = [
        Exposure(
            target_share=share,
            champion_units=champion,
            challenger_units=challenger,
            champion_events=round(base * champion),
            challenger_events=0,
        )
        for share, champion, challenger in seen
    ]
    return smallest_visible_rate(expected, settings.tolerance, compared_alpha(settings))


def _rate(units_per_hour: Sequence[float], hour: int) -> float:
    return units_per_hour[hour % len(units_per_hour)]


def _seconds_for(n_units: float, units_per_hour: Sequence[float], from_s: float) -> float:
    """Seconds until so many units have begun; infinite where none ever do."""
    a_day = sum(_rate(units_per_hour, hour) for hour in range(24))
    if a_day == 0 or not math.isfinite(from_s):
        return math.inf
    days = math.floor(n_units / a_day)
    left, now_s = n_units - days * a_day, from_s
    while left > 0:
        hour = math.floor(now_s / _HOUR_S)
        rest_s = (hour + 1) * _HOUR_S - now_s
        comes = _rate(units_per_hour, hour) * rest_s / _HOUR_S
        if comes >= left:
            now_s += rest_s * left / comes
            break
        left, now_s = left - comes, now_s + rest_s
    return days * _DAY_S + now_s - from_s


def _units_in(duration_s: float, units_per_hour: Sequence[float], from_s: float) -> float:
    """Units that begin in a stretch of time."""
    a_day = sum(_rate(units_per_hour, hour) for hour in range(24))
    days = math.floor(duration_s / _DAY_S)
    n, now_s, end_s = days * a_day, from_s, from_s + duration_s - days * _DAY_S
    while now_s < end_s:
        hour = math.floor(now_s / _HOUR_S)
        until_s = min(end_s, (hour + 1) * _HOUR_S)
        n, now_s = n + _rate(units_per_hour, hour) * (until_s - now_s) / _HOUR_S, until_s
    return n
