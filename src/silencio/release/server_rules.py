"""Rules on servers and traffic: reachability, resources, traffic split."""

from __future__ import annotations

import bisect
import math

from silencio.release.counts import in_step
from silencio.release.evidence import ArmHealth, Evidence
from silencio.release.policy import ReleasePolicy, RulePolicy
from silencio.release.rule import Rule, e_value, evidence_words, held_for_a_person, percent, times, verdict
from silencio.release.sequential_shares import binomial_p, log_e_split
from silencio.release.verdict import RuleVerdict

# Where the policy's limit says nothing else.
_READY_S = 60.0
_MAX_RESOURCE_RATIO = 1.5
_MAX_SPLIT_DIFFERENCE = 0.02
# From so many units on a difference in points counts.
_SPLIT_UNITS = 2_000
# Probability that a right split is ever held for; no share of the family's error, since nothing is rolled back.
_SPLIT_ALPHA = 0.001


def _reachability(policy: ReleasePolicy, settings: RulePolicy, evidence: Evidence) -> RuleVerdict:
    arm, other, wanted = evidence.challenger, evidence.champion, settings.limit or _READY_S
    rule = "reachability"
    visible = "any restart, and any answer that is not the bundle's own"
    if arm.parity_passed is False:
        words = "The challenger's servers do not give the numbers that the bundle's parity clips have."
        return verdict(settings, rule, "fail", words, smallest_visible=visible)
    if arm.restarts:
        words = f"The challenger's servers restarted {_count(arm.restarts)} since the release began"
        return _broken(settings, words, other.restarts >= arm.restarts, f"the champion's {_count(other.restarts)}")
    if arm.ready_s is None and evidence.target_share > 0.0 and evidence.step > 0:
        words = "The challenger is not ready while visitors are sent to it"
        return _broken(settings, words, other.ready_s is None, "the champion is not ready either")
    if arm.ready_s is None:
        return verdict(settings, rule, "no_data", "The challenger is not ready yet.", smallest_visible=visible)
    if arm.parity_passed is None:
        words = "The parity clips have not been replayed against the challenger yet."
        return verdict(settings, rule, "no_data", words, smallest_visible=visible)
    if arm.ready_s < wanted:
        words = f"The challenger has been ready for {arm.ready_s:.0f} s of the {wanted:g} s that it has to be."
        return verdict(settings, rule, "inconclusive", words, smallest_visible=visible)
    words = f"The challenger gives the bundle's own numbers, is ready since {arm.ready_s:.0f} s and has not restarted."
    return verdict(settings, rule, "pass", words, smallest_visible=visible)


def _broken(settings: RulePolicy, words: str, both: bool, other: str) -> RuleVerdict:
    """A failure, that is no verdict on the bundle where the champion has it as well."""
    if not both or settings.decides != "rollback":
        return verdict(settings, "reachability", "fail", f"{words}.")
    words = f"{words}, and {other}: both fail, what both use is at fault."
    return verdict(settings, "reachability", "fail", words, consequence=held_for_a_person(settings), both_fail=True)


