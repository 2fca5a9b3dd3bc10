"""Rules on counts of units: errors, slow, rejections. A unit counts once a step, so that ten failures of one are one.

A rule's share of the family's error is spent on two tests: most of it on the comparison of both arms, the rest on the
challenger's absolute limit. The limit decides only beyond doubt, and only about the challenger: where the champion is
beyond its own limit too, or is not shown to fail less often in the same stretches, what both use is at fault.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from silencio.release.counts import added, concurrent_ratio, exposures, in_step
from silencio.release.evidence import ArmCounts, Evidence
from silencio.release.policy import ReleasePolicy, RulePolicy
from silencio.release.rule import Rule, e_value, evidence_words, held_for_a_person, percent, required, times, verdict
from silencio.release.sequential_counts import Exposure, log_e_value, ratio_bounds, smallest_visible_rate
from silencio.release.sequential_shares import log_e_above
from silencio.release.verdict import RuleVerdict

_COMPARED_SHARE = 0.9  # of a rule's alpha; the rest is the absolute limit's
# Evidence from which on the champion counts as beyond its limit: less than a failure needs, since it excuses one.
_EVIDENCE_OF_CHAMPION = 20.0
# Evidence that the challenger fails more often in the same stretches, without which its limit alone takes nothing back.
_EVIDENCE_OF_DIFFERENCE = 20.0
# An absolute bound in seconds is one of p95: so many requests may be beyond it.
_MAX_BEYOND_LIMIT_SHARE = 0.05
# Probability that the printed interval of a ratio ever misses it.
_INTERVAL_ALPHA = 0.05


@dataclass(frozen=True, kw_only=True)
class _Event:
    """What is counted.

    Attributes:
        rule: Name of the rule.
        units: Field of `ArmCounts`: units with the event.
        words: `failed`, for sentences.
        beyond: Field of `ArmCounts`: units beyond the absolute limit; None where there is none.
    """

    rule: str
    units: str
    words: str
    beyond: str | None = None


_ERRORS = _Event(rule="errors", units="failed_units", words="failed", beyond="failed_units")
_REJECTIONS = _Event(rule="rejections", units="rejected_units", words="were rejected")


def compared_alpha(settings: RulePolicy) -> float:
    """The share of the error that a rule on counts spends on comparing both arms.

    Raises:
        ValueError: The policy gives the rule no alpha.
    """
    (alpha,) = required(settings, "on counts", "alpha")
    return alpha if settings.limit is None else alpha * _COMPARED_SHARE


def _errors(policy: ReleasePolicy, settings: RulePolicy, evidence: Evidence) -> RuleVerdict:
    return _compare(settings, evidence, _ERRORS)


def _slow(policy: ReleasePolicy, settings: RulePolicy, evidence: Evidence) -> RuleVerdict:
    # A place with little traffic has no p95 to go by: there, what everybody would call slow is counted.
    units, bound_s = "slow_units", evidence.slow_bound_s
    if bound_s is None:
        units, bound_s = "beyond_limit_units", settings.limit
    if bound_s is None:
        words = "The champion's p95 is unknown (fewer than 500 requests in 24 hours), and the policy has no limit."
        return verdict(settings, "slow", "no_data", words)
    words = f"were slower than {bound_s:g} s"
    return _compare(settings, evidence, _Event(rule="slow", units=units, words=words, beyond="beyond_limit_units"))


def _rejections(policy: ReleasePolicy, settings: RulePolicy, evidence: Evidence) -> RuleVerdict:
    return _compare(settings, evidence, _REJECTIONS)


def _compare(settings: RulePolicy, evidence: Evidence, event: _Event) -> RuleVerdict:
    """Both arms against each other, and the challenger against the absolute limit."""
    alpha, tolerance = required(settings, event.rule, "alpha", "tolerance")
    _, challenger = in_step(evidence)
    if not challenger.units:
        return verdict(settings, event.rule, "no_data", "The challenger has answered no session in this step.")
    has_limit = event.beyond is not None and settings.limit is not None
    threshold = 1.0 / compared_alpha(settings)
    stretches = exposures(evidence, event.units)
    bounds = ratio_bounds(stretches, _INTERVAL_ALPHA)
    log_e = log_e_value(stretches, tolerance)
    facts = {**_figures(stretches, bounds), "e_value": e_value(log_e), "threshold": threshold}
    facts["smallest_visible"] = _visible(stretches, tolerance, 1.0 / threshold, facts["champion"])
    sentence = _sentence(event, stretches, facts, bounds)
    is_worse = log_e >= math.log(threshold)
    beyond = _beyond_limit(settings, evidence, event, alpha - 1.0 / threshold) if has_limit else ""
    if has_limit and (is_worse or beyond) and _both_fail(settings, evidence, event, is_worse=is_worse):
        words = f"{sentence} Both fail: what both use is at fault, and nothing is said of the bundle."
        facts |= {"consequence": held_for_a_person(settings), "both_fail": True}
        return verdict(settings, event.rule, "fail", words, **facts)
    found = evidence_words(log_e, threshold)
    if is_worse:
        words = f"{sentence} More than {times(tolerance)} is beyond doubt ({found})."
        return verdict(settings, event.rule, "fail", words, **facts)
    if beyond:
        return verdict(settings, event.rule, "fail", f"{sentence} {beyond}", **facts)
    if evidence.target_share >= 1.0:
        words = f"{sentence} At 100 % there is nothing to compare with, and the absolute limit alone decides."
        return verdict(settings, event.rule, "pass", words, **facts)
    words = f"{sentence} More than {times(tolerance)} is not shown ({found})."
    return verdict(settings, event.rule, "pass", words, **facts)


def _figures(stretches: Sequence[Exposure], bounds: tuple[float, float]) -> dict[str, Any]:
    """Figures of both arms over the whole release, for the page."""
    n = sum(one.challenger_units for one in stretches)
    return {
        "n": n,
        "champion": sum(one.champion_events for one in stretches)
        / max(sum(one.champion_units for one in stretches), 1),
        "challenger": sum(one.challenger_events for one in stretches) / max(n, 1),
        "ratio": concurrent_ratio(stretches),
        "interval": bounds if math.isfinite(bounds[1]) else None,
    }


def _visible(stretches: Sequence[Exposure], tolerance: float, alpha: float, champion: float) -> str:
    seen = smallest_visible_rate(stretches, tolerance, alpha)
    if seen is None:
        return "nothing yet: not even a challenger whose every session has it"
    against = f", {times(seen / champion)} the champion's" if champion else ""
    return f"{percent(seen)} of the challenger's sessions{against}"


def _sentence(event: _Event, stretches: Sequence[Exposure], facts: dict[str, Any], bounds: tuple[float, float]) -> str:
    sentence = (
        f"Of the challenger's {facts['n']:,} sessions {percent(facts['challenger'])} {event.words}, of the champion's "
        f"{sum(one.champion_units for one in stretches):,} {percent(facts['champion'])}"
    )
    low, high = bounds
    if facts["ratio"] is None or (low == 0.0 and math.isinf(high)):
        return f"{sentence}."
    words = f"at least {low:.2g}" if math.isinf(high) else f"95 % bounds {low:.2g} to {high:.3g}"
    return f"{sentence}: {times(facts['ratio'])} as many in the same time ({words})."


def _unit_limit(settings: RulePolicy, counts: ArmCounts, event: _Event) -> float:
    """The limit, which is one of requests, as one of units: a unit of many requests fails more easily.

    How many requests of a failed unit fail is taken from the counts where there are any. Of slow units it is unknown:
    each is taken to have one slow request, so that the limit is the most lenient.
    """
    requests_per_unit = max(counts.requests / max(counts.units, 1), 1.0)
    if event.rule == "slow":
        return _MAX_BEYOND_LIMIT_SHARE * requests_per_unit
    failed_per_unit = max(counts.failed_requests / counts.failed_units, 1.0) if counts.failed_units else 1.0
    return (settings.limit or 1.0) * max(requests_per_unit / failed_per_unit, 1.0)


def _log_e_beyond(settings: RulePolicy, counts: ArmCounts, event: _Event) -> float:
    return log_e_above(getattr(counts, str(event.beyond)), counts.units, _unit_limit(settings, counts, event))


def _beyond_limit(settings: RulePolicy, evidence: Evidence, event: _Event, alpha: float) -> str:
    """A sentence where the challenger is beyond the absolute limit, and nothing where that is not beyond doubt."""
    counts = added(one.challenger for one in evidence.intervals)
    log_e = _log_e_beyond(settings, counts, event)
    if log_e < math.log(1.0 / alpha):
        return ""
    limit = settings.limit or 0.0
    limit_words = f"{limit:g} s" if event.rule == "slow" else percent(limit)
    share = getattr(counts, str(event.beyond)) / max(counts.units, 1)
    found = f"{percent(share)} of the sessions, {evidence_words(log_e, 1 / alpha)}"
    return f"It is beyond the absolute limit of {limit_words} without doubt ({found})."


def _both_fail(settings: RulePolicy, evidence: Evidence, event: _Event, *, is_worse: bool) -> bool:
    """Whether the champion is beyond its own limit, or is not shown to fail less often in the same stretches."""
    champion = added(one.champion for one in evidence.intervals)
    if _log_e_beyond(settings, champion, event) >= math.log(_EVIDENCE_OF_CHAMPION):
        return True
    if is_worse or evidence.target_share >= 1.0:
        return False
    return log_e_value(exposures(evidence, str(event.beyond)), 1.0) < math.log(_EVIDENCE_OF_DIFFERENCE)


ERRORS = Rule(
    name="errors",
    what="sessions with a failed request, against the champion's and an absolute limit",
    apply=_errors,
    needs_alpha=True,
    tolerance=(1.0, 10.0),
    limit=(0.0, 1.0),
    counts_users=True,
)
SLOW = Rule(
    name="slow",
    what="sessions with a request slower than the champion's p95, and beyond an absolute limit in seconds",
    apply=_slow,
    needs_alpha=True,
    tolerance=(1.0, 10.0),
    limit=(0.0, 3600.0),
    counts_users=True,
)
REJECTIONS = Rule(
    name="rejections",
    what="sessions with a request that was rejected for load or size",
    apply=_rejections,
    needs_alpha=True,
    tolerance=(1.0, 10.0),
    counts_users=True,
)
