"""What is known before any visitor meets the challenger, and who finds it out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from serving.canary.interfaces import ARMS, ArmName
from silencio.release.decision import ONE_LOOK, Decision
from silencio.release.evidence import ArmHealth, ClassChange, Evidence, Interval, Pairs, Replay
from silencio.release.policy import ReleasePolicy, RulePolicy
from silencio.release.record import ReleaseRecord
from silencio.release.rule import Rule
from silencio.release.rules import RULES, apply_rules
from silencio.release.verdict import RuleVerdict

# The rules' verdicts at a look, and what follows from them.
Rules = Callable[[ReleasePolicy, Evidence], Sequence[RuleVerdict]]
Decide = Callable[[ReleasePolicy, ReleaseRecord, Evidence, Sequence[RuleVerdict]], Decision]


@dataclass(frozen=True, kw_only=True)
class StagedEvidence:
    """What is known before any visitor, and does not grow with them.

    Attributes:
        replay: Labelled recordings answered by both; None: not replayed.
        pairs: Recordings answered by both; None: there are none.
        classes: How class lists and thresholds differ.
    """

    replay: Replay | None = None
    pairs: Pairs | None = None
    classes: ClassChange = field(default_factory=ClassChange)


@dataclass(frozen=True, kw_only=True)
class Staged:
    """What staging found.

    Attributes:
        reasons: Why no visitor may meet the challenger; empty: nothing was found.
        intervals: Counts of simulated users on both arms.
        slow_bound_s: From the champion's answers to simulated users, for a champion that had no visitors.
    """

    reasons: Sequence[str] = ()
    intervals: Sequence[Interval] = ()
    slow_bound_s: float | None = None


class Staging(Protocol):
    """Looks at the challenger before any visitor does. Every method may be called again after a kill."""

    def parity(self, record: ReleaseRecord) -> bool:
        """Whether the challenger's endpoint gives the numbers of its bundle's parity clips.

        Raises:
            ReleaseError: It does not answer.
        """

    def run(self, record: ReleaseRecord) -> Staged:
        """Integration, load and simulated users.

        Raises:
            ReleaseError: It could not be done: no verdict on the bundle.
        """

    def evidence(self, record: ReleaseRecord) -> StagedEvidence:
        """What was found and what was handed in; may grow by pairs of shadow traffic."""


def known_health(record: ReleaseRecord, health: Mapping[ArmName, ArmHealth], arm: ArmName) -> ArmHealth:
    """An arm's health with what staging found, where the route knows nothing: parity, and CPU time under equal load."""
    found = health.get(arm, ArmHealth())
    if arm == "challenger" and found.parity_passed is None:
        found = replace(found, parity_passed=record.parity_passed)
    return replace(found, cpu_s_per_window=record.cpu_s_per_window.get(arm))


def cpu_between(
    before: Mapping[ArmName, ArmHealth], after: Mapping[ArmName, ArmHealth], idle_cpu_s: float = 0.0
) -> dict[str, float]:
    """CPU seconds a window by arm between two looks at both; empty where it is not known of both.

    Args:
        before: The earlier look.
        after: The later one.
        idle_cpu_s: What an arm's servers take in that time though nobody asks (checks, scrapes): the arm that visitors
            ask besides has more windows to share it among.
    """
    found: dict[str, float] = {}
    for arm in ARMS:
        first, last = before.get(arm, ArmHealth()), after.get(arm, ArmHealth())
        if first.cpu_s is None or last.cpu_s is None or first.n_windows is None or last.n_windows is None:
            return {}
        n_windows, cpu_s = last.n_windows - first.n_windows, last.cpu_s - first.cpu_s - idle_cpu_s
        if n_windows <= 0 or cpu_s < 0:
            return {}
        found[arm] = cpu_s / n_windows
    return found


@dataclass(frozen=True)
class IdleServers:
    """How much CPU time the challenger's servers take while nobody asks them: looked at since they are there.

    Attributes:
        release_id: The release whose challenger they serve.
        since_s: The first look at them.
        health: What it found.
    """

    release_id: str
    since_s: float
    health: ArmHealth

    def cpu_share(self, now: ArmHealth, at_s: float) -> float:
        """CPU seconds a second since then; 0 where they were asked, started anew, or it is not known."""
        first, waited_s = self.health, at_s - self.since_s
        was_idle = now.n_windows == first.n_windows and waited_s > 0
        if not was_idle or now.cpu_s is None or first.cpu_s is None:
            return 0.0
        return max(0.0, (now.cpu_s - first.cpu_s) / waited_s)


def apply_rules_with_memory() -> Rules:
    """All rules; those that have one look at evidence that does not grow are worked out once, not at every look."""
    rules = [_remembering(rule) if rule.name in ONE_LOOK else rule for rule in RULES]
    return lambda policy, evidence: apply_rules(policy, evidence, rules)


def _remembering(rule: Rule) -> Rule:
    seen: list[tuple[Replay | None, RulePolicy, RuleVerdict]] = []

    def apply(policy: ReleasePolicy, settings: RulePolicy, evidence: Evidence) -> RuleVerdict:
        if not seen or seen[0][0] is not evidence.replay or seen[0][1] != settings:
            seen[:] = [(evidence.replay, settings, rule.apply(policy, settings, evidence))]
        return seen[0][2]

    return replace(rule, apply=apply)
