from __future__ import annotations

import math

import pytest

from silencio.errors import ConfigError
from silencio.release.plan import MAX_PLANNED_S, Traffic, plan
from silencio.release.policy import ReleasePolicy


def test_plan__of_much_traffic_takes_the_least_time_of_each_step(policy: ReleasePolicy) -> None:
    found = plan(policy, Traffic(units_per_hour=[100_000.0]))
    assert [step.share_percent for step in found.steps] == policy.steps[1:]
    assert {step.duration_s for step in found.steps} == {policy.min_s + policy.settle_s}
    assert found.total_s == pytest.approx(5 * 1_860.0 + policy.bake_s)
    assert (found.is_too_long, found.proposal) == (False, None)


def test_plan__of_less_traffic_waits_for_the_least_requests_of_the_challenger(policy: ReleasePolicy) -> None:
    found = plan(policy, Traffic(units_per_hour=[1_000.0]))
    # 5 % of 1,000 an hour are 300 in six hours.
    assert found.steps[0].duration_s == pytest.approx(6 * 3_600.0 + policy.settle_s)
    assert found.steps[0].challenger_units == 300
    assert found.steps[0].champion_units == 5_700
    in_sessions = plan(policy, Traffic(units_per_hour=[1_000.0], requests_per_unit=10.0))
    assert in_sessions.steps[0].challenger_units == 100


def test_plan__follows_the_hours_of_the_day(policy: ReleasePolicy) -> None:
    by_day = [0.0] * 6 + [2_000.0] * 12 + [0.0] * 6
    night, noon = (plan(policy, Traffic(units_per_hour=by_day), began_hour=hour) for hour in (20.0, 9.0))
    # 300 at 5 % are 6,000, three hours of daylight, which are ten hours away at eight in the evening.
    assert noon.steps[0].duration_s == pytest.approx(3 * 3_600.0 + policy.settle_s, abs=policy.look_every_s)
    assert night.steps[0].duration_s == pytest.approx(13 * 3_600.0, abs=2 * policy.look_every_s)


def test_plan__sees_more_with_every_step_that_compares(policy: ReleasePolicy) -> None:
    steps = plan(policy, Traffic(units_per_hour=[1_000.0])).steps
    failed = [step.smallest_failed_share for step in steps]
    assert None not in failed
    assert failed == sorted(failed, reverse=True)
    assert failed[0] == pytest.approx(0.022, abs=0.005)
    assert failed[-1] == failed[-2]  # at 100 % there is nothing to compare with
    slow = [step.smallest_slow_share for step in steps]
    assert slow == sorted(slow, reverse=True)
    assert slow[-1] > 0.05


def test_plan__of_little_traffic_proposes_fewer_steps_that_fit(policy: ReleasePolicy) -> None:
    found = plan(policy, Traffic(units_per_hour=[20.0]))
    assert found.is_too_long
    assert found.total_s > MAX_PLANNED_S
    assert found.proposal is not None
    assert found.proposal.policy.steps == [0.0, 25.0, 100.0]
    assert not found.proposal.is_too_long
    assert found.proposal.total_s < found.total_s
    assert found.proposal.policy.max_s >= max(step.duration_s for step in found.proposal.steps)


def test_plan__says_which_step_ends_before_its_least_numbers(policy: ReleasePolicy) -> None:
    found = plan(policy, Traffic(units_per_hour=[200.0]))
    assert [step.is_too_long for step in found.steps] == [True, False, False, False, False]


def test_plan__without_traffic_never_ends_and_proposes_nothing(policy: ReleasePolicy) -> None:
    found = plan(policy, Traffic(units_per_hour=[0.0] * 24))
    assert math.isinf(found.total_s)
    assert all(step.is_too_long and step.smallest_failed_share is None for step in found.steps)
    assert found.proposal is None


def test_plan__of_a_policy_without_a_rule_says_that_it_sees_nothing(policy: ReleasePolicy) -> None:
    rules = {name: settings for name, settings in policy.rules.items() if name != "slow"}
    found = plan(policy.model_copy(update={"rules": rules}), Traffic(units_per_hour=[1_000.0]))
    assert {step.smallest_slow_share for step in found.steps} == {None}


@pytest.mark.parametrize(
    ("traffic", "message"),
    [
        (Traffic(units_per_hour=[1.0] * 7), "one number or 24"),
        (Traffic(units_per_hour=[-1.0]), "at least 0"),
        (Traffic(units_per_hour=[math.nan]), "at least 0"),
        (Traffic(units_per_hour=[1.0], requests_per_unit=0.5), "requests_per_unit"),
        (Traffic(units_per_hour=[1.0], failed_share=1.0), "failed_share"),
        (Traffic(units_per_hour=[1.0], slow_share=-0.1), "slow_share"),
    ],
)
def test_plan__refuses_traffic_that_is_none(policy: ReleasePolicy, traffic: Traffic, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        plan(policy, traffic)
