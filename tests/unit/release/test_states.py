"""Which state may follow on which, and what a record keeps of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import pytest

from silencio.errors import ReleaseRefusedError
from silencio.release.decision import Decision
from silencio.release.record import ENDED, ReleaseRecord, State
from silencio.release.states import (
    TRANSITIONS,
    abort,
    approve,
    check_transition,
    confirm,
    drop,
    intend,
    pause,
    resume,
    roll_back,
    supersede,
)

NOW = "2026-01-01T00:00:00Z"
STATES: tuple[State, ...] = get_args(State)
Make = Callable[..., ReleaseRecord]
# Every state that may follow, with its step and share, from a record as `at` makes it.
ALLOWED = {
    "staged": {("dark", 0, 0.0), ("refused", 0, 0.0)},
    "dark": {("step", 1, 5.0), ("refused", 0, 0.0)},
    "step 2": {("step", 3, 25.0), ("rolled_back", 2, 0.0), ("held", 2, 10.0)},
    "step 5": {("baking", 5, 100.0), ("rolled_back", 5, 0.0), ("held", 5, 100.0)},
    "baking": {("promoted", 5, 100.0), ("rolled_back", 5, 0.0), ("held", 5, 100.0)},
    "held in step 2": {("step", 2, 10.0), ("rolled_back", 2, 0.0), ("held", 2, 10.0)},
    "held in dark": {("dark", 0, 0.0), ("refused", 0, 0.0)},
    **{state: set() for state in sorted(ENDED)},
}


def at(record: Make, where: str) -> ReleaseRecord:
    if where.startswith("held"):
        step = 2 if "step" in where else 0
        return record("held", step, held_from="step" if step else "dark", share_percent=10.0 if step else 0.0)
    state, _, step = where.partition(" ")
    return record(state, int(step or (5 if state == "baking" else 0)))


@pytest.mark.parametrize("where", ALLOWED)
def test_check_transition__allows_these_and_refuses_every_other_by_a_sentence(record: Make, where: str) -> None:
    now = at(record, where)
    always = set() if now.has_ended else {(end, now.step, 0.0) for end in ("held", "aborted", "superseded")}
    allowed = ALLOWED[where] | always
    shares = (0.0, 5.0, 10.0, 25.0, 50.0, 100.0)
    for target in STATES:
        for step in range(-1, 8):
            for share in shares:
                if (target, step, share) in allowed:
                    check_transition(now, target, step, share)
                else:
                    with pytest.raises(ReleaseRefusedError, match=rf"release {now.release_id}"):
                        check_transition(now, target, step, share)


def test_check_transition__beyond_the_last_step_says_which_steps_there_are(record: Make) -> None:
    with pytest.raises(ReleaseRefusedError, match="has the steps 1 to 5: there is no step 6"):
        check_transition(record("step", 5), "step", 6, 100.0)


def test_transitions__know_every_state() -> None:
    assert set(TRANSITIONS) == set(STATES)
    assert all(not TRANSITIONS[state] for state in sorted(ENDED))


def advance(step: int, share: float, why: str = "All pass.") -> Decision:
    return Decision("advance", "step", step, share, why)


def test_intend__writes_down_what_will_be_done_and_confirm_that_it_was(record: Make) -> None:
    before = record("step", 1, share_percent=5.0)
    begun = intend(before, advance(2, 10.0), written_at=NOW, fencing_token=7, route_generation="41")
    assert (begun.state, begun.step, begun.share_percent) == ("step", 1, 5.0)
    assert begun.intention is not None
    assert (begun.intention.target, begun.intention.step, begun.intention.share_percent) == ("step", 2, 10.0)
    assert (begun.intention.fencing_token, begun.intention.route_generation) == (7, "41")
    done = confirm(begun, at="later", by="judge")
    assert (done.state, done.step, done.share_percent, done.step_began_at) == ("step", 2, 10.0, "later")
    assert done.intention is None
    assert [(event.state, event.share_percent, event.by) for event in done.history] == [("step", 10.0, "judge")]
    assert before.history == ()


def test_intend__again_is_the_same_and_confirm_again_changes_nothing(record: Make) -> None:
    begun = intend(record("dark", 0), advance(1, 5.0), written_at=NOW)
    assert intend(begun, advance(1, 5.0), written_at=NOW) == begun
    done = confirm(begun, at=NOW, by="judge")
    assert confirm(done, at="later", by="judge") == done


def test_intend__of_something_else_while_one_thing_is_begun_is_refused_unless_it_takes_visitors_away(
    record: Make,
) -> None:
    begun = intend(record("step", 5), Decision("bake", "baking", 5, 100.0, "All pass."), written_at=NOW)
    held = intend(begun, Decision("hold", "held", 5, 100.0, "Look."), written_at=NOW)
    assert held.intention is not None
    assert held.intention.target == "held"
    back = intend(begun, roll_back(begun, by="ada", reason="now"), written_at=NOW)
    assert confirm(back, at=NOW, by="ada").state == "rolled_back"
    rolling = intend(record("step", 1), Decision("roll_back", "rolled_back", 1, 0.0, "Fails."), written_at=NOW)
    with pytest.raises(ReleaseRefusedError, match="on its way to rolled_back"):
        intend(rolling, advance(2, 10.0), written_at=NOW)


def test_intend__of_what_changes_nothing_is_refused(record: Make) -> None:
    with pytest.raises(ReleaseRefusedError, match="changes nothing"):
        intend(record("step", 1), Decision("stay", "step", 1, 5.0, "Waits."), written_at=NOW)


def test_drop__forgets_what_was_not_done(record: Make) -> None:
    begun = intend(record("step", 1), advance(2, 10.0), written_at=NOW)
    assert drop(begun) == record("step", 1)


def test_pause_and_resume__lead_back_to_where_it_was(record: Make) -> None:
    before = record("step", 3)
    paused = confirm(intend(before, pause(before, by="ada", reason="fog"), written_at=NOW), at=NOW, by="ada")
    assert (paused.state, paused.held_from, paused.share_percent, paused.step) == ("held", "step", 25.0, 3)
    assert "fog" in paused.why
    again = confirm(intend(paused, resume(paused, by="ada", reason="sun"), written_at=NOW), at=NOW, by="ada")
    assert (again.state, again.held_from, again.share_percent, again.step) == ("step", None, 25.0, 3)


def test_resume__gives_back_the_share_that_blindness_took(record: Make) -> None:
    blind = record("held", 3, held_from="step", share_percent=0.0)
    decision = resume(blind, by="ada", reason="Prometheus is back")
    assert (decision.target, decision.step, decision.share_percent) == ("step", 3, 25.0)
    baking = record("held", 5, held_from="baking", share_percent=0.0)
    assert resume(baking, by="ada", reason="x").share_percent == 100.0


def test_held__that_loses_its_visitors_remembers_where_it_came_from(record: Make) -> None:
    held = record("held", 3, held_from="step", share_percent=25.0)
    back = confirm(
        intend(held, Decision("return_to_zero", "held", 3, 0.0, "Blind."), written_at=NOW), at=NOW, by="judge"
    )
    assert (back.state, back.held_from, back.share_percent) == ("held", "step", 0.0)


def test_resume__of_what_is_not_held_and_pause_of_what_is_are_refused(record: Make) -> None:
    with pytest.raises(ReleaseRefusedError, match="not held"):
        resume(record("step", 1), by="ada", reason="x")
    with pytest.raises(ReleaseRefusedError, match="held already"):
        pause(record("held", 1, held_from="step"), by="ada", reason="x")


@pytest.mark.parametrize("state", sorted(ENDED))
def test_ended__allows_no_command(record: Make, state: str) -> None:
    ended = record(state, why="it was so")
    for command in (pause, resume, roll_back, abort):
        with pytest.raises(ReleaseRefusedError, match="begin another release"):
            command(ended, by="ada", reason="x")
    with pytest.raises(ReleaseRefusedError, match="begin another release"):
        supersede(ended, by="ada", other="14")
    with pytest.raises(ReleaseRefusedError, match="nothing to approve"):
        approve(ended, "promotion", by="ada", reason="x", at=NOW)


@pytest.mark.parametrize(
    ("where", "target"),
    [
        ("staged", "refused"),
        ("dark", "refused"),
        ("step 2", "rolled_back"),
        ("baking", "rolled_back"),
        ("held in dark", "refused"),
        ("held in step 2", "rolled_back"),
    ],
)
def test_roll_back__by_a_person_is_possible_from_everywhere(record: Make, where: str, target: str) -> None:
    now = at(record, where)
    done = confirm(intend(now, roll_back(now, by="ada", reason="now"), written_at=NOW), at=NOW, by="ada")
    assert (done.state, done.share_percent) == (target, 0.0)


def test_roll_back__on_the_way_to_the_first_step_takes_back_what_may_have_been_given(record: Make) -> None:
    begun = intend(record("dark", 0), advance(1, 5.0), written_at=NOW)
    done = confirm(intend(begun, roll_back(begun, by="ada", reason="now"), written_at=NOW), at=NOW, by="ada")
    assert done.share_percent == 0.0
    assert done.state == "aborted"


@pytest.mark.parametrize("where", [where for where in ALLOWED if where not in ENDED])
def test_abort_and_supersede__end_a_release_without_a_verdict(record: Make, where: str) -> None:
    now = at(record, where)
    for decision, state in (
        (abort(now, by="ada", reason="x"), "aborted"),
        (supersede(now, by="ada", other="14"), "superseded"),
    ):
        done = confirm(intend(now, decision, written_at=NOW), at=NOW, by="ada")
        assert (done.state, done.share_percent, done.rule) == (state, 0.0, None)


def test_approve__opens_a_gate_by_name_and_remembers_by_whom_and_why(record: Make) -> None:
    done = approve(record("step", 2), "increase:25", by="ada", reason="looks well", at=NOW)
    assert done.approvals == {"increase:25": "ada"}
    assert "looks well" in done.history[-1].why
    for gate in ("increase:33", "hold:nothing", "everything"):
        with pytest.raises(ReleaseRefusedError, match="choose from increase:5"):
            approve(record("step", 2), gate, by="ada", reason="x", at=NOW)
    for by, reason in (("", "x"), ("ada", " ")):
        with pytest.raises(ReleaseRefusedError, match="name and a reason"):
            approve(record("step", 2), "promotion", by=by, reason=reason, at=NOW)
