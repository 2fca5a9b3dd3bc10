"""The made-up releases: a few of them anew, and what the kept thousands found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.proofs.release_errors import EQUAL, N_FIRST, WORLDS, n_releases, upper_bound
from benchmarks.release_simulation import World, policy_of_users, simulate
from silencio.release.policy import ReleasePolicy

ROOT = Path(__file__).parents[2]
KEPT = json.loads((ROOT / "benchmarks" / "results" / "proofs" / "release-errors.json").read_text(encoding="utf-8"))
FOUND = KEPT["result"]["worlds"]


def test_simulate__promotes_equal_bundles_and_finds_bad_ones() -> None:
    equal = simulate(World(looks_per_step=5), 20, seed=1)
    assert {ending.state for ending in equal} == {"promoted"}
    failing = simulate(World(challenger_failed=0.05), 20, seed=1)
    assert {ending.state for ending in failing} <= {"rolled_back", "refused"}
    assert {ending.rule for ending in failing} == {"errors"}
    slow = simulate(World(challenger_slow=0.3), 20, seed=1)
    assert {(ending.state, ending.rule) for ending in slow} <= {("rolled_back", "slow"), ("refused", "slow")}


def test_simulate__is_decided_by_the_rules_of_the_policy() -> None:
    policy = policy_of_users()
    loose = {name: one.model_copy(update={"dry_run": True}) for name, one in policy.rules.items() if name == "errors"}
    blind = policy.model_copy(update={"rules": {**policy.rules, **loose}})
    found = simulate(World(challenger_failed=0.2, looks_per_step=3), 3, seed=1, policy=blind)
    assert {ending.state for ending in found} == {"promoted"}
    assert set(policy.rules) == set(ReleasePolicy.shipped().rules) - {"replay", "rejections"}


def test_simulate__of_storms_that_both_arms_have_rolls_nothing_back() -> None:
    found = simulate(World(storm_share=0.3, looks_per_step=5), 10, seed=1)
    assert {ending.state for ending in found} <= {"held", "promoted"}


@pytest.mark.parametrize("name", WORLDS)
def test_result__is_what_the_code_finds_now(name: str) -> None:
    found = [[ending.state, ending.rule, ending.step] for ending in simulate(WORLDS[name], N_FIRST, seed=0)]
    assert found == FOUND[name]["first"]


@pytest.mark.parametrize("name", EQUAL)
def test_result__of_equal_bundles_is_at_most_one_in_a_hundred_stopped_with_95_percent_confidence(name: str) -> None:
    assert sum(FOUND[name]["states"].values()) == n_releases(name) >= (2_000 if name == "equal" else 500)
    stopped = sum(FOUND[name]["states"].get(state, 0) for state in ("rolled_back", "refused"))
    assert upper_bound(stopped, n_releases(name)) == pytest.approx(FOUND[name]["stopped_share_at_most"])
    assert FOUND[name]["stopped_share_at_most"] <= 0.01


@pytest.mark.parametrize("name", ["failing", "slow"])
def test_result__of_bad_bundles_is_at_least_95_in_a_hundred_stopped(name: str) -> None:
    assert sum(FOUND[name]["states"].values()) == n_releases(name) == 2_000
    assert FOUND[name]["stopped_share"] >= 0.95


def test_result__of_one_session_in_twenty_failing_is_found_within_120_sessions_in_the_first_step() -> None:
    assert FOUND["failing"]["median_challenger_sessions"] <= 120
    assert FOUND["failing"]["stopped_by_end_of_first_step_share"] >= 0.95


def test_upper_bound__is_clopper_and_pearsons() -> None:
    assert upper_bound(0, 2_000) == pytest.approx(1 - 0.05 ** (1 / 2_000))
    assert upper_bound(12, 2_000) < 0.01 < upper_bound(14, 2_000)
    assert upper_bound(5, 5) == 1.0
