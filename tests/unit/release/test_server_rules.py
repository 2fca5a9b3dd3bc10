from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from silencio.release.evidence import ArmHealth, Evidence, Interval
from silencio.release.policy import ReleasePolicy
from silencio.release.server_rules import REACHABILITY, RESOURCES, TRAFFIC_SPLIT

Make = Callable[..., Interval]
GOOD = ArmHealth(parity_passed=True, ready_s=61.0)


def at_step(challenger: ArmHealth, champion: ArmHealth = GOOD, step: int = 1, share: float = 0.05) -> Evidence:
    return Evidence(step=step, target_share=share, challenger=challenger, champion=champion)


@pytest.mark.parametrize(
    ("challenger", "outcome"),
    [
        (GOOD, "pass"),
        (ArmHealth(parity_passed=False, ready_s=61.0), "fail"),
        (ArmHealth(parity_passed=True, ready_s=61.0, restarts=1), "fail"),
        (ArmHealth(parity_passed=True, ready_s=None), "fail"),
        (ArmHealth(parity_passed=True, ready_s=10.0), "inconclusive"),
        (ArmHealth(parity_passed=None, ready_s=61.0), "no_data"),
    ],
)
def test_reachability__of_a_challenger_that_has_visitors(
    policy: ReleasePolicy, challenger: ArmHealth, outcome: str
) -> None:
    found = REACHABILITY(policy, at_step(challenger))
    assert (found.outcome, found.consequence) == (outcome, "rollback")


def test_reachability__waits_for_a_challenger_that_is_only_being_started(policy: ReleasePolicy) -> None:
    starting = at_step(ArmHealth(parity_passed=None, ready_s=None), step=0, share=0.0)
    assert REACHABILITY(policy, starting).outcome == "no_data"


def test_reachability__of_both_arms_gone_is_no_verdict_on_the_bundle(policy: ReleasePolicy) -> None:
    gone = ArmHealth(parity_passed=True, ready_s=None)
    restarted = ArmHealth(parity_passed=True, ready_s=61.0, restarts=2)
    for challenger, champion in ((gone, gone), (restarted, restarted)):
        found = REACHABILITY(policy, at_step(challenger, champion))
        assert (found.outcome, found.consequence, found.both_fail) == ("fail", "hold", True)
    fewer = ArmHealth(parity_passed=True, ready_s=61.0, restarts=1)
    assert REACHABILITY(policy, at_step(restarted, fewer)).consequence == "rollback"


def test_reachability__is_as_patient_as_the_policy_says(policy: ReleasePolicy) -> None:
    settings = policy.rules["reachability"].model_copy(update={"limit": 5.0})
    patient = policy.model_copy(update={"rules": {**policy.rules, "reachability": settings}})
    ready = at_step(ArmHealth(parity_passed=True, ready_s=6.0))
    assert REACHABILITY(policy, ready).outcome == "inconclusive"
    assert REACHABILITY(patient, ready).outcome == "pass"


@pytest.mark.parametrize(
    ("challenger", "outcome"),
    [
        (ArmHealth(resident_bytes=1.4e9, cpu_s_per_window=0.01), "pass"),
        (ArmHealth(resident_bytes=1.6e9, cpu_s_per_window=0.01), "fail"),
        (ArmHealth(resident_bytes=1.0e9, cpu_s_per_window=0.016), "fail"),
        (ArmHealth(resident_bytes=0.1e9, cpu_s_per_window=0.001), "pass"),
        (ArmHealth(resident_bytes=1.6e9), "fail"),
        (ArmHealth(), "no_data"),
    ],
)
def test_resources__are_held_for_above_the_ratio_of_either(
    policy: ReleasePolicy, challenger: ArmHealth, outcome: str
) -> None:
    champion = ArmHealth(resident_bytes=1e9, cpu_s_per_window=0.01)
    found = RESOURCES(policy, at_step(challenger, champion))
    assert (found.outcome, found.consequence) == (outcome, "hold")


def split(interval: Make, champion: int, challenger: int, share: float) -> Evidence:
    counts = interval(1, share, champion={"units": champion}, challenger={"units": challenger})
    return Evidence(step=1, target_share=share, intervals=(counts,))


@pytest.mark.parametrize(
    ("champion", "challenger", "share", "outcome"),
    [
        (1_900, 100, 0.05, "pass"),
        (1_880, 120, 0.05, "pass"),
        (2_000, 0, 0.05, "fail"),
        (1_000, 1_000, 0.05, "fail"),
        (300, 0, 0.05, "fail"),
        (60, 0, 0.05, "pass"),
        (0, 3_000, 1.0, "pass"),
        (300, 2_700, 1.0, "fail"),
        (0, 0, 0.05, "no_data"),
        (1_500, 500, 0.0, "no_data"),
    ],
)
def test_traffic_split__is_held_for_where_chance_does_not_explain_it(
    policy: ReleasePolicy, interval: Make, champion: int, challenger: int, share: float, outcome: str
) -> None:
    found = TRAFFIC_SPLIT(policy, split(interval, champion, challenger, share))
    assert (found.outcome, found.consequence) == (outcome, "hold"), found.message


def test_traffic_split__as_asked_is_hardly_ever_held_for_however_often_it_is_looked_at(
    policy: ReleasePolicy, interval: Make
) -> None:
    # Two points at one look of 2,000 at 50 % are 1.8 standard errors: that alone would hold one release in five.
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(100):
        challenger = np.cumsum(rng.binomial(250, 0.5, 20))
        looks = [split(interval, 250 * k - int(n), int(n), 0.5) for k, n in enumerate(challenger, start=1)]
        held += any(TRAFFIC_SPLIT(policy, look).outcome == "fail" for look in looks)
    assert held <= 3


def test_traffic_split__looks_at_the_present_step_alone(policy: ReleasePolicy, interval: Make) -> None:
    wrong = interval(1, 0.05, champion={"units": 2_000}, challenger={"units": 0})
    right = interval(2, 0.25, champion={"units": 1_500}, challenger={"units": 500})
    found = TRAFFIC_SPLIT(policy, Evidence(step=2, target_share=0.25, intervals=(wrong, right)))
    assert found.outcome == "pass"
