"""Releases that were carried out for real: what is kept of them is what has to be, under the policy that ships."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks.proofs.release import page
from benchmarks.releases.scenarios import SCENARIOS
from benchmarks.releases.sped_up import facts, sped_up, times_of
from benchmarks.releases.visitors import Visitors
from silencio.release.policy import ReleasePolicy

ROOT = Path(__file__).parents[2]
KEPT = json.loads((ROOT / "benchmarks" / "results" / "proofs" / "release.json").read_text(encoding="utf-8"))["result"]
FOUND: dict[str, dict[str, Any]] = KEPT["releases"]
BY_NAME = {one.name: one for one in SCENARIOS}


def ended(state: str) -> list[str]:
    return [name for name, one in FOUND.items() if one["state"] == state]


def test_sped_up__changes_times_alone() -> None:
    shipped = ReleasePolicy.shipped()
    faster = sped_up(shipped)
    assert times_of(faster) != times_of(shipped)
    times = {name for name in times_of(shipped) if name != "ready_s"}
    assert faster.model_dump(exclude=times | {"rules"}) == shipped.model_dump(exclude=times | {"rules"})
    rules, before = faster.model_dump()["rules"], shipped.model_dump()["rules"]
    assert rules.pop("reachability") | {"limit": 60.0} == before.pop("reachability")
    assert rules == before


def test_result__is_of_the_policy_that_ships() -> None:
    assert KEPT["policy"] == facts()


def test_result__has_every_release() -> None:
    assert set(FOUND) == set(BY_NAME)


@pytest.mark.parametrize("name", FOUND)
def test_release__ended_as_it_had_to(name: str) -> None:
    scenario, found = BY_NAME[name], FOUND[name]
    assert (found["state"], found["rule"]) == (scenario.ends, scenario.rule), found["why"]
    assert scenario.reason in found["why"]


@pytest.mark.parametrize("name", FOUND)
def test_release__no_request_failed_but_those_that_the_bad_bundle_failed(name: str) -> None:
    assert FOUND[name]["visitors"]["failed"]["of_others"] == 0
    if not BY_NAME[name].failing:
        assert FOUND[name]["visitors"]["failed"]["of_the_bundle"] == 0


@pytest.mark.parametrize("name", ended("refused"))
def test_refused__before_any_visitor_met_it(name: str) -> None:
    assert FOUND[name]["challenger_units"] == 0
    assert {one["arm"] for one in FOUND[name]["visitors"]["statuses"]} == {"champion"}


@pytest.mark.parametrize("name", ended("promoted"))
def test_promoted__by_every_step_and_no_session_left_the_challenger(name: str) -> None:
    shares = [one["share_percent"] for one in FOUND[name]["history"]]
    assert sorted(set(shares)) == ReleasePolicy.shipped().steps
    assert shares == sorted(shares)
    sessions = FOUND[name]["visitors"]["sessions_that_came_again"]
    assert sessions["met_the_challenger"] > 0
    assert (sessions["left_it"], sessions["came_back_to_it"]) == (0, 0)


@pytest.mark.parametrize("name", ended("rolled_back"))
def test_rolled_back__every_session_is_with_the_champion_again(name: str) -> None:
    sessions = FOUND[name]["visitors"]["sessions_that_came_again"]
    assert (sessions["with_it_at_the_end"], sessions["came_back_to_it"]) == (0, 0)


@pytest.mark.parametrize("name", [name for name in FOUND if name.startswith("d-")])
def test_failing__is_found_in_the_first_step(name: str) -> None:
    assert FOUND[name]["last_share_percent"] == ReleasePolicy.shipped().steps[1]
    assert FOUND[name]["visitors"]["failed"]["of_the_bundle"] > 0


def test_failing__is_found_within_120_sessions_at_the_median() -> None:
    assert KEPT["units_until_a_failing_one_is_found"]["median"] <= 120


@pytest.mark.parametrize("name", [name for name in FOUND if name.startswith("k-")])
def test_blind__waits_where_it_is_and_goes_back_without_a_verdict(name: str) -> None:
    assert FOUND[name]["facts"]["share_while_blind"] == 5.0
    assert [one["share_percent"] for one in FOUND[name]["history"]][-2:] == [5.0, 0.0]


def test_blind__by_numbers_that_are_none() -> None:
    assert "says nan" in FOUND["k-nan"]["facts"]["message"]


def test_killed_challenger__gets_nobody_any_more_within_two_looks() -> None:
    assert FOUND["m"]["facts"]["share_when_killed"] == 25.0
    assert 1 <= FOUND["m"]["facts"]["looks_until_0_percent"] <= 2


def test_restart__loses_no_failure_and_counts_nothing_negative() -> None:
    found = FOUND["p"]["facts"]
    assert found["status_of_the_first_failure"] == 500
    assert found["failed_units_before_the_restart"] == found["failed_units_after_the_restart"] == 1
    assert found["smallest_count"] == 0


def test_killed_auto__goes_on_from_every_place_and_nobody_else_acts_meanwhile() -> None:
    found = FOUND["e"]["facts"]
    killed = found["killed_at"]
    assert {one["by_signal"] for one in killed.values()} == {9}
    assert killed["set_share:1:before"]["intention_percent"] == 25.0
    assert killed["set_share:1:after"]["intention_percent"] is not None
    assert "move_champion" in killed["move_champion:1:before"]["outstanding"]
    assert "move_champion" in killed["move_champion:1:after"]["outstanding"]
    assert found["second_auto"] == {"status": 1, "is_refused_by_the_lease": True}
    assert found["aliases"] == {"champion": "another-seed", "previous": "champion"}


def test_result__names_no_place_of_the_machine_that_ran_it() -> None:
    assert not re.search(r"/(home|root|tmp|work)/", json.dumps(KEPT))


def test_page__has_what_was_found() -> None:
    text = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    _, _, rest = text.partition("<!-- release -->\n")
    table, _, _ = rest.partition("\n<!-- /release -->")
    assert table.splitlines() == page(KEPT)


def test_visitors__tell_the_bundles_own_failures_from_all_others() -> None:
    visitors = Visitors("http://127.0.0.1:1")
    visitors.statuses.update({("challenger", True, 500): 3, ("challenger", False, 502): 2, ("champion", True, 200): 9})
    visitors.statuses["", False, 0] = 1
    assert visitors.failures(["challenger"], loud_only=True) == {"of_the_bundle": 3, "of_others": 3}
    assert visitors.failures(["challenger"], loud_only=False) == {"of_the_bundle": 5, "of_others": 1}
    assert visitors.failures([], loud_only=False) == {"of_the_bundle": 0, "of_others": 6}


def test_visitors__tell_who_left_and_who_came_back() -> None:
    visitors = Visitors("http://127.0.0.1:1")
    visitors.arms = {
        "a": ["champion", "challenger", "challenger"],
        "b": ["challenger", "champion"],
        "c": ["challenger", "champion", "challenger"],
        "d": ["champion", ""],
    }
    assert visitors.sessions() == {
        "n_sessions": 4,
        "met_the_challenger": 3,
        "left_it": 2,
        "came_back_to_it": 1,
        "with_it_at_the_end": 2,
    }
