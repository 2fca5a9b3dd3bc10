"""How windows make a recording's score."""

from __future__ import annotations

import numpy as np
import pytest

from silencio.evaluation.recording_scores import best_window_scores, recording_scores


def test_recording_scores__are_means_of_probabilities() -> None:
    probabilities = np.array([[0.2, 0.8], [0.4, 0.6], [1.0, 0.0]], np.float32)
    scores = recording_scores(probabilities, np.array([0, 0, 1]))
    np.testing.assert_allclose(scores, [[0.3, 0.7], [1.0, 0.0]], atol=1e-7)


def test_recording_scores__of_one_window_each_are_the_windows() -> None:
    probabilities = np.random.default_rng(0).random((5, 3)).astype(np.float32)
    np.testing.assert_array_equal(recording_scores(probabilities, np.arange(5)), probabilities)


def test_recording_scores__a_long_recording_counts_no_more_than_a_short_one() -> None:
    probabilities = np.array([[0.5]] * 99 + [[0.1]])
    np.testing.assert_allclose(recording_scores(probabilities, np.repeat([0, 1], [99, 1])), [[0.5], [0.1]])


def test_recording_scores__the_order_of_windows_means_nothing() -> None:
    rng = np.random.default_rng(0)
    probabilities, recording = rng.random((30, 4)), np.concatenate([np.arange(6), rng.integers(0, 6, 24)])
    order = rng.permutation(30)
    np.testing.assert_allclose(
        recording_scores(probabilities[order], recording[order]), recording_scores(probabilities, recording), rtol=1e-12
    )


def test_recording_scores__shares_stay_shares() -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(5), size=40)
    scores = recording_scores(probabilities, np.arange(40) % 7)
    np.testing.assert_allclose(scores.sum(axis=1), 1.0)


def test_recording_scores__are_added_in_double_precision() -> None:
    probabilities = np.full((100_000, 1), 0.1, np.float32)
    scores = recording_scores(probabilities, np.zeros(100_000, int))
    assert scores.dtype == np.float64
    assert scores[0, 0] == pytest.approx(float(np.float32(0.1)), rel=1e-9)


def test_best_window_scores__are_the_highest_of_each_species() -> None:
    probabilities = np.array([[0.2, 0.8], [0.9, 0.1], [0.3, 0.0]], np.float32)
    # Not the window that is highest in all: each species has its own.
    np.testing.assert_allclose(best_window_scores(probabilities, np.array([0, 0, 1])), [[0.9, 0.8], [0.3, 0.0]])


def test_best_window_scores__of_one_window_each_are_the_windows() -> None:
    probabilities = np.random.default_rng(0).random((5, 3))
    np.testing.assert_array_equal(best_window_scores(probabilities, np.arange(5)), probabilities)


def test_best_window_scores__the_order_of_windows_means_nothing() -> None:
    rng = np.random.default_rng(0)
    probabilities, recording = rng.random((30, 4)), np.concatenate([np.arange(6), rng.integers(0, 6, 24)])
    order = rng.permutation(30)
    best = best_window_scores(probabilities, recording)
    np.testing.assert_array_equal(best_window_scores(probabilities[order], recording[order]), best)
    # What is named somewhere is at least as likely as what is heard throughout.
    assert (best >= recording_scores(probabilities, recording)).all()
