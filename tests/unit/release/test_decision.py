"""What follows at one look, and that nothing but passes leads to `promoted`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from silencio.release.decision import Decision, decide
from silencio.release.evidence import ArmCounts, Evidence, Interval
from silencio.release.policy import ReleasePolicy
from silencio.release.record import BundleIdentity, ReleaseRecord
from silencio.release.rules import RULES, apply_rules
from silencio.release.states import approve, confirm, intend
from silencio.release.verdict import Outcome, RuleVerdict

NOW = "2026-01-01T00:00:00Z"
POLICY = ReleasePolicy.shipped()
OUTCOMES: tuple[Outcome, ...] = ("pass", "fail", "inconclusive", "no_data", "error")
Make = Callable[..., Evidence]
MakeRecord = Callable[..., ReleaseRecord]


def verdicts(**outcomes: Outcome) -> list[RuleVerdict]:
    """Every rule of the policy; those that are not named pass."""
    return [
        RuleVerdict(
            rule=rule.name,
            outcome=outcomes.get(rule.name, "pass"),
            message=f"{rule.name} is {outcomes.get(rule.name, 'pass')}.",
            consequence=POLICY.rules[rule.name].decides,
        )
        for rule in RULES
    ]


def next_of(decision: Decision) -> tuple[str, str, int, float]:
    return decision.action, decision.target, decision.step, decision.share_percent


@pytest.mark.parametrize(
    ("state", "step", "expected"),
    [
        ("staged", 0, ("advance", "dark", 0, 0.0)),
        ("dark", 0, ("advance", "step", 1, 5.0)),
        ("step", 1, ("advance", "step", 2, 10.0)),
        ("step", 4, ("advance", "step", 5, 100.0)),
        ("step", 5, ("bake", "baking", 5, 100.0)),
        ("baking", 5, ("promote", "promoted", 5, 100.0)),
    ],
)
def test_decide__goes_on_where_everything_passes(
    evidence: Make, record: MakeRecord, state: str, step: int, expected: tuple[str, str, int, float]
) -> None:
    here = evidence(step, POLICY.steps[step] / 100, in_step_s=86_400.0)
    assert next_of(decide(POLICY, record(state, step), here, verdicts())) == expected


@pytest.mark.parametrize(("state", "step", "where"), [("dark", 0, "before any visitor"), ("step", 2, "at 10 %")])
def test_decide__says_where_everything_passed(
    evidence: Make, record: MakeRecord, state: str, step: int, where: str
) -> None:
    here = evidence(step, POLICY.steps[step] / 100, in_step_s=86_400.0)
    assert decide(POLICY, record(state, step), here, verdicts()).why == f"All rules pass {where}."


@pytest.mark.parametrize("outcome", ["fail", "inconclusive", "no_data", "error"])
@pytest.mark.parametrize("rule", [name for name, one in POLICY.rules.items() if one.must_have_data])
@pytest.mark.parametrize(("state", "step"), [("dark", 0), ("step", 2), ("baking", 5)])
def test_decide__goes_on_with_nothing_but_passes_of_rules_that_must_have_data(
    evidence: Make, record: MakeRecord, state: str, step: int, rule: str, outcome: Outcome
) -> None:
    found = decide(
        POLICY, record(state, step), evidence(step, 0.1, in_step_s=86_399.0 + step // 5), verdicts(**{rule: outcome})
    )
    assert found.action not in ("advance", "bake", "promote")
    assert found.rule == rule
    if outcome != "fail":
        assert found.action in ("stay", "hold")


@pytest.mark.parametrize("rule", [name for name, one in POLICY.rules.items() if one.decides == "rollback"])
def test_decide__takes_visitors_back_in_the_look_in_which_a_rule_fails_and_refuses_before_any(
    evidence: Make, record: MakeRecord, rule: str
) -> None:
    failed = verdicts(**{rule: "fail"})
    early = evidence(3, 0.25, in_step_s=1.0)
    rolled_back = decide(POLICY, record("step", 3), early, failed)
    assert next_of(rolled_back) == ("roll_back", "rolled_back", 3, 0.0)
    assert rolled_back.rule == rule
    assert next_of(decide(POLICY, record("baking", 5), evidence(5, 1.0), failed))[0] == "roll_back"
    for state in ("staged", "dark"):
        assert next_of(decide(POLICY, record(state, 0), evidence(0), failed)) == ("refuse", "refused", 0, 0.0)


@pytest.mark.parametrize("rule", [name for name, one in POLICY.rules.items() if one.decides == "hold"])
def test_decide__holds_where_a_person_has_to_look_and_goes_on_when_that_was_approved(
    evidence: Make, record: MakeRecord, rule: str
) -> None:
    here, failed = evidence(2, 0.1), verdicts(**{rule: "fail"})
    found = decide(POLICY, record("step", 2), here, failed)
    assert next_of(found) == ("hold", "held", 2, 10.0)
    assert found.gate == f"hold:{rule}"
    approved = approve(record("step", 2), f"hold:{rule}", by="ada", reason="known", at=NOW)
    assert decide(POLICY, approved, here, failed).action == "advance"


def test_decide__no_approval_stands_against_a_rollback(evidence: Make, record: MakeRecord) -> None:
    approved = approve(record("step", 2), "hold:errors", by="ada", reason="known", at=NOW)
    assert decide(POLICY, approved, evidence(2, 0.1), verdicts(errors="fail")).action == "roll_back"


def test_decide__a_rollback_comes_before_everything_else(evidence: Make, record: MakeRecord) -> None:
    blind = evidence(2, 0.1, blind_s=1e6)
    found = decide(POLICY, record("step", 2), blind, verdicts(species="fail", slow="fail", errors="no_data"))
    assert (found.action, found.rule) == ("roll_back", "slow")


def test_decide__asks_a_person_about_an_inconclusive_replay_at_once(evidence: Make, record: MakeRecord) -> None:
    found = decide(POLICY, record("dark", 0), evidence(0, in_step_s=5.0), verdicts(replay="inconclusive"))
    assert next_of(found) == ("hold", "held", 0, 0.0)
    waiting = decide(POLICY, record("dark", 0), evidence(0, in_step_s=5.0), verdicts(reachability="inconclusive"))
    assert waiting.action == "stay"


def test_decide__does_not_wait_for_rules_that_need_have_no_data_or_are_only_shown(
    evidence: Make, record: MakeRecord
) -> None:
    quiet = verdicts(disagreement="no_data", species="no_data", resources="no_data", confidence="fail")
    assert decide(POLICY, record("step", 2), evidence(2, 0.1), quiet).action == "advance"
    for outcome in ("inconclusive", "error"):
        stuck = verdicts(resources=outcome)
        assert decide(POLICY, record("step", 2), evidence(2, 0.1), stuck).action == "stay"


def test_decide__what_nothing_speaks_for_does_not_advance(evidence: Make, record: MakeRecord) -> None:
    lenient = POLICY.model_copy(
        update={"rules": {name: one.model_copy(update={"must_have_data": False}) for name, one in POLICY.rules.items()}}
    )
    silent = verdicts(**dict.fromkeys(POLICY.rules, "no_data"))
    assert decide(lenient, record("step", 2), evidence(2, 0.1), silent).action == "stay"
    assert decide(lenient, record("step", 2), evidence(2, 0.1), []).action == "stay"


@pytest.mark.parametrize(
    ("counts", "in_step_s", "word"),
    [
        ({"requests": 299, "units": 299}, 1_800.0, "299 requests"),
        ({"requests": 900, "units": 99}, 1_800.0, "99 sessions"),
        ({"requests": 900, "units": 90}, 1_799.0, "1799 s"),
    ],
)
def test_decide__waits_for_the_least_numbers_of_a_step_and_holds_at_its_end(
    evidence: Make, record: MakeRecord, counts: dict[str, int], in_step_s: float, word: str
) -> None:
    def look(seconds: float) -> Decision:
        arms = {"champion": ArmCounts(requests=9_000, units=9_000), "challenger": ArmCounts(**counts)}
        interval = Interval(step=2, share=0.1, began_s=0, ended_s=seconds, **arms)
        return decide(POLICY, record("step", 2), evidence(2, 0.1, intervals=(interval,), in_step_s=seconds), verdicts())

    assert look(in_step_s).action == "stay"
    assert word in look(in_step_s).why
    if in_step_s >= POLICY.min_s:
        assert next_of(look(POLICY.max_s)) == ("hold", "held", 2, 10.0)


def test_decide__without_traffic_holds_or_takes_back_as_the_policy_says(evidence: Make, record: MakeRecord) -> None:
    silent = evidence(3, 0.25, intervals=(), in_step_s=POLICY.max_s)
    quiet = verdicts(errors="no_data", slow="no_data", traffic_split="no_data")
    assert next_of(decide(POLICY, record("step", 3), silent, quiet)) == ("hold", "held", 3, 25.0)
    strict = POLICY.model_copy(update={"when_short": "rollback"})
    assert next_of(decide(strict, record("step", 3), silent, quiet)) == ("roll_back", "rolled_back", 3, 0.0)


def test_decide__at_0_percent_wants_simulated_users_and_no_least_time(evidence: Make, record: MakeRecord) -> None:
    few = Interval(
        step=0,
        share=0.5,
        began_s=0,
        ended_s=1,
        simulated=True,
        champion=ArmCounts(requests=149, units=15),
        challenger=ArmCounts(requests=150, units=15),
    )
    found = decide(POLICY, record("dark", 0), evidence(0, intervals=(few,), in_step_s=1.0), verdicts())
    assert found.action == "stay"
    assert "299 requests" in found.why
    assert decide(POLICY, record("dark", 0), evidence(0, in_step_s=1.0), verdicts()).action == "advance"


def test_decide__of_a_policy_without_simulated_users_does_not_wait_for_what_only_they_could_show(
    evidence: Make, record: MakeRecord
) -> None:
    policy = POLICY.model_copy(update={"min_simulated_requests": 0})
    here = evidence(0, intervals=())
    assert decide(policy, record("dark", 0), here, apply_rules(policy, here)).action == "advance"
    assert decide(POLICY, record("dark", 0), here, apply_rules(POLICY, here)).action == "stay"


def test_decide__freezes_when_blind_and_gives_visitors_back_when_blind_for_long(
    evidence: Make, record: MakeRecord
) -> None:
    def look(blind_s: float, state: str = "step") -> Decision:
        held = {"held_from": "step", "share_percent": 25.0} if state == "held" else {}
        return decide(POLICY, record(state, 3, **held), evidence(3, 0.25, blind_s=blind_s), verdicts())

    assert look(119.0).action == "advance"
    assert next_of(look(120.0)) == ("freeze", "step", 3, 25.0)
    back = look(1_800.0)
    assert next_of(back) == ("return_to_zero", "held", 3, 0.0)
    assert back.rule is None
    assert next_of(look(1_800.0, "held")) == ("return_to_zero", "held", 3, 0.0)
    assert look(300.0, "held").action == "stay"


def test_decide__of_both_arms_failing_holds_and_gives_visitors_back_where_the_challenger_is_worse(
    evidence: Make, record: MakeRecord
) -> None:
    def both(e_value: float) -> list[RuleVerdict]:
        one = RuleVerdict(
            rule="errors",
            outcome="fail",
            message="Both.",
            consequence="hold",
            both_fail=True,
            e_value=e_value,
            threshold=444.0,
        )
        return [one if verdict.rule == "errors" else verdict for verdict in verdicts()]

    assert next_of(decide(POLICY, record("step", 3), evidence(3, 0.25), both(3.0))) == ("hold", "held", 3, 25.0)
    worse = decide(POLICY, record("step", 3), evidence(3, 0.25), both(500.0))
    assert next_of(worse) == ("return_to_zero", "held", 3, 0.0)


def test_decide__of_a_held_release_rolls_back_and_does_nothing_else_by_itself(
    evidence: Make, record: MakeRecord
) -> None:
    held = record("held", 3, held_from="step", share_percent=25.0, why="known")
    assert decide(POLICY, held, evidence(3, 0.25, in_step_s=1e9), verdicts()).action == "stay"
    assert decide(POLICY, held, evidence(3, 0.25), verdicts(species="fail")).action == "stay"
    assert next_of(decide(POLICY, held, evidence(3, 0.25), verdicts(errors="fail")))[0] == "roll_back"
    before = record("held", 0, held_from="dark")
    assert next_of(decide(POLICY, before, evidence(0), verdicts(errors="fail")))[0] == "refuse"


@pytest.mark.parametrize("state", ["promoted", "rolled_back", "refused", "aborted", "superseded"])
def test_decide__of_a_release_that_has_ended_changes_nothing(evidence: Make, record: MakeRecord, state: str) -> None:
    found = decide(POLICY, record(state), evidence(5, 1.0), verdicts(errors="fail"))
    assert (found.action, found.changes) == ("stay", False)


def test_decide__waits_at_gates_for_a_person_while_rules_go_on(evidence: Make, record: MakeRecord) -> None:
    policy = POLICY.model_copy(update={"confirm_increase": [25.0], "confirm_promotion": True})
    here = evidence(2, 0.1, in_step_s=1e9)
    found = decide(policy, record("step", 2), here, verdicts())
    assert (found.action, found.gate) == ("stay", "increase:25")
    assert decide(policy, record("step", 2), here, verdicts(slow="fail")).action == "roll_back"
    opened = approve(record("step", 2), "increase:25", by="ada", reason="looks well", at=NOW)
    assert next_of(decide(policy, opened, here, verdicts())) == ("advance", "step", 3, 25.0)
    baked = evidence(5, 1.0, in_step_s=1e5)
    assert decide(policy, record("baking", 5), baked, verdicts()).gate == "promotion"
    opened = approve(record("baking", 5), "promotion", by="ada", reason="looks well", at=NOW)
    assert decide(policy, opened, baked, verdicts()).action == "promote"


def test_decide__bakes_for_as_long_as_the_policy_says(evidence: Make, record: MakeRecord) -> None:
    baking = record("baking", 5)
    assert decide(POLICY, baking, evidence(5, 1.0, in_step_s=86_399.0), verdicts()).action == "stay"
    silent = evidence(5, 1.0, intervals=(), in_step_s=2 * 86_400.0)
    assert decide(POLICY, baking, silent, verdicts(errors="no_data")).action == "hold"


# A look: seconds in the step, challenger's requests, blind seconds, and what each rule says.
LOOKS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 900.0, 1_800.0, 86_400.0, 200_000.0]),
        st.sampled_from([0, 299, 300, 5_000]),
        st.sampled_from([0.0, 0.0, 0.0, 130.0, 2_000.0]),
        st.dictionaries(st.sampled_from([rule.name for rule in RULES]), st.sampled_from(OUTCOMES), max_size=2),
    ),
    max_size=25,
)


@settings(max_examples=300, deadline=None)
@given(LOOKS)
def test_decide__no_sequence_of_looks_promotes_but_through_every_step_with_a_pass(looks: Sequence[tuple]) -> None:
    bundle = BundleIdentity(version="1", manifest_sha256="0", place="here")
    now = ReleaseRecord(release_id="r", champion=bundle, challenger=bundle, policy=POLICY.model_dump(), began_at=NOW)
    passed: list[tuple[str, int]] = []
    for in_step_s, n, blind_s, outcomes in looks:
        counts = ArmCounts(requests=n, units=n)
        interval = Interval(
            step=now.step, share=0.5, began_s=0, ended_s=1, champion=counts, challenger=counts, simulated=now.step == 0
        )
        here = Evidence(step=now.step, in_step_s=in_step_s, blind_s=blind_s, intervals=(interval,))
        decision = decide(POLICY, now, here, verdicts(**outcomes))
        if decision.action in ("advance", "bake", "promote"):
            needed = (
                {"reachability"}
                if now.state == "staged"
                else {name for name, one in POLICY.rules.items() if one.must_have_data}
            )
            assert all(outcomes.get(name, "pass") == "pass" for name in needed)
            assert blind_s < POLICY.blind_freeze_s
            if now.state not in ("staged", "dark"):
                assert n >= POLICY.min_requests
                assert in_step_s >= (POLICY.bake_s if now.state == "baking" else POLICY.min_s)
            passed.append((now.state, now.step))
        if decision.action in ("roll_back", "refuse"):
            assert any(outcomes.get(name) == "fail" and one.decides == "rollback" for name, one in POLICY.rules.items())
        if decision.changes:
            now = confirm(intend(now, decision, written_at=NOW), at=NOW, by="judge")
        if now.state == "promoted":
            last = len(POLICY.steps) - 1
            steps = [("step", k) for k in range(1, last + 1)]
            assert passed == [("staged", 0), ("dark", 0), *steps, ("baking", last)]
        if now.state in ("rolled_back", "refused", "staged", "dark"):
            assert now.share_percent == 0.0
