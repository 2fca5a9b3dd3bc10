from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from silencio.release.answer_rules import CLASSES, CONFIDENCE, DISAGREEMENT, REPLAY, SPECIES
from silencio.release.evidence import ClassChange, Evidence, Pairs, Replay, SpeciesPair
from silencio.release.policy import ReleasePolicy


def replayed(n: int, lost: int, gained: int = 0, slices: dict[str, np.ndarray] | None = None) -> Evidence:
    """Of n recordings the champion names all but `gained` rightly, the challenger all but `lost`."""
    champion, challenger = np.ones(n, np.int8), np.ones(n, np.int8)
    champion[:gained] = 0
    challenger[n - lost :] = 0
    return Evidence(replay=Replay(champion_right=champion, challenger_right=challenger, slices=slices or {}))


def test_replay__fails_where_the_challenger_is_shown_to_be_worse(policy: ReleasePolicy) -> None:
    found = REPLAY(policy, replayed(100, lost=40, gained=5))
    assert (found.outcome, found.consequence) == ("fail", "rollback")
    assert found.ratio == pytest.approx(-0.35)
    assert "40 right before are wrong now" in found.message


def test_replay__passes_where_as_many_are_gained_as_lost(policy: ReleasePolicy) -> None:
    found = REPLAY(policy, replayed(100, lost=8, gained=8))
    assert found.outcome == "pass", found.message


def test_replay__of_a_better_challenger_passes(policy: ReleasePolicy) -> None:
    assert REPLAY(policy, replayed(100, lost=2, gained=15)).outcome == "pass"


def test_replay__that_could_not_have_seen_a_drop_asks_a_person(policy: ReleasePolicy) -> None:
    assert REPLAY(policy, replayed(74, lost=1, gained=1)).outcome == "inconclusive"  # of at least 75
    wide = REPLAY(policy, replayed(80, lost=24, gained=24))
    assert wide.outcome == "inconclusive"
    assert "wider" in wide.message


def test_replay__without_recordings_has_no_data(policy: ReleasePolicy) -> None:
    assert REPLAY(policy, Evidence()).outcome == "no_data"
    assert REPLAY(policy, replayed(0, lost=0)).outcome == "no_data"


def test_replay__of_a_bundle_that_is_better_overall_and_worse_in_a_group_fails_by_the_group(
    policy: ReleasePolicy,
) -> None:
    n = 240
    amphibia = np.arange(n) >= n - 40
    champion, challenger = np.ones(n, np.int8), np.ones(n, np.int8)
    champion[:40] = 0
    challenger[n - 16 :] = 0
    found = REPLAY(
        policy,
        Evidence(replay=Replay(champion_right=champion, challenger_right=challenger, slices={"Amphibia": amphibia})),
    )
    assert found.ratio is not None
    assert found.ratio > 0
    assert found.outcome == "fail"
    assert "Amphibia" in found.message


def test_replay__of_a_slice_that_has_to_pass_asks_a_person_where_too_few_were_replayed(
    policy: ReleasePolicy,
) -> None:
    night = np.arange(100) >= 80
    look = replayed(100, lost=8, gained=8, slices={"night": night})
    assert REPLAY(policy, look).outcome == "pass"
    found = REPLAY(policy.model_copy(update={"must_pass_slices": ["night", "taxon class Amphibia"]}), look)
    assert (found.outcome, found.consequence) == ("inconclusive", "rollback")
    assert "of night is wider than ±0.10 (n 20)" in found.message
    assert "fewer than 10 recordings are of taxon class Amphibia" in found.message
    day = policy.model_copy(update={"must_pass_slices": ["day"]})
    assert REPLAY(day, replayed(100, lost=8, gained=8, slices={"day": ~night})).outcome == "pass"


def disagreeing(values: np.ndarray, species: dict[str, SpeciesPair] | None = None) -> Evidence:
    return Evidence(pairs=Pairs(disagreement=values, species=species or {}))


@pytest.mark.parametrize(
    ("share", "outcome", "consequence"),
    [(0.0, "pass", "hold"), (0.1, "pass", "hold"), (0.35, "fail", "hold"), (0.95, "fail", "rollback")],
)
def test_disagreement__is_held_for_and_of_another_model_altogether_rolled_back(
    policy: ReleasePolicy, share: float, outcome: str, consequence: str
) -> None:
    found = DISAGREEMENT(policy, disagreeing(np.full(150, share)))
    assert (found.outcome, found.consequence) == (outcome, consequence), found.message


def test_disagreement__without_pairs_has_no_data(policy: ReleasePolicy) -> None:
    assert DISAGREEMENT(policy, Evidence()).outcome == "no_data"
    assert DISAGREEMENT(policy, disagreeing(np.array([]))).outcome == "no_data"


