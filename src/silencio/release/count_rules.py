"""Rules on counts of units: errors, slow, rejections. One unit counts once a step, so that ten failures are one.

A rule's share of the family's error is spent on two tests: most of it on the comparison of both arms, the rest on the
challenger's absolute limit. The limit decides only beyond doubt, and only about the challenger: where the champion is
beyond its own limit too, or fails as often in the same stretches, what both use is at fault.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from silencio.release.counts_test import Exposure, log_e_value, ratio_bounds, smallest_visible_rate
from silencio.release.evidence import ArmCounts, Evidence
from silencio.release.policy import ReleasePolicy, RulePolicy
from silencio.release.rule import Rule, e_value, percent, times, verdict
from silencio.release.share_test import log_e_above
from silencio.release.verdict import RuleVerdict

COMPARED_SHARE = 0.9  # of a rule's alpha; the rest is the absolute limit's
# Evidence from which on the champion counts as beyond its limit: less than a failure needs, since it excuses one.
_EVIDENCE_OF_CHAMPION = 20.0
# An absolute bound in seconds is one of p95: so many requests may be beyond it.
_MAX_BEYOND_LIMIT_SHARE = 0.05
# Probability that the printed interval of a ratio ever misses it.
_INTERVAL_ALPHA = 0.05


@dataclass(frozen=True, kw_only=True)
class _Event:
    """What is counted: fields of `ArmCounts`, and words for it."""

    rule: str
    units: str
    words: str
    beyond: str | None = None


_ERRORS = _Event(rule="errors", units="failed_units", words="failed", beyond="failed_units")
_SLOW = _Event(rule="slow", units="slow_units", words="were slow", beyond="beyond_limit_units")
# Where the bound is the absolute limit itself.
_BEYOND = _Event(rule="slow", units="beyond_limit_units", words="were slow", beyond="beyond_limit_units")
_REJECTIONS = _Event(rule="rejections", units="rejected_units", words="were rejected")


def exposures(evidence: Evidence, field: str) -> list[Exposure]:
    """The whole release by stretches of one share, simulated users apart; what is added up there loses nothing."""
    sums: dict[tuple[int, bool, float], list[int]] = {}
    for interval in evidence.intervals:
        total = sums.setdefault((interval.step, interval.simulated, interval.share), [0, 0, 0, 0])
        total[0] += interval.champion.units
        total[1] += interval.challenger.units
        total[2] += getattr(interval.champion, field)
        total[3] += getattr(interval.challenger, field)
    return [
        Exposure(
            asked_share=share,
            champion_units=champion_units,
            challenger_units=challenger_units,
            champion_events=champion_events,
            challenger_events=challenger_events,
        )
        for (_, _, share), (champion_units, challenger_units, champion_events, challenger_events) in sums.items()
    ]


def in_step(evidence: Evidence, step: int | None = None) -> tuple[ArmCounts, ArmCounts]:
    """Counts of champion and challenger since the step began; at 0 % those of simulated users.

    Args:
        evidence: What is known.
        step: Another step than the current one.
    """
    wanted = evidence.step if step is None else step
    chosen = [one for one in evidence.intervals if one.step == wanted and one.simulated == (wanted == 0)]
    return added(one.champion for one in chosen), added(one.challenger for one in chosen)


def added(counts: object) -> ArmCounts:
    """The sum of counts.

    Args:
        counts: Iterable of `ArmCounts`.
    """
    names = ArmCounts.__dataclass_fields__
    all_of_them: Sequence[ArmCounts] = list(counts)  # type: ignore[call-overload]
    return ArmCounts(**{name: sum(getattr(one, name) for one in all_of_them) for name in names})


def _errors(policy: ReleasePolicy, settings: RulePolicy, evidence: Evidence) -> RuleVerdict:
    return _compare(settings, evidence, _ERRORS)


def _slow(policy: ReleasePolicy, settings: RulePolicy, evidence: Evidence) -> RuleVerdict:
    if evidence.slow_bound_s is not None:
        return _compare(settings, evidence, _SLOW)
    if settings.limit is None:
        words = "The champion's p95 is unknown (fewer than 500 requests in 24 hours), so that nothing counts as slow."
        return verdict(settings, "slow", "no_data", words)
    # A place with little traffic has no p95 to go by: what everybody would call slow is counted.
    return _compare(settings, replace(evidence, slow_bound_s=settings.limit), _BEYOND)


def _rejections(policy: ReleasePolicy, settings: RulePolicy, evidence: Evidence) -> RuleVerdict:
    return _compare(settings, evidence, _REJECTIONS)


def _compare(settings: RulePolicy, evidence: Evidence, event: _Event) -> RuleVerdict:
    """Both arms against each other, and the challenger against the absolute limit."""
    alpha, tolerance = settings.alpha, settings.tolerance
    if alpha is None or tolerance is None:
        raise ValueError(f"rule {event.rule} needs alpha and tolerance")
    _, challenger_now = in_step(evidence)
    if not challenger_now.units:
        return verdict(settings, event.rule, "no_data", "The challenger has answered no session in this step.")
    stretches = exposures(evidence, event.units)
    if event.beyond is None or settings.limit is None:
        compared_alpha = alpha
        limit_alpha = None
    else:
        compared_alpha, limit_alpha = alpha * COMPARED_SHARE, alpha * (1.0 - COMPARED_SHARE)
    threshold = 1.0 / compared_alpha
    log_e = log_e_value(stretches, tolerance)
    facts = _facts(stretches, tolerance, compared_alpha)
    sentence = _sentence(event, evidence, facts)
    facts |= {"e_value": e_value(log_e), "threshold": threshold}
    is_worse = log_e >= math.log(threshold)
    beyond = "" if limit_alpha is None else _beyond_limit(settings, evidence, event, limit_alpha)
    excused = (is_worse or bool(beyond)) and limit_alpha is not None and _both_fail(settings, evidence, event, is_worse)
    if excused:
        words = (
            f"{sentence} Both fail, the champion beyond its own limit too: what both use is at fault, not the bundle."
        )
        held = {"consequence": "hold" if settings.decides == "rollback" else settings.decides, "both_fail": True}
        return verdict(settings, event.rule, "fail", words, **facts, **held)
    if is_worse:
        evidence_words = f"evidence {facts['e_value']:.3g}, needed {threshold:.0f}"
        words = f"{sentence} More than {times(tolerance)} is beyond doubt ({evidence_words})."
        return verdict(settings, event.rule, "fail", words, **facts)
    if beyond:
        return verdict(settings, event.rule, "fail", f"{sentence} {beyond}", **facts)
    if evidence.asked_share >= 1.0:
        words = f"{sentence} At 100 % there is nothing to compare with: the absolute limit alone decides."
        return verdict(settings, event.rule, "pass", words, **facts)
    words = (
        f"{sentence} More than {times(tolerance)} is not shown (evidence {facts['e_value']:.3g} of {threshold:.0f})."
    )
    return verdict(settings, event.rule, "pass", words, **facts)


def _facts(stretches: Sequence[Exposure], tolerance: float, alpha: float) -> dict[str, object]:
    """Figures of both arms over the whole release, for the page."""
    n_champion = sum(one.champion_units for one in stretches)
    n_challenger = sum(one.challenger_units for one in stretches)
    champion = sum(one.champion_events for one in stretches) / max(n_champion, 1)
    challenger = sum(one.challenger_events for one in stretches) / max(n_challenger, 1)
    low, high = ratio_bounds(stretches, _INTERVAL_ALPHA)
    seen = smallest_visible_rate(stretches, tolerance, alpha)
    visible = "nothing yet: not even a challenger that fails every session"
    if seen is not None:
        visible = f"{percent(seen)} of the challenger's sessions" + (
            f", {times(seen / champion)} the champion's" if champion else ""
        )
    return {
        "n": n_challenger,
        "champion": champion,
        "challenger": challenger,
        "ratio": concurrent_ratio(stretches),
        "interval": (low, high) if low > 0 and math.isfinite(high) else None,
        "smallest_visible": visible,
    }


def concurrent_ratio(stretches: Sequence[Exposure]) -> float | None:
    """Ratio of the rates within stretches (Mantel and Haenszel 1959); None where nothing happened to the champion."""
    over = under = 0.0
    for one in stretches:
        n = one.champion_units + one.challenger_units
        if n and one.asked_share not in (0.0, 1.0):
            over += one.challenger_events * one.champion_units / n
            under += one.champion_events * one.challenger_units / n
    return over / under if under else None


def _sentence(event: _Event, evidence: Evidence, facts: dict[str, object]) -> str:
    slower = f" (slower than {evidence.slow_bound_s:g} s)" if event.rule == "slow" else ""
    champion, challenger = float(str(facts["champion"])), float(str(facts["challenger"]))
    sentence = (
        f"Of the challenger's {facts['n']:,} sessions {percent(challenger)} {event.words}{slower}, "
        f"of the champion's {percent(champion)}"
    )
    ratio = facts["ratio"]
    return f"{sentence}." if ratio is None else f"{sentence}: {times(float(str(ratio)))} as many in the same time."


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
    limit = f"{settings.limit:g} s" if event.rule == "slow" else percent(settings.limit or 0.0)
    share = getattr(counts, str(event.beyond)) / max(counts.units, 1)
    found = f"{percent(share)} of the sessions, evidence {e_value(log_e):.3g}, needed {1 / alpha:.0f}"
    return f"Beyond the absolute limit of {limit} without doubt ({found})."


def _both_fail(settings: RulePolicy, evidence: Evidence, event: _Event, is_worse: bool) -> bool:
    """Whether the champion is beyond its own limit, or fails as often in the same stretches."""
    champion = added(one.champion for one in evidence.intervals)
    if _log_e_beyond(settings, champion, event) >= math.log(_EVIDENCE_OF_CHAMPION):
        return True
    if is_worse or evidence.asked_share >= 1.0:
        return False
    ratio = concurrent_ratio(exposures(evidence, str(event.beyond)))
    return ratio is not None and ratio <= (settings.tolerance or 1.0)


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
