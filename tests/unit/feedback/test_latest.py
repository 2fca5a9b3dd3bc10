"""Which judgements hold."""

from __future__ import annotations

from random import Random

import pytest

from silencio.errors import DataError
from silencio.feedback import Held, held_judgements, verdicts
from tests.unit.feedback.made_judgements import WINDOW, judgement

DETECTED = {WINDOW: ("houspa", "grekis")}


def test_held__a_chain_ends_in_its_last_row() -> None:
    rows = [
        judgement(1),
        judgement(2, "absent", replaces_id="j1", reviewer_key="bo"),
        judgement(3, "unsure", replaces_id="j2", reviewer_key="cy"),
    ]
    Random(0).shuffle(rows)
    assert [one.id for one in held_judgements(rows)] == ["j3"]


def test_held__an_undone_row_does_not_come_back_with_its_successors_end() -> None:
    # The third replaces the second by another species: nothing is left of the first about houspa.
    rows = [judgement(1), judgement(2, "absent", replaces_id="j1"), judgement(3, code="grekis", replaces_id="j2")]
    assert verdicts(rows, DETECTED) == {(WINDOW, "grekis"): Held("present", False, 1)}


def test_held__what_an_erased_row_was_replaced_by_holds() -> None:
    assert [one.id for one in held_judgements([judgement(2, replaces_id="erased")])] == ["j2"]


def test_held__of_one_reviewer_the_later_row_holds_whatever_the_order() -> None:
    rows = [judgement(2, "absent"), judgement(1)]
    assert [one.id for one in held_judgements(rows)] == ["j2"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([judgement(1), judgement(1, "absent")], "two judgements have the id j1"),
        ([judgement(1, replaces_id="j2"), judgement(2, replaces_id="j1")], "circle"),
        ([judgement(1), judgement(2, replaces_id="j1", detection_or_window_id="other:0")], "which is of r1-0:3"),
    ],
)
def test_held__rows_that_contradict_each_other_are_refused(rows: list, message: str) -> None:
    with pytest.raises(DataError, match=message):
        held_judgements(rows)


def test_held__the_same_row_twice_is_one() -> None:
    assert held_judgements([judgement(1), judgement(1)]) == [judgement(1)]


def test_verdicts__a_star_is_of_all_detected_and_a_named_species_goes_before_it() -> None:
    found = verdicts([judgement(1, "absent"), judgement(2, "present", code="*")], DETECTED)
    assert {code: held.verdict for (_, code), held in found.items()} == {"houspa": "absent", "grekis": "present"}


def test_verdicts__complete_makes_what_is_not_named_absent() -> None:
    found = verdicts([judgement(1, complete=True)], DETECTED)
    assert found == {(WINDOW, "houspa"): Held("present", True, 1), (WINDOW, "grekis"): Held("absent", True, 1)}
    assert (WINDOW, "grekis") not in verdicts([judgement(1)], DETECTED)


def test_verdicts__something_else_makes_nothing_absent() -> None:
    assert list(verdicts([judgement(1, code="?")], DETECTED)) == [(WINDOW, "?")]


@pytest.mark.parametrize(
    ("votes", "expected"),
    [
        ((("present", "ana", "reviewer"), ("absent", "bo", "reviewer")), Held("unsure", False, 2)),
        (
            (("present", "ana", "reviewer"), ("absent", "bo", "reviewer"), ("absent", "cy", "admin")),
            Held("absent", False, 3),
        ),
        # Ten guests do not outweigh one reviewer.
        (
            (("absent", "ana", "reviewer"), *(("present", f"guest{n}", "app") for n in range(10))),
            Held("absent", False, 1),
        ),
        ((("present", "guest", "app"),), Held("present", False, 1)),
        ((("unsure", "ana", "reviewer"), ("present", "bo", "reviewer")), Held("present", False, 2)),
        ((("unsure", "ana", "reviewer"),), Held("unsure", False, 1)),
    ],
)
def test_verdicts__of_several_people(votes: tuple, expected: Held) -> None:
    rows = [
        judgement(number, verdict, reviewer_key=key, role=role) for number, (verdict, key, role) in enumerate(votes)
    ]
    assert verdicts(rows, DETECTED) == {(WINDOW, "houspa"): expected}


def test_verdicts__bad_audio_is_of_every_species() -> None:
    found = verdicts([judgement(1, "bad_audio", code="*")], DETECTED)
    assert {held.verdict for held in found.values()} == {"bad_audio"} and len(found) == 2
