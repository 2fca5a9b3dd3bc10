"""Pairs from shadow traffic: the same request, answered to a client by the one and to nobody by the other."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from silencio.errors import DataError
from silencio.prediction_log.rows import RecordingFacts, WindowRecord, as_table, window_records
from silencio.release.answers import SharedAnswers
from silencio.release.comparison import pairs_of
from silencio.release.evidence import SpeciesPair
from silencio.release.shadow import SHADOW_COLUMNS, ShadowAnswers, ShadowPairs, shadow_answers, shadow_pairs
from tests.unit.release.made_answers import SPEC, manifest

CHAMPION, CHALLENGER = manifest(("a", "b"), version="1"), manifest(("b", "a", "new"), version="2")
WHEN = datetime(2026, 11, 1, tzinfo=UTC)


def _rows(
    request: str, probabilities: list[list[float]], *, codes: tuple[str, ...] = ("a", "b"), **changed: Any
) -> list[Any]:
    values = np.array(probabilities, np.float32)
    known: dict[str, Any] = {"bundle_version": "1", "shadow": False, "recording": 0, **changed}
    facts = RecordingFacts(request_id=request, received_at=WHEN, bundle_name="s", spec_sha256="s", **known)
    starts = [5.0 * i for i in range(len(values))]
    return window_records(facts, starts, 5.0, codes, values, values >= 0.5, values < 0, {})


def _shadow(request: str, probabilities: list[list[float]], **changed: Any) -> list[Any]:
    known = {"bundle_version": "2", "shadow": True, "release_id": "R", **changed}
    return _rows(request, probabilities, codes=("b", "a", "new"), **known)


def _found(rows: list[Any], **options: Any) -> ShadowAnswers:
    return shadow_answers(as_table(rows), CHAMPION, CHALLENGER, **options)


def test_shadow__the_same_request_is_a_pair_over_shared_classes() -> None:
    rows = _rows("r1", [[0.9, 0.1], [0.1, 0.1]]) + _shadow("r1", [[0.1, 0.9, 0.9], [0.9, 0.1, 0.1]])
    pairs = shadow_pairs(as_table(rows), CHAMPION, CHALLENGER, release_id="R")
    assert pairs.disagreement.tolist() == [0.5]
    assert pairs.species == {"a": SpeciesPair(both=1), "b": SpeciesPair(only_challenger=1)}
    assert _found(rows).n_unpaired == 0


def test_shadow__rows_of_other_requests_are_no_pairs() -> None:
    found = _found(_rows("r1", [[0.9, 0.1]]) + _shadow("r2", [[0.1, 0.9, 0.1]]))
    assert (dict(found.champion.recordings), dict(found.challenger.recordings)) == ({}, {})
    assert found.n_unpaired == 1


def test_shadow__recordings_of_one_request_are_told_apart() -> None:
    rows = _rows("r1", [[0.9, 0.1]]) + _rows("r1", [[0.1, 0.9]], recording=1)
    rows += _shadow("r1", [[0.1, 0.9, 0.0]]) + _shadow("r1", [[0.9, 0.1, 0.0]], recording=1)
    found = _found(rows)
    assert pairs_of(SharedAnswers.of(found.champion, found.challenger)).disagreement.tolist() == [0.0, 0.0]


def test_shadow__windows_come_in_their_order_and_once() -> None:
    own, shadow = _rows("r1", [[0.9, 0.1], [0.1, 0.9]]), _shadow("r1", [[0.1, 0.9, 0.0], [0.9, 0.1, 0.0]])
    found = _found(own[::-1] + shadow + own)
    assert found.champion.recordings["r1-0"].starts_s.tolist() == [0.0, 5.0]
    assert pairs_of(SharedAnswers.of(found.champion, found.challenger)).disagreement.tolist() == [0.0]


def test_shadow__the_challengers_own_visitors_are_not_what_the_champion_answered() -> None:
    rows = _rows("r1", [[0.1, 0.9, 0.0]], codes=("b", "a", "new"), bundle_version="2") + _shadow("r1", [[0.1, 0.9, 0]])
    assert _found(rows).n_unpaired == 1


def test_shadow__of_a_bundle_against_itself_is_told_by_the_mark_alone() -> None:
    rows = _rows("r1", [[0.9, 0.1]]) + _rows("r1", [[0.1, 0.1]], shadow=True)
    found = shadow_answers(as_table(rows), CHAMPION, CHAMPION)
    assert pairs_of(SharedAnswers.of(found.champion, found.challenger)).disagreement.tolist() == [1.0]


def test_shadow__a_request_that_failed_on_one_side_is_no_pair_and_no_answer() -> None:
    def failed(request: str, **facts: Any) -> list[Any]:
        (row,) = _rows(request, [[0.9, 0.1]], status="503", **facts)
        return [WindowRecord(facts=row.facts)]

    rows = failed("r1", recording=None) + _shadow("r1", [[0.1, 0.9, 0.0]])
    rows += _rows("r2", [[0.9, 0.1]]) + failed("r2", shadow=True, bundle_version="2", release_id="R", recording=None)
    assert _found(rows).n_unpaired == 1
    assert _added(_growing(), rows) == []


def test_shadow__of_another_release_is_another_evidence() -> None:
    rows = _rows("r1", [[0.9, 0.1]]) + _shadow("r1", [[0.1, 0.9, 0.0]], release_id="before")
    assert list(_found(rows, release_id="before").champion.recordings) == ["r1-0"]
    assert dict(_found(rows, release_id="R").champion.recordings) == {}
    # On a cluster no proxy of ours names it, and the stretch that is read is the release's.
    nameless = _rows("r1", [[0.9, 0.1]]) + _shadow("r1", [[0.1, 0.9, 0.0]], release_id=None)
    assert list(_found(nameless, release_id="R").champion.recordings) == ["r1-0"]


def test_shadow__a_species_of_another_bundle_is_said() -> None:
    rows = _rows("r1", [[0.9, 0.1]], codes=("a", "x")) + _shadow("r1", [[0.1, 0.9, 0.0]])
    rows += _rows("r2", [[0.9, 0.9]], codes=("a", "x")) + _shadow("r2", [[0.1, 0.9, 0.0]])
    with pytest.raises(DataError, match="'x'"):
        _found(rows)
    with pytest.raises(DataError, match="'x'"):
        _growing().add(as_table(rows))


def test_shadow__an_empty_log_is_no_pair() -> None:
    found = shadow_answers(as_table([]).select(SHADOW_COLUMNS), CHAMPION, CHALLENGER)
    assert (dict(found.champion.recordings), found.n_unpaired) == ({}, 0)


def _growing(**options: Any) -> ShadowPairs:
    return ShadowPairs(CHAMPION, CHALLENGER, "R", **options)


def _added(pairs: ShadowPairs, *looks: list[Any]) -> list[float]:
    for rows in looks:
        pairs.add(as_table(rows).select(SHADOW_COLUMNS))
    return pairs.pairs.disagreement.tolist()


AGREE, DIFFER = [[0.1, 0.9, 0.0]], [[0.9, 0.1, 0.0]]


def test_growing__look_by_look_it_is_what_the_whole_log_gives() -> None:
    rows = [_rows(f"r{i}", [[0.9, 0.1]]) for i in range(4)]
    shadows = [_shadow(f"r{i}", DIFFER if i == 2 else AGREE) for i in range(4)]
    pairs = _growing()
    # The shadow first, the answer first, both at once, and a look without anything.
    looks = [shadows[0] + rows[1], rows[0] + shadows[1], [], rows[2] + shadows[2] + rows[3], shadows[3]]
    assert sorted(_added(pairs, *looks)) == [0.0, 0.0, 0.0, 1.0]
    whole = shadow_pairs(as_table([row for one in rows + shadows for row in one]), CHAMPION, CHALLENGER, release_id="R")
    assert pairs.pairs.species == whole.species
    assert pairs.pairs.top_probability is not None and pairs.pairs.top_probability.shape == (4, 2)


def test_growing__a_pair_counts_once_however_often_its_rows_come() -> None:
    both = _rows("r1", [[0.9, 0.1]]) + _shadow("r1", DIFFER)
    assert _added(_growing(), both, both) == [1.0]


def test_growing__a_recording_whose_last_window_is_in_the_next_file_waits_for_it() -> None:
    own = _rows("r1", [[0.9, 0.1], [0.1, 0.9]])
    shadow = _shadow("r1", [[0.1, 0.9, 0.0], [0.1, 0.1, 0.0]])
    pairs = _growing()
    assert _added(pairs, own + shadow[:1]) == []
    assert _added(pairs, shadow[1:]) == [0.5]


def test_growing__bundles_that_cut_windows_otherwise_are_compared_over_the_same_sound() -> None:
    other = manifest(("b", "a"), version="2", spec=SPEC.model_copy(update={"hop_s": 2.5}))
    pairs = ShadowPairs(CHAMPION, other, "R")
    own, shadow = _rows("r1", [[0.9, 0.1]] * 3), _shadow("r1", [[0.1, 0.9]] * 5)
    for place, row in enumerate(shadow):
        row.start_s, row.end_s = 2.5 * place, 2.5 * place + 5.0
    assert _added(pairs, own + shadow[:2]) == []
    assert _added(pairs, shadow[2:]) == [0.0]


def test_growing__requests_that_were_not_copied_are_forgotten_the_oldest_first() -> None:
    pairs = _growing(max_waiting_rows=2)
    waiting = [_rows(f"r{i}", [[0.9, 0.1]]) for i in range(4)]
    assert _added(pairs, *waiting, _shadow("r0", AGREE) + _shadow("r3", AGREE)) == [0.0]
    assert pairs._waiting is not None and len(pairs._waiting) <= 2


def test_growing__shadows_of_another_release_are_no_pairs() -> None:
    assert _added(_growing(), _rows("r1", [[0.9, 0.1]]) + _shadow("r1", DIFFER, release_id="before")) == []
