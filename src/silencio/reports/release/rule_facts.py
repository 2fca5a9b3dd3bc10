"""Rules of a release as the page has them: the latest verdict of each, and evidence over time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from silencio.release.policy import ReleasePolicy
from silencio.release.verdict import RuleVerdict
from silencio.reports.release.comparison_facts import Bounds
from silencio.reports.release.facts import EvidencePoint, EvidenceSeries, RuleFacts
from silencio.reports.release.inputs import Look

# JSON has no infinity; whoever reads a value as large as this needs no larger one.
MAX_E = 1e300
# A week of looks a minute would make a page of megabytes.
MAX_POINTS = 300


def rules_of(looks: Sequence[Look], policy: ReleasePolicy) -> tuple[RuleFacts, ...]:
    """Every rule of the policy, in its order, then those that only a look has; each as it was evaluated last.

    Args:
        looks: In order of time.
        policy: As it held at the start.
    """
    latest = {one.rule: (look.at, one) for look in looks for one in look.verdicts if one.message}
    names = [*policy.rules, *(name for name in latest if name not in policy.rules)]
    return tuple(_rule(name, policy, latest.get(name)) for name in names)


def evidence_of(looks: Sequence[Look], policy: ReleasePolicy, began_at: str) -> tuple[EvidenceSeries, ...]:
    """Evidence over time of every rule that has some.

    Args:
        looks: In order of time.
        policy: As it held at the start.
        began_at: When the release began, ISO 8601.
    """
    began = datetime.fromisoformat(began_at)
    points: dict[str, list[EvidencePoint]] = {}
    lines: dict[str, float] = {}
    for look in looks:
        since_s = max(0.0, (datetime.fromisoformat(look.at) - began).total_seconds())
        for one in look.verdicts:
            value = _evidence(one.e_value)
            if value is not None:
                points.setdefault(one.rule, []).append(EvidencePoint(since_start_s=since_s, e_value=value))
                if (threshold := finite(one.threshold)) is not None:
                    lines[one.rule] = threshold
    return tuple(
        EvidenceSeries(rule=name, alpha=_alpha(name, policy), line=_line(name, policy, lines), points=thinned(found))
        for name, found in points.items()
    )


def thinned(points: Sequence[EvidencePoint], max_points: int = MAX_POINTS) -> tuple[EvidencePoint, ...]:
    """At most so many: of neighbours the one with the largest E, so that no crossing of the line is lost.

    Args:
        points: In order of time.
        max_points: At most so many are left; the first and the last are among them.
    """
    if len(points) <= max_points:
        return tuple(points)
    inner, n_groups = points[1:-1], max_points - 2
    edges = [round(number * len(inner) / n_groups) for number in range(n_groups + 1)]
    groups = (inner[low:high] for low, high in pairwise(edges))
    return (points[0], *(max(group, key=lambda one: one.e_value) for group in groups if group), points[-1])


def finite(value: float | None) -> float | None:
    """A number that JSON has, or nothing."""
    return value if value is not None and math.isfinite(value) else None


def _rule(name: str, policy: ReleasePolicy, found: tuple[str, RuleVerdict] | None) -> RuleFacts:
    settings = policy.rules.get(name)
    common = {
        "rule": name,
        "alpha": settings.alpha if settings else None,
        "tolerance": settings.tolerance if settings else None,
        "limit": settings.limit if settings else None,
        "must_have_data": bool(settings and settings.must_have_data),
    }
    if found is None:
        return RuleFacts.model_validate(
            common
            | {
                "outcome": "no_data",
                "message": "It has not been evaluated yet.",
                "consequence": settings.decides if settings else "show",
                "dry_run": bool(settings and settings.dry_run),
            }
        )
    at, one = found
    return RuleFacts.model_validate(
        common
        | {
            "outcome": one.outcome,
            "message": one.message,
            "consequence": one.consequence,
            "n": one.n,
            "champion": finite(one.champion),
            "challenger": finite(one.challenger),
            "ratio": finite(one.ratio),
            "interval": _bounds(one.interval),
            "e_value": _evidence(one.e_value),
            "threshold": finite(one.threshold),
            "smallest_visible": one.smallest_visible,
            "dry_run": one.dry_run,
            "both_fail": one.both_fail,
            "applies": one.asked,
            "evaluated_at": at,
        }
    )


def _bounds(interval: tuple[float, float] | None) -> Bounds | None:
    if interval is None:
        return None
    low, high = interval
    return finite(low), finite(high)


def _evidence(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else min(value, MAX_E)


def _alpha(name: str, policy: ReleasePolicy) -> float | None:
    settings = policy.rules.get(name)
    return settings.alpha if settings else None


def _line(name: str, policy: ReleasePolicy, lines: dict[str, float]) -> float | None:
    alpha = _alpha(name, policy)
    return lines.get(name, 1 / alpha if alpha else None)
