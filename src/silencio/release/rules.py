"""All rules of a release, in the order in which they decide and stand on the page.

A rule of a new kind is a `Rule` in one of the modules of rules, its place in `RULES`, its line in the policy that ships
and its section in docs/releasing.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from silencio.errors import SilencioError
from silencio.release.answer_rules import CLASSES, CONFIDENCE, DISAGREEMENT, REPLAY, SPECIES
from silencio.release.count_rules import ERRORS, REJECTIONS, SLOW
from silencio.release.evidence import Evidence
from silencio.release.policy import ReleasePolicy
from silencio.release.rule import Rule
from silencio.release.server_rules import REACHABILITY, RESOURCES, TRAFFIC_SPLIT
from silencio.release.verdict import RuleVerdict

RULES: tuple[Rule, ...] = (
    REACHABILITY,
    ERRORS,
    SLOW,
    REPLAY,
    DISAGREEMENT,
    SPECIES,
    REJECTIONS,
    CONFIDENCE,
    RESOURCES,
    TRAFFIC_SPLIT,
    CLASSES,
)


def apply_rules(policy: ReleasePolicy, evidence: Evidence, rules: Sequence[Rule] = RULES) -> tuple[RuleVerdict, ...]:
    """What every rule says at one look; a rule that cannot be worked out says `error`, and the others still speak.

    Args:
        policy: As it held when the release began.
        evidence: What is known.
        rules: The rules that there are.
    """
    return tuple(_verdict_of(rule, policy, evidence) for rule in rules)


def _verdict_of(rule: Rule, policy: ReleasePolicy, evidence: Evidence) -> RuleVerdict:
    try:
        return rule(policy, evidence)
    except (ArithmeticError, LookupError, SilencioError, TypeError, ValueError) as error:
        settings = policy.rules[rule.name]
        message = f"It could not be worked out: {type(error).__name__}: {error}."
        return RuleVerdict(
            rule=rule.name, outcome="error", message=message, consequence=settings.decides, dry_run=settings.dry_run
        )
