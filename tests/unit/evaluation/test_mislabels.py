"""Mislabelled recordings: doubted where the model says something else, and found when put in on purpose."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from silencio.errors import DataError
from silencio.evaluation.mislabels import find_swapped, label_doubts, suspects, swap_labels
from silencio.taxonomy import ClassList, Species

CLASSES = ClassList.of(
    Species(code=code, scientific_name="", common_name="", class_name="Aves") for code in ("a", "b", "c", "d")
)
SCORES = np.array([[0.9, 0.1, 0.0, 0.0], [0.02, 0.8, 0.1, 0.0], [0.5, 0.3, 0.0, 0.0], [0.3, 0.0, 0.4, 0.0]])


def model_scores(labels: NDArray[np.intp], right_share: float, seed: int = 0) -> NDArray[np.float64]:
    """Scores of a model that is sure and right in a share of recordings, and knows nothing of the others."""
    rng = np.random.default_rng(seed)
    scores = rng.uniform(0.05, 0.2, (len(labels), 4))
    right = rng.random(len(labels)) < right_share
    scores[right, labels[right]] = 0.95
    return scores


def test_label_doubts__tens_by_which_another_class_is_more_probable() -> None:
    doubts = label_doubts(SCORES, np.array([0, 0, 1, 0]))
    assert list(doubts.other) == [1, 1, 0, 2]
    np.testing.assert_allclose(doubts.doubt, np.log10([0.1 / 0.9, 0.8 / 0.02, 0.5 / 0.3, 0.4 / 0.3]))
    assert list(doubts.is_doubted) == [False, True, False, False]


def test_label_doubts__a_secondary_label_is_no_alternative() -> None:
    present = np.zeros(SCORES.shape, bool)
    present[1, 1] = True
    doubts = label_doubts(SCORES, np.array([0, 0, 1, 0]), present)
    assert doubts.other[1] == 2
    assert not doubts.is_doubted[1]


def test_label_doubts__zeros_are_no_infinity() -> None:
    doubts = label_doubts(np.array([[0.0, 1.0], [0.0, 0.0]]), np.array([0, 0]))
    assert np.isfinite(doubts.doubt).all()
    assert list(doubts.is_doubted) == [True, False]


def test_suspects__the_most_doubtful_first_and_none_that_is_not() -> None:
    table = suspects(SCORES, np.array([0, 0, 1, 0]), CLASSES, recording_ids=["r0", "r1", "r2", "r3"])
    assert list(table["recording_id"]) == ["r1", "r2", "r3"]
    assert list(table["suggested"]) == ["b", "a", "c"]
    assert list(table["label"]) == ["a", "b", "a"]
    first = table.iloc[0]
    assert (first["label_probability"], first["suggested_probability"]) == (0.02, 0.8)
    assert len(suspects(SCORES, np.array([0, 0, 1, 0]), CLASSES, n=1)) == 1


def test_suspects__none_is_an_empty_table() -> None:
    table = suspects(SCORES, SCORES.argmax(axis=1), CLASSES)
    assert table.empty
    assert "suggested" in table.columns


def test_swap_labels__changes_the_share_and_nothing_else() -> None:
    labels = np.repeat(np.arange(4), 25)
    swapped, is_swapped = swap_labels(labels, 0.1, np.random.default_rng(0))
    assert is_swapped.sum() == 10
    np.testing.assert_array_equal(swapped != labels, is_swapped)
    assert set(swapped) <= set(labels)


def test_swap_labels__needs_two_labels_and_swaps_at_least_one() -> None:
    with pytest.raises(DataError, match="two of them"):
        swap_labels(np.zeros(5, int), 0.1, np.random.default_rng(0))
    assert swap_labels(np.array([0, 1]), 0.01, np.random.default_rng(0))[1].sum() == 1


def test_find_swapped__a_sure_model_finds_them_all() -> None:
    labels = np.repeat(np.arange(4), 25)
    metrics = find_swapped(model_scores(labels, 1.0) ** 2, labels)
    assert metrics.precision == metrics.recall == metrics.auc == metrics.precision_at_n == 1.0
    assert (metrics.n_swapped, metrics.n_recordings, metrics.n_repeats) == (10, 100, 20)


def test_find_swapped__a_model_that_knows_nothing_finds_by_chance() -> None:
    labels = np.repeat(np.arange(4), 25)
    metrics = find_swapped(np.random.default_rng(0).random((100, 4)), labels, n_repeats=50)
    assert metrics.auc == pytest.approx(0.5, abs=0.1)
    assert metrics.precision_at_n == pytest.approx(0.1, abs=0.06)


def test_find_swapped__falls_with_the_model() -> None:
    labels = np.repeat(np.arange(4), 25)
    good, poor = (find_swapped(model_scores(labels, share), labels) for share in (0.95, 0.5))
    assert good.auc > poor.auc > 0.6
    assert good.precision_at_n > poor.precision_at_n


def test_find_swapped__is_repeatable_and_plain_for_json() -> None:
    labels = np.repeat(np.arange(4), 5)
    scores = model_scores(labels, 0.8)
    assert find_swapped(scores, labels) == find_swapped(scores, labels) != find_swapped(scores, labels, seed=1)
    # A model that is sure of nothing doubts nothing: no precision.
    facts = json.loads(json.dumps(find_swapped(np.full((20, 4), 0.25), labels).to_dict(), allow_nan=False))
    assert facts["precision"] is None
    assert facts["recall"] == 0.0
