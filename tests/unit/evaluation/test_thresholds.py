"""Decision thresholds: the highest F1 on validation, and no more trust in a species than it has recordings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from silencio.evaluation.thresholds import ThresholdConfig, Thresholds, best_f1_threshold, fit_thresholds


def _f1(scores: NDArray[np.floating], occurs: NDArray[np.bool_], threshold: float) -> float:
    named = scores >= threshold
    return float(2 * (named & occurs).sum() / (named.sum() + occurs.sum()))


def _fit(scores: Any, occurs: Any, **config: Any) -> Thresholds:
    """Recordings of one window each."""
    values = np.array(scores, float)
    return fit_thresholds(values, np.arange(len(values)), np.array(occurs, np.float32), ThresholdConfig(**config))


# The best one


def test_best__by_hand() -> None:
    scores, occurs = np.array([0.9, 0.7, 0.6, 0.5, 0.1]), np.array([True, False, True, False, False])
    # From 0.6 on: two of two found, one too many, F1 0.8; only the first: 2/3. Half way to the next one below.
    assert best_f1_threshold(scores, occurs) == pytest.approx(0.55)


def test_best__of_perfect_scores_lies_half_way() -> None:
    assert best_f1_threshold(np.array([0.2, 0.8]), np.array([False, True])) == pytest.approx(0.5)


def test_best__where_everything_passes_lies_half_way_to_zero() -> None:
    assert best_f1_threshold(np.array([0.4, 0.6]), np.array([True, True])) == pytest.approx(0.2)


def test_best__equal_scores_pass_together_or_not_at_all() -> None:
    # Were the three at 0.5 taken one by one, naming the first alone would look perfect.
    scores, occurs = np.array([0.5, 0.5, 0.5, 0.2]), np.array([True, False, False, False])
    for order in ([0, 1, 2, 3], [1, 0, 2, 3], [3, 2, 1, 0]):
        assert best_f1_threshold(scores[order], occurs[order]) == pytest.approx(0.35)


@given(
    st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=1, max_size=25).filter(
        lambda rows: any(occurs for _, occurs in rows)
    )
)
def test_best__no_other_threshold_is_better(rows: list[tuple[int, bool]]) -> None:
    scores, occurs = np.array([score for score, _ in rows]) / 8, np.array([occurs for _, occurs in rows])
    found = best_f1_threshold(scores, occurs)
    assert _f1(scores, occurs, found) == pytest.approx(max(_f1(scores, occurs, other) for other in scores))


# Pooled, and a species' own


def _two_species(n: int) -> tuple[list[list[float]], list[list[int]]]:
    """`n` recordings of a species that is named at 0.2, as many of one that is named at 0.8, and no doubt of either."""
    first = [[0.25, 0.7]] * n + [[0.15, 0.9]] * n
    return first, [[1, 0]] * n + [[0, 1]] * n


def test_pooled__is_taken_by_species_with_fewer_than_five_recordings() -> None:
    for n, n_own in ((4, 0), (5, 2)):
        found = _fit(*_two_species(n))
        assert found.n_own == n_own
        assert (found.values == (found.pooled,) * 2) == (n_own == 0)


def test_pooled__is_of_all_decisions_together() -> None:
    scores, occurs = _two_species(4)
    found = _fit(scores, occurs, min_positives=100)
    values, truth = np.array(scores).ravel(), np.array(occurs).ravel() > 0
    assert found.pooled == best_f1_threshold(values, truth)
    # From 0.25 on: 8 of 8 found and 4 too many, F1 0.8; from 0.9 on: 4 of 8 found, F1 0.67.
    assert found.pooled == pytest.approx(0.2)


def test_own__is_trusted_by_as_much_as_there_are_recordings() -> None:
    for n in (5, 10, 45):
        found = _fit(*_two_species(n))
        trust = n / (n + 5)
        assert found.values == pytest.approx(
            (trust * 0.2 + (1 - trust) * found.pooled, trust * 0.8 + (1 - trust) * found.pooled)
        )
    assert _fit(*_two_species(5), shrinkage=0.0).values == pytest.approx((0.2, 0.8))


def test_own__counts_positives_not_recordings() -> None:
    # Two hundred recordings, four of them of the first species.
    scores = [[0.9, 0.1]] * 4 + [[0.1, 0.9]] * 196
    found = _fit(scores, [[1, 0]] * 4 + [[0, 1]] * 196)
    assert found.n_own == 1
    assert found.values[0] == found.pooled


def test_bounds__hold_for_every_threshold() -> None:
    sure = [[0.999, 0.0]] * 6 + [[0.998, 0.0]] * 6, [[1, 0]] * 6 + [[0, 1]] * 6
    found = _fit(*sure, shrinkage=0.0)
    assert found.values == (0.98, 0.02)
    assert 0.02 <= found.pooled <= 0.98
    assert _fit(*sure, shrinkage=0.0, min_threshold=0.1, max_threshold=0.6).values == (0.6, 0.1)


def test_species_without_recordings__take_the_pooled_one() -> None:
    found = _fit([[0.9, 0.3], [0.1, 0.2]], [[1, 0], [0, 0]])
    assert found.values[1] == found.pooled == pytest.approx(0.6)


@pytest.mark.parametrize(
    "values",
    [{"min_threshold": 0.0}, {"max_threshold": 1.0}, {"min_positives": 0}, {"shrinkage": -1.0}, {"lowest": 0.1}],
)
def test_config__what_makes_no_threshold_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ThresholdConfig(**values)


def test_config__bounds_that_exclude_each_other_are_refused() -> None:
    with pytest.raises(ValidationError, match="min_threshold is above max_threshold"):
        ThresholdConfig(min_threshold=0.9, max_threshold=0.1)


# Windows


def test_windows__one_that_passes_names_the_species() -> None:
    found = Thresholds(values=(0.5, 0.5), pooled=0.5, n_own=0)
    probabilities = np.array([[0.1, 0.6], [0.5, 0.1], [0.49, 0.2]])
    np.testing.assert_array_equal(found.named(probabilities, np.array([0, 0, 1])), [[True, True], [False, False]])


def test_windows__are_no_decisions_of_their_own() -> None:
    # A call in one window of ten: the other nine are no misses.
    windows = np.concatenate([[[0.9]], np.full((9, 1), 0.05), np.full((10, 1), 0.3)])
    recording = np.repeat([0, 1], 10)
    found = fit_thresholds(windows, recording, np.array([[1.0], [0.0]]), ThresholdConfig())
    assert found.pooled == pytest.approx((0.9 + 0.3) / 2)


def test_named__passes_what_fit_meant_to_pass() -> None:
    rng = np.random.default_rng(0)
    probabilities, recording = rng.random((90, 3)), np.repeat(np.arange(30), 3)
    target = np.eye(3)[np.arange(30) % 3]
    found = fit_thresholds(probabilities, recording, target, ThresholdConfig(shrinkage=0.0))
    named = found.named(probabilities, recording)
    best = probabilities.reshape(30, 3, 3).max(axis=1)
    for column in range(3):
        reached = _f1(best[:, column], target[:, column] > 0, found.values[column])
        assert reached == _f1(named[:, column].astype(float), target[:, column] > 0, 0.5)
        assert reached >= max(_f1(best[:, column], target[:, column] > 0, one) for one in (0.1, 0.5, 0.9))


def test_thresholds__survive_json() -> None:
    found = _fit(*_two_species(7))
    assert Thresholds.model_validate_json(found.model_dump_json()) == found
