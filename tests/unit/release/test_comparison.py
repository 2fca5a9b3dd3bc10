"""From answers to evidence: pairs, replay, flips, churn, the species table, and where the two differ most."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from silencio.errors import ReleaseError
from silencio.evaluation.simultaneous import compare_paired
from silencio.release.answers import SharedAnswers
from silencio.release.comparison import (
    AnswerComparison,
    NegativeFlip,
    churn,
    compare_answers,
    largest_disagreements,
    negative_flips,
    pairs_of,
    replay_of,
    species_table,
)
from silencio.release.comparison_file import comparison_facts, comparison_of
from silencio.release.evidence import ClassChange, Replay, SpeciesPair
from tests.unit.release.made_answers import answer, answers, manifest

CODES = ("a", "b")
CHAMPION = answers(CODES, one=[[0.9, 0.2]], two=[[0.2, 0.9]], three=[[0.9, 0.6]])
CHALLENGER = answers(CODES, one=[[0.9, 0.2]], two=[[0.6, 0.4]], three=[[0.4, 0.9]])
LABELS = {"one": "a", "two": "b", "three": "b"}


def _shared(**changed: Any) -> SharedAnswers:
    return SharedAnswers.of(changed.get("champion", CHAMPION), changed.get("challenger", CHALLENGER))


# Pairs


def test_pairs__of_a_bundle_and_itself_agree_in_everything() -> None:
    pairs = pairs_of(_shared(challenger=CHAMPION))
    assert pairs.disagreement.tolist() == [0.0, 0.0, 0.0]
    assert all(one.only_champion == one.only_challenger == 0 for one in pairs.species.values())
    assert pairs.top_probability is not None
    assert (pairs.top_probability[:, 0] == pairs.top_probability[:, 1]).all()


def test_pairs__count_recordings_by_who_detects_the_species() -> None:
    assert pairs_of(_shared()).species == {
        "a": SpeciesPair(both=1, only_champion=1, only_challenger=1),
        "b": SpeciesPair(both=1, only_champion=1),
    }


def test_pairs__a_new_species_is_no_disagreement_and_has_no_pair() -> None:
    challenger = answers(("a", "b", "new"), one=[[0.9, 0.2, 0.99]])
    pairs = pairs_of(_shared(challenger=challenger))
    assert pairs.disagreement.tolist() == [0.0]
    assert set(pairs.species) == {"a", "b"}
    # How sure a bundle is, it is of all that it knows.
    assert pairs.top_probability == pytest.approx(np.array([[0.9, 0.99]]))


def test_pairs__a_recording_is_detected_in_by_any_of_its_windows() -> None:
    champion = answers(("a",), long=[[0.1], [0.9], [0.9]])
    pairs = pairs_of(_shared(champion=champion, challenger=answers(("a",), long=[[0.9], [0.1], [0.1]])))
    assert pairs.species["a"] == SpeciesPair(both=1)
    assert pairs.disagreement.tolist() == [1.0]


# Replay


def test_replay__right_is_whose_most_probable_species_is_the_label() -> None:
    replay = replay_of(_shared(), LABELS)
    assert replay.recordings == ("one", "two", "three")
    assert replay.champion_right.tolist() == [1, 1, 0]
    assert replay.challenger_right.tolist() == [1, 0, 1]
    assert replay.champion_named == ("a", "b", "a")


def test_replay__a_recordings_score_is_the_mean_of_its_windows() -> None:
    # The loudest window is of b, most of them are of a.
    champion = answers(CODES, r=[[0.6, 0.1], [0.6, 0.1], [0.1, 0.95]])
    replay = replay_of(_shared(champion=champion, challenger=champion), {"r": "a"})
    assert replay.champion_right.tolist() == [1]


def test_replay__labels_that_one_of_them_does_not_know_are_left_out() -> None:
    challenger = answers(("a", "new"), one=[[0.9, 0.1]], two=[[0.1, 0.9]], three=[[0.9, 0.1]])
    replay = replay_of(_shared(challenger=challenger), {"one": "a", "two": "new", "three": "b"})
    assert replay.recordings == ("one",)


def test_replay__a_new_species_that_is_named_for_a_known_one_is_a_fault() -> None:
    # What a visitor gets is of all classes: new ones that draw recordings to them make the challenger worse.
    challenger = answers(("a", "b", "new"), one=[[0.5, 0.1, 0.9]])
    replay = replay_of(_shared(challenger=challenger), {"one": "a"})
    assert (replay.champion_right.tolist(), replay.challenger_right.tolist()) == ([1], [0])
    assert replay.challenger_named == ("new",)


def test_replay__slices_are_by_name_and_follow_what_is_left_in() -> None:
    slices = {"night": {"three": True, "one": False, "gone": True}}
    replay = replay_of(_shared(), {"one": "a", "three": "b"}, slices)
    assert replay.slices["night"].tolist() == [False, True]


def _made(n_aves: int, n_amphibia: int, lost: int, won: int) -> tuple[Replay, dict[str, str]]:
    """Aves of which the challenger wins some, Amphibia of which it loses some."""
    codes, labels, champion, challenger, is_amphibia = ("bird", "frog"), {}, {}, {}, {}
    for i in range(n_aves + n_amphibia):
        name, frog = f"r{i:03d}", i >= n_aves
        label, right, wrong = ("frog", [0.1, 0.9], [0.9, 0.1]) if frog else ("bird", [0.9, 0.1], [0.1, 0.9])
        champion[name] = [wrong if not frog and i < won else right]
        challenger[name] = [wrong if frog and i - n_aves < lost else right]
        labels[name], is_amphibia[name] = label, frog
    shared = SharedAnswers.of(answers(codes, **champion), answers(codes, **challenger))
    return replay_of(shared, labels, {"taxon class Amphibia": is_amphibia}), labels


def test_replay__better_overall_and_worse_on_amphibia_fails_by_the_slice() -> None:
    replay, _ = _made(n_aves=160, n_amphibia=40, lost=12, won=30)
    found = compare_paired(replay.champion_right, replay.challenger_right, replay.slices, alpha=0.002)
    assert found.all.difference == pytest.approx(0.09)
    assert (found.outcome, [one.name for one in found.worse]) == ("fail", ["taxon class Amphibia"])
    assert found.worse[0].difference == pytest.approx(-0.3)


def test_replay__classes_in_another_order_than_the_graphs_fail() -> None:
    # Made as a sealed bundle whose class list was shuffled would answer: good numbers under wrong names.
    rng = np.random.default_rng(0)
    codes = tuple("abcdefgh")
    truth = rng.integers(0, 8, 75)
    scores = {f"r{i:02d}": [np.eye(8)[one] * 0.8 + 0.1 * rng.random(8)] for i, one in enumerate(truth)}
    labels = {name: codes[one] for name, one in zip(scores, truth, strict=True)}
    shared = SharedAnswers.of(answers(codes, **scores), answers(codes[3:] + codes[:3], **scores))
    replay = replay_of(shared, labels)
    assert replay.champion_right.all()
    assert compare_paired(replay.champion_right, replay.challenger_right, {}, alpha=0.002).outcome == "fail"


# Flips and churn


def test_flips__are_right_before_and_wrong_now() -> None:
    assert negative_flips(replay_of(_shared(), LABELS)) == (
        NegativeFlip(recording="two", label="b", challenger_named="a"),
    )


def test_flips__of_recordings_without_names_cannot_be_listed() -> None:
    replay = Replay(champion_right=np.array([1], np.int8), challenger_right=np.array([0], np.int8))
    with pytest.raises(ReleaseError, match="names 0"):
        negative_flips(replay)


def test_churn__is_the_mean_of_both_directions() -> None:
    floor = churn(CHAMPION, CHALLENGER, LABELS)
    assert (floor.n_recordings, floor.negative_flips) == (3, 1.0)
    assert floor.negative_flip_share == pytest.approx(1 / 3)
    assert floor.disagreement == pytest.approx(2 / 3)
    assert churn(CHALLENGER, CHAMPION, LABELS) == floor
    assert churn(CHAMPION, CHAMPION, LABELS).negative_flips == 0.0


# The species table


def test_species__gained_gone_and_kept_with_both_thresholds() -> None:
    champion = answers(("a", "gone"), one=[[0.9, 0.9], [0.9, 0.1]])
    challenger = answers(("a", "new"), one=[[0.9, 0.9], [0.1, 0.1]])
    old, new = manifest(("a", "gone"), thresholds={"a": 0.3}), manifest(("a", "new"), thresholds={"a": 0.6})
    shared = SharedAnswers.of(champion, challenger)
    rows = {row.code: row for row in species_table(shared, pairs_of(shared), old, new)}
    assert {code: row.status for code, row in rows.items()} == {"a": "both", "gone": "gone", "new": "new"}
    assert (rows["a"].champion_threshold, rows["a"].challenger_threshold) == (0.3, 0.6)
    assert (rows["gone"].only_champion, rows["gone"].challenger_detections_a_day) == (1, None)
    assert (rows["new"].only_challenger, rows["new"].champion_threshold) == (1, None)
    assert rows["a"].common_name == "the a"


def test_species__detections_a_day_are_of_the_sound_that_both_answered() -> None:
    # Ten seconds with two songs apart: a day of such sound has 17,280.
    champion = answers(("a",), r=answer([[0.9], [0.1], [0.9], [0.1]], window_s=2.5), only_here=[[0.9]])
    challenger = answers(("a",), r=answer([[0.9], [0.9], [0.9], [0.1]], window_s=2.5))
    shared = SharedAnswers.of(champion, challenger)
    (row,) = species_table(shared, pairs_of(shared), manifest(("a",)), manifest(("a",)))
    assert row.champion_detections_a_day == pytest.approx(2 * 8640)
    assert row.challenger_detections_a_day == pytest.approx(8640)


# Windows


def test_windows__the_largest_of_each_recording_and_of_these_the_largest() -> None:
    champion = answers(CODES, x=[[0.9, 0.1], [0.9, 0.1]], y=[[0.9, 0.1]], z=[[0.9, 0.1]])
    challenger = answers(CODES, x=[[0.8, 0.1], [0.1, 0.1]], y=[[0.4, 0.1]], z=[[0.9, 0.1]])
    found = largest_disagreements(SharedAnswers.of(champion, challenger))
    assert [(one.recording, one.start_s, one.code) for one in found] == [("x", 5.0, "a"), ("y", 0.0, "a")]
    assert found[0].champion_detected == ("a",)
    assert found[0].challenger_detected == ()
    assert len(largest_disagreements(SharedAnswers.of(champion, challenger), 1)) == 1


def test_windows__another_name_is_more_than_another_number() -> None:
    champion = answers(("a",), moved=[[0.99]], turned=[[0.51]])
    challenger = answers(("a",), moved=[[0.60]], turned=[[0.49]])
    found = largest_disagreements(SharedAnswers.of(champion, challenger))
    assert [one.recording for one in found] == ["turned", "moved"]


# All of it, as JSON


def _all(**changed: Any) -> AnswerComparison:
    given: dict[str, Any] = {
        "classes": ClassChange(new=("n",), thresholds={"a": (0.4, 0.5)}),
        "labels": LABELS,
        "slices": {"night": {"two": True}},
        "retrained": (CHAMPION, CHALLENGER),
        "left_out": {"the champion learned from it": 7},
    }
    return compare_answers(CHAMPION, CHALLENGER, (manifest(CODES), manifest(CODES)), **{**given, **changed})


def test_comparison__says_what_was_not_compared() -> None:
    assert _all(labels={**LABELS, "two": "other"}).left_out == {
        "the champion learned from it": 7,
        "its label is no class of both": 1,
    }


def test_comparison__of_traffic_has_no_replay_and_no_flips() -> None:
    found = _all(labels=None)
    assert (found.replay, found.negative_flips, found.churn_floor) == (None, (), None)
    assert (found.n_recordings, found.sound_s) == (3, 15.0)


@pytest.mark.parametrize("labels", [LABELS, None])
def test_file__keeps_all_of_it(labels: dict[str, str] | None) -> None:
    facts = comparison_facts(_all(labels=labels))
    again = comparison_of(json.loads(json.dumps(facts, allow_nan=False)))
    assert comparison_facts(again) == facts
    if labels:
        assert again.replay is not None
        assert again.replay.slices["night"].tolist() == [False, True, False]
        assert again.classes.thresholds == {"a": (0.4, 0.5)}


@pytest.mark.parametrize("facts", [{}, {"schema_version": 2}, {"schema_version": 1}, {"schema_version": 1, "pairs": 3}])
def test_file__what_is_no_comparison_is_refused(facts: dict[str, Any]) -> None:
    with pytest.raises(ReleaseError):
        comparison_of(facts)
