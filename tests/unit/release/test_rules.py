"""All rules together: named as in policy and docs, each can be taken away, none takes the others down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from silencio.release.evidence import Evidence
from silencio.release.policy import ReleasePolicy
from silencio.release.rules import RULES, apply_rules

DOCS = Path(__file__).parents[3] / "docs" / "releasing.md"
Make = Callable[..., Evidence]


def test_rules__are_those_of_the_policy_that_ships() -> None:
    assert sorted(rule.name for rule in RULES) == sorted(ReleasePolicy.shipped().rules)


@pytest.mark.parametrize("rule", [rule.name for rule in RULES])
def test_rules__stand_in_the_docs_by_name(rule: str) -> None:
    assert f"`{rule}`" in DOCS.read_text(encoding="utf-8")


def test_apply_rules__passes_good_evidence_by_every_rule_with_a_sentence_and_what_it_could_have_seen(
    policy: ReleasePolicy, evidence: Make
) -> None:
    for step, share in enumerate(policy.steps):
        found = apply_rules(policy, evidence(step, share / 100))
        assert [verdict.rule for verdict in found] == [rule.name for rule in RULES]
        for verdict in found:
            assert verdict.outcome == "pass", verdict
            assert verdict.message.endswith(".")
            assert verdict.smallest_visible or verdict.rule == "traffic_split"


def test_apply_rules__has_no_data_of_nothing(policy: ReleasePolicy) -> None:
    for verdict in apply_rules(policy, Evidence()):
        assert verdict.outcome == ("pass" if verdict.rule == "classes" else "no_data")


@pytest.mark.parametrize("rule", [rule.name for rule in RULES])
def test_apply_rules__shows_a_rule_that_the_policy_took_away_as_not_asked(
    policy: ReleasePolicy, evidence: Make, rule: str
) -> None:
    rules = {name: settings for name, settings in policy.rules.items() if name != rule}
    found = apply_rules(policy.model_copy(update={"rules": rules}), evidence())
    (verdict,) = [one for one in found if one.rule == rule]
    assert not verdict.applies
    assert not verdict.decides
    assert "not asked" in verdict.message


def test_apply_rules__says_error_of_a_rule_that_cannot_be_worked_out_and_lets_the_others_speak(
    policy: ReleasePolicy, evidence: Make
) -> None:
    good = evidence()
    assert good.pairs is not None
    broken = replace(good, pairs=replace(good.pairs, disagreement=good.pairs.disagreement + 2.0))
    found = {verdict.rule: verdict.outcome for verdict in apply_rules(policy, broken)}
    assert found.pop("disagreement") == "error"
    assert set(found.values()) == {"pass"}