def _count(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _resources(policy: ReleasePolicy, settings: RulePolicy, evidence: Evidence) -> RuleVerdict:
    limit = settings.limit or _MAX_RESOURCE_RATIO
    ratios = _resource_ratios(evidence.champion, evidence.challenger)
    if not ratios:
        words = "Memory and CPU time of both arms are not known."
        return verdict(settings, "resources", "no_data", words)
    found = "; ".join(f"{name} {times(ratio)} the champion's" for name, ratio in ratios.items())
    worst = max(ratios.values())
    facts = {"ratio": worst, "threshold": limit, "smallest_visible": f"{times(limit)} the champion's, of either"}
    if worst > limit:
        words = f"The challenger takes {found}: more than {times(limit)}."
        return verdict(settings, "resources", "fail", words, **facts)
    return verdict(settings, "resources", "pass", f"The challenger takes {found}; up to {times(limit)}.", **facts)


def _resource_ratios(champion: ArmHealth, challenger: ArmHealth) -> dict[str, float]:
    pairs = {
        "memory": (champion.resident_bytes, challenger.resident_bytes),
        "CPU time a window": (champion.cpu_s_per_window, challenger.cpu_s_per_window),
    }
    return {name: theirs / ours for name, (ours, theirs) in pairs.items() if ours and theirs is not None}


def _traffic_split(policy: ReleasePolicy, settings: RulePolicy, evidence: Evidence) -> RuleVerdict:
    champion, challenger = in_step(evidence)
    n, target, limit = champion.units + challenger.units, evidence.target_share, settings.limit or _MAX_SPLIT_DIFFERENCE
    if evidence.step == 0:
        words = "No visitor is routed to the challenger at 0 %, and simulated users are dealt out by hand."
        return verdict(settings, "traffic_split", "pass" if n else "no_data", words)
    if target == 0.0:
        words = "The visitors were taken back, so that there is no split to look at."
        return verdict(settings, "traffic_split", "no_data", words)
    if not n:
        return verdict(settings, "traffic_split", "no_data", "Neither arm has answered a session in this step.")
    measured = challenger.units / n
    visible = _visible_split(n, target, limit)
    facts = {
        "n": challenger.units,
        "challenger": measured,
        "ratio": measured - target,
        "smallest_visible": "nothing yet" if visible is None else f"{100 * visible:.1f} points",
    }
    found = f"The challenger got {percent(measured)} of {n:,} sessions, of which it should get {percent(target)}"
    if target < 1.0:
        log_e = log_e_split(challenger.units, n, target)
        facts |= {"e_value": e_value(log_e), "threshold": 1 / _SPLIT_ALPHA}
        if log_e >= math.log(1 / _SPLIT_ALPHA):
            words = f"{found}: not the split that was set ({evidence_words(log_e, 1 / _SPLIT_ALPHA)})."
            return verdict(settings, "traffic_split", "fail", words, **facts)
    if _is_off(challenger.units, n, target, limit):
        p = binomial_p(challenger.units, n, target)
        chance = f", which chance does in {percent(p)} of cases" if target < 1.0 else ""
        words = f"{found}: more than {100 * limit:g} points off{chance}."
        return verdict(settings, "traffic_split", "fail", words, **facts)
    return verdict(settings, "traffic_split", "pass", f"{found}.", **facts)


def _is_off(n_challenger: int, n: int, target: float, limit: float) -> bool:
    """Whether the share is off by points, which only counts once there are many sessions, and chance hardly does."""
    if n < _SPLIT_UNITS or abs(n_challenger / n - target) <= limit:
        return False
    return target == 1.0 or binomial_p(n_challenger, n, target) < _SPLIT_ALPHA


def _visible_split(n: int, target: float, limit: float) -> float | None:
    """The smallest difference to the share that was set which would be found among so many sessions, to either side."""

    def is_found(got: int) -> bool:
        is_shown = target < 1.0 and log_e_split(got, n, target) >= math.log(1 / _SPLIT_ALPHA)
        return is_shown or _is_off(got, n, target, limit)

    above = bisect.bisect_left(range(math.ceil(target * n), n + 1), True, key=is_found) + math.ceil(target * n)
    below = math.floor(target * n) - bisect.bisect_left(range(math.floor(target * n), -1, -1), True, key=is_found)
    return min((abs(got / n - target) for got in (above, below) if 0 <= got <= n), default=None)


REACHABILITY = Rule(
    name="reachability",
    what="the bundle's own numbers, ready without a break, no restart",
    apply=_reachability,
    limit=(0.0, 86_400.0),
)
RESOURCES = Rule(
    name="resources",
    what="memory and CPU time a window, against the champion's",
    apply=_resources,
    limit=(1.0, 1_000.0),
)
TRAFFIC_SPLIT = Rule(
    name="traffic_split",
    what="whether visitors are split as asked",
    apply=_traffic_split,
    limit=(0.0, 1.0),
    counts_users=True,
)