def test_disagreement__says_which_mean_it_could_have_seen(policy: ReleasePolicy) -> None:
    few, many = (DISAGREEMENT(policy, disagreeing(np.zeros(n))).smallest_visible for n in (3, 300))
    assert few == "nothing yet: not even bundles that never agree"
    assert many is not None
    assert 15.0 < float(many.split()[3]) < 35.0


def test_species__that_are_gone_are_held_for_from_five_recordings_on(policy: ReleasePolicy) -> None:
    gone, rare = SpeciesPair(only_champion=5), SpeciesPair(only_champion=4)
    assert SPECIES(policy, disagreeing(np.zeros(50), {"a": rare})).outcome == "pass"
    found = SPECIES(policy, disagreeing(np.zeros(50), {"a": gone}))
    assert (found.outcome, found.consequence) == ("fail", "hold")
    assert "gone: a 5 to 0" in found.message
    kept = SpeciesPair(only_champion=50, both=1)
    assert "gone" not in SPECIES(policy, disagreeing(np.zeros(60), {"a": kept})).message


def test_species__that_flood_are_held_for(policy: ReleasePolicy) -> None:
    found = SPECIES(
        policy, disagreeing(np.zeros(99), {"a": SpeciesPair(both=3, only_challenger=30), "b": SpeciesPair(both=9)})
    )
    assert (found.outcome, found.consequence) == ("fail", "hold")
    assert "more: a 3 to 33" in found.message


def test_species__that_have_to_be_kept_are_rolled_back_for_when_lost_and_not_when_flooding(
    policy: ReleasePolicy,
) -> None:
    strict = policy.model_copy(update={"must_keep": ["a"]})
    for pair, consequence in (
        (SpeciesPair(only_champion=6), "rollback"),
        (SpeciesPair(both=1, only_champion=30), "rollback"),
        (SpeciesPair(both=1, only_challenger=30), "hold"),
    ):
        found = SPECIES(strict, disagreeing(np.zeros(99), {"a": pair}))
        assert (found.outcome, found.consequence) == ("fail", consequence)


def test_species__of_equal_bundles_are_hardly_ever_found_among_many(policy: ReleasePolicy) -> None:
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(200):
        pairs = {}
        for k in range(80):
            differing = int(rng.integers(0, 12))
            gained = int(rng.binomial(differing, 0.5))
            pairs[str(k)] = SpeciesPair(both=20, only_challenger=gained, only_champion=differing - gained)
        found += SPECIES(policy, disagreeing(np.zeros(300), pairs)).outcome == "fail"
    assert found <= 2  # Binomial(200, .001)


def test_species__without_a_detection_has_no_data(policy: ReleasePolicy) -> None:
    assert SPECIES(policy, disagreeing(np.zeros(9))).outcome == "no_data"


def test_confidence__is_shown_with_its_shift_and_decides_nothing(policy: ReleasePolicy) -> None:
    both = np.stack([np.full(50, 0.8), np.linspace(0.5, 0.7, 50)], axis=1)
    found = CONFIDENCE(policy, Evidence(pairs=Pairs(disagreement=np.zeros(50), top_probability=both)))
    assert found.outcome == "pass"
    assert not found.decides
    assert found.ratio == pytest.approx(-0.2)
    assert found.interval is not None
    assert found.interval[0] < -0.2 < found.interval[1]
    assert CONFIDENCE(policy, Evidence()).outcome == "no_data"


def test_classes__that_are_the_same_or_new_pass_with_a_list(policy: ReleasePolicy) -> None:
    assert CLASSES(policy, Evidence()).outcome == "pass"
    found = CLASSES(policy, Evidence(classes=ClassChange(new=["Bufo bufo", "Rana arvalis"], gone=["Ficedula parva"])))
    assert found.outcome == "pass"
    assert "new: Bufo bufo, Rana arvalis" in found.message
    assert "gone: Ficedula parva" in found.message


def test_classes__that_are_gone_and_were_detected_are_held_for(policy: ReleasePolicy) -> None:
    change = ClassChange(gone=["Ficedula parva", "Crex crex"], gone_detections={"Ficedula parva": 0, "Crex crex": 12})
    found = CLASSES(policy, Evidence(classes=change))
    assert (found.outcome, found.consequence) == ("fail", "hold")
    assert "Crex crex 12" in found.message


def test_classes__of_another_specification_break_clients_that_send_features(policy: ReleasePolicy) -> None:
    change = ClassChange(spec_gone=True, log_mel_requests=3)
    found = CLASSES(policy, Evidence(classes=change))
    assert (found.outcome, found.consequence) == ("fail", "rollback")
    assert "breaking" in found.message
    for harmless in (replace(change, log_mel_requests=0), replace(change, spec_gone=False)):
        assert CLASSES(policy, Evidence(classes=harmless)).outcome == "pass"
