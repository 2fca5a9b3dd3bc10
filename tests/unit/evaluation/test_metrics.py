"""Figures over recordings, against ones that were computed by hand and by scikit-learn."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from silencio.evaluation.metrics import Metrics, average_precisions, compute_metrics, padded_cmap
from silencio.taxonomy import ClassList, Species

TAXA = {"0126247": "Amphibia", "1139490": "Insecta", "bobfly1": "Aves", "grekis": "Aves"}
CLASSES = ClassList.of(
    Species(code=code, scientific_name=code, common_name=code, class_name=taxon) for code, taxon in TAXA.items()
)


def _target(labels: list[set[str]]) -> NDArray[np.float32]:
    return np.array([[float(code in one) for code in CLASSES.codes] for one in labels], np.float32)


def _alone(primary: list[str]) -> NDArray[np.float32]:
    return _target([{code} for code in primary])


PRIMARY = ["grekis", "grekis", "bobfly1", "1139490", "0126247"]


def test_compute_metrics__perfect_scores() -> None:
    metrics = compute_metrics(_alone(PRIMARY), _alone(PRIMARY), PRIMARY, CLASSES)
    assert (metrics.macro_map, metrics.top1, metrics.n_recordings, metrics.n_species) == (1.0, 1.0, 5, 4)


def test_compute_metrics__the_worst_scores() -> None:
    metrics = compute_metrics(-_alone(PRIMARY), _alone(PRIMARY), PRIMARY, CLASSES)
    assert metrics.top1 == 0.0
    # The right recordings come last: three species with one of five, and grekis with two of five, which are tied.
    assert metrics.macro_map == pytest.approx((3 * 1 / 5 + 2 / 5) / 4)


def test_compute_metrics__by_hand() -> None:
    scores = np.array([[0.1, 0.2, 0.3, 0.4], [0.6, 0.1, 0.2, 0.1], [0.3, 0.4, 0.2, 0.1]])
    primary = ["grekis", "grekis", "1139490"]
    metrics = compute_metrics(scores, _alone(primary), primary, CLASSES)
    # grekis: ranked 1 of 3, then tied with the third recording at 0.1: precision 2/3 at the second hit.
    assert metrics.macro_map == pytest.approx(((0.5 * 1 + 0.5 * 2 / 3) + 1.0) / 2)
    assert metrics.top1 == pytest.approx(2 / 3)
    assert metrics.n_species == 2


def test_compute_metrics__equal_scores_are_chance_not_luck() -> None:
    scores = np.full((5, 4), 0.25)
    metrics = compute_metrics(scores, _alone(PRIMARY), PRIMARY, CLASSES)
    # Average precision under ties is the share of positives; the order of the rows cannot help.
    assert metrics.macro_map == pytest.approx((3 * 1 / 5 + 2 / 5) / 4)
    assert compute_metrics(scores[::-1], _alone(PRIMARY[::-1]), PRIMARY[::-1], CLASSES).macro_map == metrics.macro_map


def test_compute_metrics__a_class_that_does_not_occur_counts_for_nothing() -> None:
    primary = ["grekis", "bobfly1"]
    scores = np.array([[0.9, 0.0, 0.0, 0.95], [0.9, 0.0, 0.95, 0.0]])
    metrics = compute_metrics(scores, _alone(primary), primary, CLASSES)
    assert (metrics.macro_map, metrics.n_species) == (1.0, 2)
    assert set(metrics.by_class) == {"Aves"}


def test_compute_metrics__secondary_labels_count_for_the_mean_average_precision() -> None:
    primary = ["grekis", "1139490"]
    scores = np.array([[0.0, 0.4, 0.0, 0.9], [0.0, 0.6, 0.0, 0.1]])
    alone = compute_metrics(scores, _alone(primary), primary, CLASSES)
    with_second = compute_metrics(scores, _target([{"grekis", "0126247"}, {"1139490"}]), primary, CLASSES)
    assert (alone.macro_map, alone.n_species) == (1.0, 2)
    # The frog in the background was tied with the recording without it: 1/2.
    assert with_second.macro_map == pytest.approx((1.0 + 1.0 + 0.5) / 3)
    assert with_second.n_species == 3


def test_compute_metrics__the_highest_score_on_a_secondary_label_is_no_hit() -> None:
    metrics = compute_metrics(np.array([[0.9, 0.1, 0.0, 0.8]]), _target([{"grekis", "0126247"}]), ["grekis"], CLASSES)
    assert metrics.top1 == 0.0


def test_compute_metrics__the_primary_label_is_found_by_code_not_by_place() -> None:
    scores = np.eye(4)
    for place, code in enumerate(CLASSES.codes):
        assert compute_metrics(scores[[place]], _alone([code]), [code], CLASSES).top1 == 1.0


def test_by_class__holds_the_taxon_classes_that_were_judged() -> None:
    primary = ["grekis", "grekis", "bobfly1", "1139490"]
    scores = np.array([[0, 0, 0, 1.0], [0, 0, 1.0, 0.5], [0, 0, 0.9, 0], [1.0, 0.5, 0, 0]])
    metrics = compute_metrics(scores, _alone(primary), primary, CLASSES)
    assert list(metrics.by_class) == ["Aves", "Insecta"]
    birds, insects = metrics.by_class["Aves"], metrics.by_class["Insecta"]
    assert birds == {
        "macro_map": pytest.approx((1.0 + 0.5) / 2),
        "top1": pytest.approx(2 / 3),
        "n_recordings": 3,
        "n_species": 2,
    }
    assert insects == {"macro_map": 1.0, "top1": 0.0, "n_recordings": 1, "n_species": 1}


def test_by_class__recordings_add_up_to_all() -> None:
    metrics = compute_metrics(np.random.default_rng(0).random((5, 4)), _alone(PRIMARY), PRIMARY, CLASSES)
    assert sum(one["n_recordings"] for one in metrics.by_class.values()) == metrics.n_recordings
    hits = sum(one["top1"] * one["n_recordings"] for one in metrics.by_class.values())
    assert hits / metrics.n_recordings == pytest.approx(metrics.top1)


def test_compute_metrics__takes_probabilities_of_either_width() -> None:
    scores = np.random.default_rng(0).random((5, 4)).astype(np.float32)
    wide = compute_metrics(scores.astype(np.float64), _alone(PRIMARY), PRIMARY, CLASSES)
    assert compute_metrics(scores, _alone(PRIMARY), iter(PRIMARY), CLASSES) == wide


score_tables = st.integers(1, 12).flatmap(
    lambda n: st.tuples(
        st.lists(st.sampled_from(CLASSES.codes), min_size=n, max_size=n),
        st.lists(st.sets(st.sampled_from(CLASSES.codes)), min_size=n, max_size=n),
        # Few different values: ties are the rule.
        st.lists(st.lists(st.integers(0, 4), min_size=4, max_size=4), min_size=n, max_size=n),
    )
)


@settings(max_examples=20)
@given(score_tables)
def test_compute_metrics__equals_scikit_learn(table: tuple[list[str], list[set[str]], list[list[int]]]) -> None:
    primary, secondary, values = table
    target = _target([{code} | others for code, others in zip(primary, secondary, strict=True)])
    scores = np.array(values) / 4
    metrics = compute_metrics(scores, target, primary, CLASSES)
    occurring = target.sum(axis=0) > 0
    expected = average_precision_score(target[:, occurring], scores[:, occurring], average="macro")
    assert metrics.macro_map == pytest.approx(expected)
    assert metrics.n_species == occurring.sum()
    assert metrics.top1 == np.mean([CLASSES.codes[int(row.argmax())] for row in scores] == np.array(primary))


# The other figures


def test_top5__equal_scores_before_the_right_one_count_against_it() -> None:
    codes = [f"sp{number}" for number in range(7)]
    classes = ClassList.of(Species(code=c, scientific_name=c, common_name=c, class_name="Aves") for c in codes)
    target = np.eye(7)[[6, 6, 6, 6]]
    scores = np.array(
        [
            [0.9, 0.8, 0.7, 0.6, 0.1, 0.1, 0.5],  # fifth
            [0.9, 0.8, 0.7, 0.6, 0.55, 0.1, 0.5],  # sixth
            [0.9, 0.8, 0.7, 0.6, 0.5, 0.1, 0.5],  # fifth or sixth: no luck
            [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5],  # nothing said of it
        ]
    )
    assert compute_metrics(scores, target, ["sp6"] * 4, classes).top5 == 0.25


def test_padded_cmap__by_hand() -> None:
    target, scores = np.array([[1, 0], [0, 0]]), np.array([[0.1, 0.3], [0.9, 0.4]])
    # The five padding rows come first, then a wrong one, then the recording: 5/6 at precision 1, 1/6 at 6/7. The
    # species without a recording is found in all its padding rows.
    assert padded_cmap(scores, target) == pytest.approx((5 / 6 + 1 / 6 * 6 / 7 + 1.0) / 2)
    # Without padding, only what occurs counts: the recording is second of two.
    assert padded_cmap(scores, target, n_padding_rows=0) == 0.5


def test_padded_cmap__no_single_recording_decides() -> None:
    target, worst = np.eye(4), 1.0 - np.eye(4)
    unpadded = [padded_cmap(scores, target, n_padding_rows=0) for scores in (target, worst)]
    assert unpadded == [1.0, 0.25]
    assert padded_cmap(0.5 * worst, target) > 0.9


def test_macro_roc_auc__is_the_share_of_pairs_in_right_order() -> None:
    primary = ["grekis", "grekis", "bobfly1"]
    scores = np.array([[0, 0, 0.2, 0.9], [0, 0, 0.5, 0.3], [0, 0, 0.5, 0.3]])
    # grekis: one pair in order, one tied; bobfly1: one in order, one tied. Nobody asks for the two that do not occur.
    assert compute_metrics(scores, _alone(primary), primary, CLASSES).macro_roc_auc == pytest.approx(
        (1.5 / 2 + 1.5 / 2) / 2
    )


def test_macro_roc_auc__a_species_in_every_recording_has_no_pairs() -> None:
    target = _target([{"grekis", "bobfly1"}, {"grekis"}])
    metrics = compute_metrics(np.array([[0, 0, 0.9, 0.1], [0, 0, 0.1, 0.9]]), target, ["grekis"] * 2, CLASSES)
    assert metrics.macro_roc_auc == 1.0
    assert metrics.n_species == 2


def test_micro_f1__counts_decisions_not_species() -> None:
    named = np.array([[1, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]], bool)
    target = _target([{"grekis"}, {"grekis", "bobfly1"}, {"1139490"}])
    primary = ["grekis", "grekis", "1139490"]
    # Two rightly named, one wrongly, two missed.
    assert compute_metrics(np.zeros((3, 4)), target, primary, CLASSES, named=named).micro_f1 == pytest.approx(
        2 * 2 / (4 + 1 + 2)
    )
    # Without thresholds: at one half, which itself passes.
    assert compute_metrics(0.5 * named, target, primary, CLASSES).micro_f1 == pytest.approx(4 / 7)
    assert compute_metrics(0.49 * named, target, primary, CLASSES).micro_f1 == 0.0


def test_coverage_and_frequency__one_favourite_is_found_out() -> None:
    favourite = np.tile(_alone(["grekis"]), (5, 1))
    metrics = compute_metrics(favourite, _alone(PRIMARY), PRIMARY, CLASSES)
    # Right on two recordings of five, and on one species of four.
    assert (metrics.top1, metrics.coverage) == (0.4, 0.25)
    # Named in 1.0, occurs in 0.4; the other three are never named.
    assert metrics.label_frequency_distance == pytest.approx(0.6)
    perfect = compute_metrics(_alone(PRIMARY), _alone(PRIMARY), PRIMARY, CLASSES)
    assert (perfect.coverage, perfect.label_frequency_distance) == (1.0, 0.0)


def test_frequency_distance__is_blind_to_which_recordings() -> None:
    swapped = ["bobfly1", "1139490", "grekis", "0126247", "grekis"]
    metrics = compute_metrics(_alone(swapped), _alone(PRIMARY), PRIMARY, CLASSES)
    assert (metrics.label_frequency_distance, metrics.top1) == (0.0, 0.0)


@settings(max_examples=20)
@given(score_tables)
def test_other_figures__equal_scikit_learn(table: tuple[list[str], list[set[str]], list[list[int]]]) -> None:
    primary, secondary, values = table
    target = _target([{code} | others for code, others in zip(primary, secondary, strict=True)])
    scores = np.array(values) / 4
    metrics = compute_metrics(scores, target, primary, CLASSES)
    split = (target.sum(axis=0) > 0) & (target.sum(axis=0) < len(target))
    if split.any():
        assert metrics.macro_roc_auc == pytest.approx(
            roc_auc_score(target[:, split], scores[:, split], average="macro")
        )
    else:
        assert np.isnan(metrics.macro_roc_auc)
    expected = f1_score(target, scores >= 0.5, average="micro", zero_division=0)
    assert metrics.micro_f1 == pytest.approx(expected)
    assert 0.0 <= metrics.coverage <= 1.0
    assert 0.0 <= metrics.label_frequency_distance <= 1.0


def test_average_precisions__are_no_number_where_a_class_does_not_occur() -> None:
    values = average_precisions(np.random.default_rng(0).random((2, 4)), _alone(["grekis", "1139490"]))
    np.testing.assert_array_equal(np.isnan(values), [True, False, True, False])


def test_metrics__survive_json() -> None:
    metrics = compute_metrics(np.random.default_rng(0).random((5, 4)), _alone(PRIMARY), PRIMARY, CLASSES)
    assert Metrics(**json.loads(json.dumps(metrics.to_dict()))) == metrics
