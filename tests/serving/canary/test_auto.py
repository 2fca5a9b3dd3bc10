"""The judge's loop over a whole release, with the rules that ship."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from serving.canary.requests import Request
from silencio.errors import ReleaseError
from silencio.release.record import ReleaseRecord
from tests.serving.canary.world import BEGAN_S, NEW, OLD, Place, quick_policy, replay

pytestmark = pytest.mark.usefixtures("without_fsync")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "release")


def _watch_until(place: Place, is_so: Callable[[ReleaseRecord], bool]) -> None:
    for _ in range(200):
        if is_so(place.watch(10.0)):
            return
    raise AssertionError(f"it never came to that: {place.messages}")


def request(command: str, reason: str = "because") -> Request:
    return Request(command=command, by="ana", reason=reason, release_id="r1", written_at="2026-11-30T07:00:00+00:00")


def test_auto__walks_an_equal_bundle_to_promoted(place: Place) -> None:
    place.begin()
    record = place.auto()
    assert record.state == "promoted"
    assert place.route.to(NEW) == 100.0
    assert place.registry.champion == NEW
    assert record.outstanding == ()
    shares = [share for share in place.route.shares_seen if share]
    assert list(dict.fromkeys(shares)) == [5.0, 10.0, 25.0, 50.0, 100.0]
    assert shares == sorted(shares), "no share is ever lowered on the way"
    assert [event.state for event in record.history] == ["dark", *["step"] * 5, "baking", "promoted"]


def test_auto__keeps_the_champion_warm_through_the_bake_and_its_alias_until_the_end(place: Place) -> None:
    place.begin(quick_policy(bake_s=1_000.0))
    _watch_until(place, lambda record: record.state == "baking")
    assert place.route.retired == [] and place.registry.champion == OLD
    assert place.auto().state == "promoted"
    assert place.route.retired == [OLD] and place.registry.champion == NEW


@pytest.mark.parametrize("failing", [{NEW: 0.3}, {NEW: 1.0}])
def test_auto__rolls_a_failing_bundle_back_in_the_first_step(place: Place, failing: dict[str, float]) -> None:
    place.visitors.failing = failing
    place.begin()
    record = place.auto()
    assert (record.state, record.rule) == ("rolled_back", "errors")
    assert max(place.route.shares_seen) == 5.0
    assert place.route.to(OLD) == 100.0 and place.route.retired == [NEW]
    assert place.registry.champion == OLD and place.registry.states[-1] == "rolled_back"


def test_auto__rolls_back_during_the_bake(place: Place) -> None:
    place.begin(quick_policy(bake_s=2_000.0))
    _watch_until(place, lambda record: record.state == "baking")
    place.visitors.failing = {NEW: 1.0}
    record = place.auto()
    assert (record.state, record.rule) == ("rolled_back", "errors")
    assert place.route.to(OLD) == 100.0 and place.registry.champion == OLD


def test_auto__refuses_what_replay_shows_to_be_worse_before_any_visitor(place: Place) -> None:
    place.staging.replay = replay(90, n_wrong=60)
    place.begin()
    record = place.auto()
    assert (record.state, record.rule) == ("refused", "replay")
    assert place.visitors.counts[NEW].get("units", 0.0) == 0.0


def test_auto__refuses_before_any_visitor_what_staging_found(place: Place) -> None:
    place.staging.reasons = ["32 users at once: 4 of 200 requests failed"]
    place.begin()
    record = place.auto()
    assert (record.state, record.rule) == ("refused", "reachability")
    assert "32 users" in record.why and set(place.route.shares_seen) == {0.0}


def test_auto__holds_where_staging_cannot_be_done(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(record: ReleaseRecord) -> None:
        raise ReleaseError("the challenger does not answer")

    monkeypatch.setattr(place.staging, "run", fail)
    place.begin()
    record = place.auto()
    assert record.state == "held" and "does not answer" in record.why
    assert place.clock.now - BEGAN_S >= 3_000.0
    monkeypatch.undo()
    place.store.put(request("resume"))
    assert place.watch(60.0).state == "step"


def test_auto__refuses_a_bundle_that_gives_other_numbers(place: Place) -> None:
    place.staging.passes_parity = False
    place.begin()
    assert place.auto().state == "refused"
    assert place.staging.n_runs == 0


def test_auto__counts_nothing_while_a_share_settles(place: Place) -> None:
    place.begin(quick_policy(settle_s=100.0))
    place.visitors.failing = {NEW: 1.0}
    _watch_until(place, lambda record: record.state == "step")
    record = place.watch(90.0)
    assert place.visitors.counts[NEW]["failed_units"] > 5
    assert [one for one in record.intervals if not one["simulated"]] == []
    assert place.watch(60.0).state == "rolled_back"


def test_auto__holds_without_traffic_at_max_s(place: Place) -> None:
    place.visitors.units_per_s = 0.0
    place.begin()
    record = place.auto()
    assert record.state == "held" and record.share_percent == 5.0
    assert place.clock.now - BEGAN_S >= 3_000.0


def test_auto__holds_where_traffic_stops_at_25_percent(place: Place) -> None:
    place.begin()
    _watch_until(place, lambda record: record.share_percent >= 25.0)
    place.visitors.units_per_s = 0.0
    record = place.auto()
    assert record.state == "held" and record.share_percent == 25.0
    assert max(place.route.shares_seen) == 25.0


def test_auto__advances_nothing_while_blind_and_returns_to_zero_without_a_verdict(place: Place) -> None:
    place.begin()
    _watch_until(place, lambda record: record.share_percent >= 10.0)
    place.visitors.is_readable = False
    blind_from = place.clock.now
    place.watch(250.0)
    assert place.route.to(NEW) == 10.0
    record = place.auto()
    assert record.state == "held" and record.rule is None and "says nothing of the bundle" in record.why
    assert place.route.to(OLD) == 100.0
    assert 300.0 <= place.clock.now - blind_from <= 330.0


def test_auto__goes_on_from_where_it_was_blind_when_a_person_resumes(place: Place) -> None:
    place.begin()
    _watch_until(place, lambda record: record.share_percent >= 10.0)
    place.visitors.is_readable = False
    place.auto()
    place.visitors.is_readable = True
    assert place.watch(100.0).state == "held", "a person goes on, not the judge"
    place.store.put(request("resume"))
    record = place.watch(30.0)
    assert (record.state, record.share_percent) == ("step", 10.0)
    assert place.auto().state == "promoted"


def test_auto__short_blindness_changes_nothing(place: Place) -> None:
    place.begin()
    place.clock.at(100.0, lambda: setattr(place.visitors, "is_readable", False))
    place.clock.at(160.0, lambda: setattr(place.visitors, "is_readable", True))
    assert place.auto().state == "promoted"


def test_auto__holds_where_both_arms_fail(place: Place) -> None:
    place.visitors.failing = {NEW: 0.3, OLD: 0.3}
    place.begin()
    record = place.auto()
    assert record.state == "held"
    assert "Both fail" in record.why


def test_auto__does_not_count_a_restart_as_less_than_nothing(place: Place) -> None:
    place.begin()
    _watch_until(place, lambda record: record.share_percent >= 25.0)
    place.visitors.restart(NEW)
    record = place.watch(60.0)
    counts = [one["challenger"]["requests"] for one in record.intervals if one["step"] == 3]
    assert counts and all(n >= 0 for n in counts)
    assert place.auto().state == "promoted"


def test_auto__rolls_back_a_challenger_that_died(place: Place) -> None:
    """Out of memory at 25 %: 0 % within two looks."""
    place.begin()
    _watch_until(place, lambda record: record.share_percent >= 25.0)
    place.route.challenger_ready, place.route.restarts = False, 1
    record = place.watch(20.0)
    assert (record.state, record.rule) == ("rolled_back", "reachability")


def test_auto__holds_on_a_foreign_edit_and_sets_it_again_when_resumed(place: Place) -> None:
    place.begin()
    _watch_until(place, lambda record: record.share_percent >= 25.0)
    place.route._edit(share=80.0)
    record = place.auto()
    assert record.state == "held" and "somebody else changed the route" in record.why and "80" in record.why
    assert place.route.to(NEW) == 80.0, "what somebody decided is not overruled"
    place.store.put(request("resume"))
    assert place.watch(30.0).share_percent == 25.0
    assert place.route.to(NEW) == 25.0


@pytest.mark.parametrize("is_settled", [True, False], ids=["settled", "while it moves"])
def test_auto__holds_where_a_stranger_serves(place: Place, is_settled: bool) -> None:
    """Also while pods are made anew for it: what failed is not the bundle."""
    place.begin()
    _watch_until(place, lambda record: record.share_percent >= 5.0)
    place.route._edit(challenger="c" * 64)
    place.route.is_settled = is_settled
    record = place.auto()
    assert record.state == "held" and "c" * 64 in record.why


def test_auto__mlflow_that_is_away_stops_no_rollback_and_is_caught_up(place: Place) -> None:
    place.registry.is_away = True
    place.visitors.failing = {NEW: 0.5}
    place.begin()
    record = place.auto()
    assert record.state == "rolled_back" and record.outstanding == ("note",)
    place.registry.is_away = False
    assert place.watch(10.0).outstanding == ()
    assert place.registry.states == ["rolled_back"]


def test_auto__moves_the_alias_when_mlflow_is_back(place: Place) -> None:
    place.begin()
    place.registry.is_away = True
    record = place.auto()
    assert record.state == "promoted" and record.outstanding == ("move_champion", "note")
    assert place.registry.champion == OLD
    place.registry.is_away = False
    assert place.watch(10.0).outstanding == () and place.registry.champion == NEW


def test_auto__gives_up_a_share_that_the_route_never_confirms(place: Place) -> None:
    place.begin()
    place.clock.at(60.0, lambda: setattr(place.route, "is_settled", False))
    record = place.watch(700.0)
    assert record.state in ("dark", "step")
    place.route.is_settled = True
    assert place.auto().has_ended


@pytest.mark.parametrize(("command", "state"), [("abort", "aborted"), ("rollback", "rolled_back")])
def test_auto__does_what_a_person_asks_at_the_next_look(place: Place, command: str, state: str) -> None:
    place.begin()
    _watch_until(place, lambda record: record.share_percent >= 10.0)
    place.store.put(request(command))
    record = place.watch(10.0)
    assert record.state == state and place.route.to(OLD) == 100.0
    assert record.history[-1].by == "ana"
    assert place.store.pending() == []


def test_auto__pauses_and_watches_on(place: Place) -> None:
    place.begin()
    _watch_until(place, lambda record: record.share_percent >= 10.0)
    place.store.put(request("pause"))
    assert place.watch(500.0).state == "held"
    assert place.route.to(NEW) == 10.0
    place.visitors.failing = {NEW: 0.5}
    assert place.watch(300.0).state == "rolled_back", "visitors are still there, and so is the judge"


def test_auto__a_person_approves_what_is_inconclusive(place: Place) -> None:
    place.staging.replay = replay(20)
    place.begin()
    record = place.auto()
    assert (record.state, record.rule) == ("held", "replay")
    place.store.put(request("approve", "twenty are enough for this reserve"))
    record = place.watch(10.0)
    assert place.auto().state == "promoted"
    assert "hold:replay" in record.approvals


def test_auto__asks_a_person_before_an_increase(place: Place) -> None:
    place.begin(quick_policy(confirm_increase=[25.0]))
    record = place.watch(1_500.0)
    assert (record.state, record.share_percent) == ("step", 10.0)
    place.store.put(request("approve"))
    assert place.auto().state == "promoted"


def test_auto__advance_goes_one_step_without_waiting(place: Place) -> None:
    place.visitors.units_per_s = 0.0
    place.begin()
    _watch_until(place, lambda record: record.share_percent >= 5.0)
    place.store.put(request("advance", "the champion is on fire"))
    assert place.watch(10.0).share_percent == 10.0


def test_auto__refuses_a_command_that_does_not_fit_and_says_so(place: Place) -> None:
    place.begin()
    _watch_until(place, lambda record: record.share_percent >= 5.0)
    place.store.put(request("promote"))
    record = place.watch(10.0)
    assert record.share_percent == 5.0 and place.store.pending() == []
    assert any("bake" in message for message in place.messages)


def test_auto__leaves_requests_of_another_release_undone(place: Place) -> None:
    place.begin(release_id="r2")
    place.store.put(request("abort"))
    assert place.watch(10.0).state != "aborted"
    assert place.store.pending() == []
