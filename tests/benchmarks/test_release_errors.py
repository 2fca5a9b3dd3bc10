"""The made-up releases: a few of them anew, and what the kept thousands found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.proofs.release_errors import EQUAL, N_FIRST, N_RELEASES, WORLDS, page, upper_bound
from benchmarks.release_simulation import World, simulate
from silencio.release.policy import ReleasePolicy

ROOT = Path(__file__).parents[2]
KEPT = json.loads((ROOT / "benchmarks" / "results" / "proofs" / "release-errors.json").read_text(encoding="utf-8"))
FOUND = KEPT["result"]["worlds"]


def test_simulate__promotes_equal_bundles_and_finds_bad_ones() -> None:
    equal = simulate(World(looks_per_step=5), 8, seed=1)
    assert {ending.state for ending in equal} == {"promoted"}
    failing = simulate(World(challenger_failed=0.05), 10, seed=1)
    assert {ending.state for ending in failing} <= {"rolled_back", "refused"}
    assert {ending.rule for ending in failing} == {"errors"}
    slow = simulate(World(challenger_slow=0.3), 10, seed=1)
    assert {(ending.state, ending.rule) for ending in slow} <= {("rolled_back", "slow"), ("refused", "slow")}
    rejecting = simulate(World(challenger_rejected=0.2), 5, seed=1)
    assert {ending.rule for ending in rejecting} == {"rejections"}


def test_simulate__is_decided_by_the_rules_of_the_policy() -> None:
    policy = ReleasePolicy.shipped()
    loose = {name: one.model_copy(update={"dry_run": True}) for name, one in policy.rules.items() if name == "errors"}
    blind = policy.model_copy(update={"rules": {**policy.rules, **loose}})
    found = simulate(World(challenger_failed=0.2, looks_per_step=3), 3, seed=1, policy=blind)
    assert {ending.state for ending in found} == {"promoted"}
    more = policy.model_copy(update={"min_replay": World().replayed + 1})
    (held,) = simulate(World(), 1, seed=1, policy=more)
    assert (held.state, held.rule, held.step, held.visitors) == ("held", "replay", 0, 0)


@pytest.mark.parametrize(
    "world",
    [
        World(),
        World(challenger_failed=0.01, challenger_slow=0.1),
        World(champion_failed=0.008, challenger_failed=0.008, champion_slow=0.2, challenger_slow=0.2),
        World(storm_share=0.1, looks_per_step=6),
        World(sessions_per_step=125, replay_discordant=0.4, replayed=80),
    ],
)
def test_simulate__leaves_out_no_look_and_no_replay_that_could_end_a_release(world: World) -> None:
    assert simulate(world, 2, seed=3) == simulate(world, 2, seed=3, every_look=True)


def test_simulate__of_storms_that_both_arms_have_rolls_nothing_back() -> None:
    found = simulate(World(storm_share=0.3, looks_per_step=5), 10, seed=1)
    assert {ending.state for ending in found} <= {"held", "promoted"}


@pytest.mark.parametrize("name", WORLDS)
def test_result__is_what_the_code_finds_now(name: str) -> None:
    found = [[ending.state, ending.rule, ending.step] for ending in simulate(WORLDS[name], N_FIRST, seed=0)]
    assert found == FOUND[name]["first"]


@pytest.mark.parametrize("name", WORLDS)
def test_result__is_of_so_many_releases(name: str) -> None:
    assert sum(FOUND[name]["states"].values()) == N_RELEASES[name]


def test_result__of_equal_bundles_is_at_most_one_in_a_hundred_stopped_with_95_percent_confidence() -> None:
    assert N_RELEASES["equal"] >= 2_000
    assert WORLDS["equal"] == World()
    assert FOUND["equal"]["stopped_share_at_most"] <= 0.01
    states = [FOUND[name]["states"] for name in EQUAL]
    n = sum(sum(one.values()) for one in states)
    stopped = sum(one.get(state, 0) for one in states for state in ("rolled_back", "refused"))
    assert upper_bound(stopped, n) == pytest.approx(KEPT["result"]["all_equal"]["stopped_share_at_most"])
    assert upper_bound(stopped, n) <= 0.01


@pytest.mark.parametrize("name", ["failing", "slow"])
def test_result__of_bad_bundles_is_at_least_95_in_a_hundred_stopped(name: str) -> None:
    assert N_RELEASES[name] >= 2_000
    assert WORLDS[name].tide == World().tide > 0
    assert FOUND[name]["stopped_share"] >= 0.95


def test_result__of_one_session_in_twenty_failing_is_found_within_120_sessions_in_the_first_step() -> None:
    assert FOUND["failing"]["median_challenger_sessions"] <= 120
    assert FOUND["failing"]["stopped_by_end_of_first_step_share"] >= 0.95


def test_page__has_what_was_found() -> None:
    text = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    _, _, rest = text.partition("<!-- release-errors -->\n")
    table, _, _ = rest.partition("\n<!-- /release-errors -->")
    assert table.splitlines() == page(KEPT["result"])
    at_most = KEPT["result"]["all_equal"]["stopped_share_at_most"]
    assert f"at most {100 * at_most:.2f} % of equal bundles" in " ".join(text.split())


def test_upper_bound__is_clopper_and_pearsons() -> None:
    assert upper_bound(0, 2_000) == pytest.approx(1 - 0.05 ** (1 / 2_000))
    assert upper_bound(12, 2_000) < 0.01 < upper_bound(14, 2_000)
    assert upper_bound(5, 5) == 1.0
