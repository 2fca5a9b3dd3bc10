"""What a rule of a release is: a name of the policy, a function of policy and evidence, and what it needs of both."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from silencio.release.evidence import Evidence
from silencio.release.policy import ReleasePolicy, RulePolicy
from silencio.release.verdict import Consequence, Outcome, RuleVerdict

# exp() beyond it is no finite number.
_MAX_LOG_E = 690.0


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule; called with a policy and evidence, it gives its verdict.

    Attributes:
        name: As in the policy, on the page and in docs/releasing.md.
        what: What it looks at, in a few words.
        apply: Its verdict where the policy has the rule.
        needs_alpha: Whether it spends a share of the family's error.
        tolerance: Bounds that the policy's tolerance must lie between; None: it has none.
        limit: Bounds that the policy's limit must lie between; None: it has none.
        has_one_look: Whether its evidence does not grow: what is inconclusive stays so, and a person is asked at once.
        counts_users: Whether it looks at users' sessions: where the policy wants no simulated ones, it has nothing to
            see at 0 %.
    """

    name: str
    what: str
    apply: Callable[[ReleasePolicy, RulePolicy, Evidence], RuleVerdict]
    needs_alpha: bool = False
    tolerance: tuple[float, float] | None = None
    limit: tuple[float, float] | None = None
    has_one_look: bool = False
    counts_users: bool = False

    def __call__(self, policy: ReleasePolicy, evidence: Evidence) -> RuleVerdict:
        settings = policy.rules.get(self.name)
        if settings is None:
            return not_applied(self.name, f"The policy took away {self.name} ({self.what}): not asked.")
        if self.counts_users and evidence.step == 0 and policy.min_simulated_requests == 0:
            words = f"The policy wants no simulated users at 0 %, where {self.name} has nothing else to see: not asked."
            return not_applied(self.name, words)
        found = self.apply(policy, settings, evidence)
        return replace(found, dry_run=True) if settings.dry_run else found


def not_applied(name: str, message: str) -> RuleVerdict:
    """A rule that nothing follows from."""
    return RuleVerdict(rule=name, outcome="no_data", message=message, consequence="show", applies=False)


def verdict(settings: RulePolicy, rule: str, outcome: Outcome, message: str, **facts: Any) -> RuleVerdict:
    """A verdict with the policy's consequence, unless `facts` have another."""
    seen = {"smallest_visible": "nothing yet"} if outcome == "no_data" else {}
    return RuleVerdict(
        rule=rule, outcome=outcome, message=message, **{"consequence": settings.decides, **seen, **facts}
    )


def required(settings: RulePolicy, rule: str, *names: str) -> tuple[float, ...]:
    """Values of a policy without which a rule cannot be worked out, in the order of their names.

    Raises:
        ValueError: One of them is not set.
    """
    values = [getattr(settings, name) for name in names]
    if None in values:
        raise ValueError(f"rule {rule} needs {' and '.join(names)}")
    return tuple(values)


def back_to_the_champion(settings: RulePolicy) -> Consequence:
    """What follows of a `fail` that leaves a person nothing to weigh, where the policy would hold."""
    return "rollback" if settings.decides == "hold" else settings.decides


def held_for_a_person(settings: RulePolicy) -> Consequence:
    """What follows of a `fail` that says nothing of the bundle, where the policy would roll back."""
    return "hold" if settings.decides == "rollback" else settings.decides


def e_value(log_e: float) -> float:
    """Evidence as a finite number."""
    return math.exp(min(log_e, _MAX_LOG_E))


def evidence_words(log_e: float, threshold: float) -> str:
    """Evidence beside what a failure needs: `evidence 3.1, needed 400`."""
    return f"evidence {e_value(log_e):.3g}, needed {threshold:.0f}"


def percent(share: float) -> str:
    """A share in words: `3.2 %`, `0.04 %`, `0 %`."""
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.3g} %"


def times(ratio: float) -> str:
    """A ratio in words."""
    return f"{ratio:.3g} times"
