"""Rules on counts: what fails, is excused or not known; and that a slip in r0, alpha or a sign is noticed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from silencio.release.count_rules import ERRORS, REJECTIONS, SLOW
from silencio.release.counts import added
from silencio.release.evidence import ArmCounts, Evidence, Interval
from silencio.release.policy import ReleasePolicy
from silencio.release.rule import Rule
from silencio.release.rules import apply_rules
from silencio.release.sequential_counts import RATIOS, log_e_value

Make = Callable[..., Interval]
COUNTED = [(ERRORS, "failed_units"), (SLOW, "slow_units"), (REJECTIONS, "rejected_units")]


def one_step(interval: Make, champion: dict[str, int], challenger: dict[str, int], share: float = 0.05) -> Evidence:
    return Evidence(
        step=1,
        target_share=share,
        intervals=(interval(1, share, champion=champion, challenger=challenger),),
        slow_bound_s=0.5,
    )


def evidence_of(x: int, y: int, share: float, r0: float) -> float:
    """The weighted mean of likelihood ratios, event by event."""
    q = {r: share * r / (share * r + 1 - share) for r in (*RATIOS, r0)}
    weights = {r: math.log(r) / sum(map(math.log, RATIOS)) for r in RATIOS}
    return sum(weights[r] * (q[r] / q[r0]) ** x * ((1 - q[r]) / (1 - q[r0])) ** y for r in RATIOS)


@pytest.mark.parametrize(("rule", "field"), COUNTED)
def test_rule__fails_where_the_challengers_sessions_have_it_more_often(
    policy: ReleasePolicy, interval: Make, rule: Rule, field: str
) -> None:
    found = rule(policy, one_step(interval, {"units": 1_900, field: 4}, {"units": 100, field: 12}))
    assert (found.outcome, found.consequence) == ("fail", "rollback")
    assert found.n == 100
    assert found.challenger == pytest.approx(0.12)
    assert found.champion == pytest.approx(4 / 1_900)
    assert found.e_value is not None
    assert found.threshold is not None
    assert found.e_value >= found.threshold
    assert "12 %" in found.message
    assert "1.25 times is beyond doubt" in found.message


@pytest.mark.parametrize(("rule", "field"), COUNTED)
def test_rule__passes_where_the_champion_has_it_as_often_or_more(
    policy: ReleasePolicy, interval: Make, rule: Rule, field: str
) -> None:
    for ours, theirs in ((19, 1), (190, 10), (190, 0), (0, 0)):
        found = rule(policy, one_step(interval, {"units": 19_000, field: ours}, {"units": 1_000, field: theirs}))
        assert found.outcome == "pass", found.message


@pytest.mark.parametrize(("rule", "field"), COUNTED)
def test_rule__has_the_policys_tolerance_and_share_of_the_error_and_no_other(
    policy: ReleasePolicy, interval: Make, rule: Rule, field: str
) -> None:
    # Worked out by hand: another r0, alpha or sign gives another figure.
    found = rule(policy, one_step(interval, {"units": 19_000, field: 30}, {"units": 1_000, field: 6}))
    assert found.e_value == pytest.approx(evidence_of(6, 30, 0.05, 1.25), rel=1e-6)
    spent = {"errors": 0.0025 * 0.9, "slow": 0.003 * 0.9, "rejections": 0.0005}[rule.name]
    assert found.threshold == pytest.approx(1 / spent)


@pytest.mark.parametrize("x", range(3, 12))
def test_errors__fails_exactly_from_one_over_its_share_of_the_error_on(
    policy: ReleasePolicy, interval: Make, x: int
) -> None:
    # 200 sessions of prior for the share do nothing where it is measured as asked.
    found = ERRORS(
        policy, one_step(interval, {"units": 19_000, "failed_units": 4}, {"units": 1_000, "failed_units": x})
    )
    assert (found.outcome == "fail") is (evidence_of(x, 4, 0.05, 1.25) >= 1 / (0.0025 * 0.9))


@pytest.mark.parametrize(("rule", "field"), COUNTED)
def test_rule__counts_every_step_of_the_release_and_its_simulated_users(
    policy: ReleasePolicy, interval: Make, rule: Rule, field: str
) -> None:
    steps = (
        interval(0, 0.5, champion={"units": 150, field: 0}, challenger={"units": 150, field: 4}, simulated=True),
        interval(1, 0.05, champion={"units": 1_900, field: 4}, challenger={"units": 100, field: 4}),
        interval(2, 0.10, champion={"units": 900, field: 2}, challenger={"units": 100, field: 4}),
    )
    alone = rule(policy, Evidence(step=2, target_share=0.1, intervals=steps[2:], slow_bound_s=0.5))
    all_of_it = rule(policy, Evidence(step=2, target_share=0.1, intervals=steps, slow_bound_s=0.5))
    assert alone.outcome == "pass"
    assert all_of_it.outcome == "fail"
    assert all_of_it.n == 350


def test_rule__says_the_same_of_one_long_interval_and_of_many_short_ones(policy: ReleasePolicy, interval: Make) -> None:
    short = interval(1, 0.05, champion={"units": 190, "failed_units": 1}, challenger={"units": 10, "failed_units": 1})
    many = Evidence(step=1, target_share=0.05, intervals=(short,) * 8, slow_bound_s=0.5)
    long = one_step(
        interval,
        {"units": 1_520, "failed_units": 8, "requests": 4_000},
        {"units": 80, "failed_units": 8, "requests": 4_000},
    )
    assert ERRORS(policy, many) == ERRORS(policy, long)


@pytest.mark.parametrize(("rule", "field"), COUNTED)
def test_rule__without_a_session_of_the_challenger_in_this_step_has_no_data(
    policy: ReleasePolicy, interval: Make, rule: Rule, field: str
) -> None:
    earlier = interval(1, 0.05, champion={field: 2}, challenger={field: 0})
    silent = interval(2, 0.10, challenger={"units": 0, "requests": 0})
    for intervals in ((), (earlier,), (earlier, silent)):
        found = rule(policy, Evidence(step=2, target_share=0.1, intervals=intervals, slow_bound_s=0.5))
        assert found.outcome == "no_data"
        assert found.smallest_visible == "nothing yet"


def test_rule__prints_the_smallest_rate_that_it_could_have_seen(policy: ReleasePolicy, interval: Make) -> None:
    found = ERRORS(
        policy, one_step(interval, {"units": 19_000, "failed_units": 38}, {"units": 1_000, "failed_units": 2})
    )
    assert found.smallest_visible is not None
    percent, times = (float(found.smallest_visible.split()[k]) for k in (0, 6))
    assert 0.8 < percent < 2.5
    assert times == pytest.approx(percent / 0.2, rel=0.05)
    early = ERRORS(policy, one_step(interval, {"units": 38, "failed_units": 0}, {"units": 2, "failed_units": 0}))
    assert early.smallest_visible is not None
    assert early.smallest_visible.startswith("nothing yet")


def test_errors__at_100_percent_are_held_to_the_absolute_limit_alone(policy: ReleasePolicy, interval: Make) -> None:
    def at_the_end(failed: int) -> Evidence:
        counts = {"units": 2_000, "requests": 2_000, "failed_units": failed, "failed_requests": failed}
        nobody = {"units": 0, "requests": 0}
        return one_step(interval, nobody, counts, share=1.0)

    assert ERRORS(policy, at_the_end(10)).outcome == "pass"
    assert "absolute limit alone" in ERRORS(policy, at_the_end(10)).message
    assert ERRORS(policy, at_the_end(24)).outcome == "pass"  # 1.2 % of 2,000: above, and not beyond doubt
    found = ERRORS(policy, at_the_end(100))
    assert (found.outcome, found.consequence) == ("fail", "rollback")
    assert "absolute limit of 1 %" in found.message


def test_errors__of_sessions_with_many_requests_are_held_to_a_limit_of_requests(
    policy: ReleasePolicy, interval: Make
) -> None:
    # One request in 500 fails, each in a session of its own: 2 % of sessions of ten, .2 % of requests.
    each_alone = {"units": 2_000, "requests": 20_000, "failed_units": 40, "failed_requests": 40}
    together = {"units": 2_000, "requests": 20_000, "failed_units": 100, "failed_requests": 1_000}
    nobody = {"units": 0, "requests": 0}
    assert ERRORS(policy, one_step(interval, nobody, each_alone, share=1.0)).outcome == "pass"
    assert ERRORS(policy, one_step(interval, nobody, together, share=1.0)).outcome == "fail"


def test_errors__of_both_arms_alike_are_held_and_nothing_is_said_of_the_bundle(
    policy: ReleasePolicy, interval: Make
) -> None:
    ours = {"units": 1_900, "requests": 1_900, "failed_units": 950, "failed_requests": 950}
    theirs = {"units": 100, "requests": 100, "failed_units": 50, "failed_requests": 50}
    found = ERRORS(policy, one_step(interval, ours, theirs))
    assert (found.outcome, found.consequence, found.both_fail) == ("fail", "hold", True)
    assert "both" in found.message.lower()


def test_errors__of_an_outage_after_long_health_are_of_both_though_the_champions_share_is_small(
    policy: ReleasePolicy, interval: Make
) -> None:
    # The champion answered 40,000 sessions before the minute in which everything failed: .1 % of them all.
    healthy = interval(1, 0.05, champion={"units": 40_000}, challenger={"units": 2_100})
    outage = interval(
        2,
        0.5,
        champion={"units": 60, "failed_units": 60},
        challenger={"units": 60, "failed_units": 60, "failed_requests": 60},
    )
    found = ERRORS(policy, Evidence(step=2, target_share=0.5, intervals=(healthy, outage), slow_bound_s=0.5))
    assert (found.outcome, found.consequence, found.both_fail) == ("fail", "hold", True), found.message


def test_errors__of_a_challenger_that_is_worse_than_a_failing_champion_are_held_too(
    policy: ReleasePolicy, interval: Make
) -> None:
    ours = {"units": 1_900, "requests": 1_900, "failed_units": 380, "failed_requests": 380}
    theirs = {"units": 100, "requests": 100, "failed_units": 95, "failed_requests": 95}
    found = ERRORS(policy, one_step(interval, ours, theirs))
    assert (found.outcome, found.consequence, found.both_fail) == ("fail", "hold", True)
    assert found.e_value is not None
    assert found.e_value > (found.threshold or math.inf)


def test_slow__is_beyond_the_absolute_limit_only_where_it_is_beyond_doubt(
    policy: ReleasePolicy, interval: Make
) -> None:
    nobody = {"units": 0, "requests": 0}
    for beyond, outcome in ((0, "pass"), (60, "pass"), (300, "fail")):
        counts = {"units": 1_000, "requests": 1_000, "beyond_limit_units": beyond, "slow_units": beyond}
        found = SLOW(policy, one_step(interval, nobody, counts, share=1.0))
        assert found.outcome == outcome, found.message
    assert "absolute limit of 1 s" in found.message


def test_slow__without_a_p95_of_the_champion_counts_what_is_beyond_the_limit(
    policy: ReleasePolicy, interval: Make
) -> None:
    ours = {"units": 1_900, "slow_units": 0, "beyond_limit_units": 4}
    theirs = {"units": 100, "slow_units": 0, "beyond_limit_units": 14}
    evidence = replace(one_step(interval, ours, theirs), slow_bound_s=None)
    found = SLOW(policy, evidence)
    assert found.outcome == "fail"
    assert "slower than 1 s" in found.message
    without_limit = policy.rules["slow"].model_copy(update={"limit": None})
    neither = policy.model_copy(update={"rules": {**policy.rules, "slow": without_limit}})
    assert SLOW(neither, evidence).outcome == "no_data"


def test_rule__of_counts_that_are_none_is_an_error_and_no_pass(policy: ReleasePolicy, interval: Make) -> None:
    (found,) = apply_rules(policy, one_step(interval, {"failed_units": -3}, {}), rules=(ERRORS,))
    assert (found.outcome, found.consequence) == ("error", "rollback")
    assert "0 or more" in found.message


def test_errors__without_an_absolute_limit_spend_all_of_their_share_on_the_comparison(
    policy: ReleasePolicy, interval: Make
) -> None:
    unlimited = policy.rules["errors"].model_copy(update={"limit": None})
    without = policy.model_copy(update={"rules": {**policy.rules, "errors": unlimited}})
    found = ERRORS(without, one_step(interval, {"units": 1_900, "failed_units": 950}, {"failed_units": 250}))
    assert found.threshold == pytest.approx(1 / 0.0025)
    nobody = {"units": 0, "requests": 0}
    assert ERRORS(without, one_step(interval, nobody, {"failed_units": 400}, share=1.0)).outcome == "pass"


def test_errors__of_a_single_session_are_all_of_it(policy: ReleasePolicy, interval: Make) -> None:
    found = ERRORS(policy, one_step(interval, {"units": 19, "failed_units": 1}, {"units": 1, "failed_units": 1}))
    assert (found.challenger, found.champion) == (1.0, pytest.approx(1 / 19))


def test_errors__of_sessions_that_began_before_the_counting_are_taken_by_their_requests(
    policy: ReleasePolicy, interval: Make
) -> None:
    # One session began while it was counted; of its requests and those of the others not a quarter failed.
    nobody = {"units": 0, "requests": 0}
    counts = {"units": 1, "requests": 150, "failed_units": 40, "failed_requests": 40}
    assert ERRORS(policy, one_step(interval, nobody, counts, share=1.0)).outcome == "pass"


def test_rule__says_how_many_times_as_many_only_where_a_bound_of_it_is_known(
    policy: ReleasePolicy, interval: Make
) -> None:
    few = ERRORS(policy, one_step(interval, {"units": 190, "failed_units": 2}, {"units": 10, "failed_units": 0}))
    assert "as many" not in few.message
    worse = ERRORS(policy, one_step(interval, {"units": 1_900, "failed_units": 1}, {"units": 100, "failed_units": 9}))
    assert "as many in the same time (at least " in worse.message
    known = ERRORS(
        policy, one_step(interval, {"units": 19_000, "failed_units": 90}, {"units": 1_000, "failed_units": 9})
    )
    assert "as many in the same time (95 % bounds " in known.message


def test_rule__that_is_shown_only_decides_nothing(policy: ReleasePolicy, interval: Make) -> None:
    evidence = one_step(interval, {"units": 1_900}, {"units": 100, "failed_units": 50})
    for change in ({"dry_run": True}, {"decides": "show"}):
        errors = policy.rules["errors"].model_copy(update=change)
        found = ERRORS(policy.model_copy(update={"rules": {**policy.rules, "errors": errors}}), evidence)
        assert found.outcome == "fail"
        assert not found.decides


def test_arm_counts__are_added_field_by_field() -> None:
    names = list(ArmCounts.__dataclass_fields__)
    one = ArmCounts(**{name: place for place, name in enumerate(names)})
    assert added([one, one, ArmCounts()]) == ArmCounts(**{name: 2 * place for place, name in enumerate(names)})


# Failed sessions of champion and challenger among 19,000 and 1,000 at 5 %, and what the policy makes of them.
BATTERY = {
    (1, 3): "pass",
    (1, 4): "fail",
    (4, 4): "pass",
    (4, 5): "fail",
    (12, 6): "pass",
    (12, 7): "fail",
    (38, 11): "pass",
    (38, 12): "fail",
    (100, 20): "pass",
    (100, 21): "fail",
    (38, 2): "pass",
    (190, 0): "pass",
}


def battery(policy: ReleasePolicy, interval: Make) -> dict[tuple[int, int], str]:
    def look(ours: int, theirs: int) -> Evidence:
        champion, challenger = {"units": 19_000, "failed_units": ours}, {"units": 1_000, "failed_units": theirs}
        return one_step(interval, champion, challenger)

    return {counts: ERRORS(policy, look(*counts)).outcome for counts in BATTERY}


def test_battery__is_what_the_policy_that_ships_finds(policy: ReleasePolicy, interval: Make) -> None:
    assert battery(policy, interval) == BATTERY


@pytest.mark.parametrize(
    "slip",
    [
        {"tolerance": 1.0},
        {"tolerance": 1.5},
        {"alpha": 0.0025 * 10},
        {"alpha": 0.0025 / 10},
    ],
    ids=str,
)
def test_battery__notices_another_tolerance_or_share_of_the_error(
    policy: ReleasePolicy, interval: Make, slip: dict[str, float]
) -> None:
    errors = policy.rules["errors"].model_copy(update=slip)
    assert battery(policy.model_copy(update={"rules": {**policy.rules, "errors": errors}}), interval) != BATTERY


@pytest.mark.parametrize("slip", ["sign", "arms"])
def test_battery__notices_a_flipped_sign_and_swapped_arms(
    policy: ReleasePolicy, interval: Make, monkeypatch: pytest.MonkeyPatch, slip: str
) -> None:
    flipped = {
        "sign": lambda stretches, tolerance: -log_e_value(stretches, tolerance),
        "arms": lambda stretches, tolerance: log_e_value([one.swapped for one in stretches], tolerance),
    }
    monkeypatch.setattr("silencio.release.count_rules.log_e_value", flipped[slip])
    assert battery(policy, interval) != BATTERY
