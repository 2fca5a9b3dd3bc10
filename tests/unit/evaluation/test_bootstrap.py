"""Intervals: by recording, and the same draws for everything that is compared."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from silencio.evaluation.bootstrap import Bootstrap, interval, interval_around

# Scores of few different values, so that ties are the rule; labels; how often each recording was drawn.
evaluated = st.integers(1, 12).flatmap(
    lambda n: st.tuples(
        st.lists(st.lists(st.integers(0, 4), min_size=3, max_size=3), min_size=n, max_size=n),
        st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=n, max_size=n),
        st.lists(st.integers(0, 4), min_size=n, max_size=n),
    )
)


def _of_scikit_learn(
    scores: NDArray[np.floating], target: NDArray[np.bool_], weight: NDArray[np.floating] | None = None
) -> float:
    """Mean over the species that occur in what was drawn."""
    drawn = np.ones(len(target), bool) if weight is None else weight > 0
    occurring = np.flatnonzero(target[drawn].any(axis=0))
    return float(
        np.mean([average_precision_score(target[:, one], scores[:, one], sample_weight=weight) for one in occurring])
    )


# The figure of one resample


@settings(max_examples=20)
@given(evaluated)
def test_macro_map__every_recording_once_is_scikit_learns(table: tuple[list, list, list]) -> None:
    scores, target = np.array(table[0]) / 4, np.array(table[1])
    once = Bootstrap(len(scores), counts=np.ones((1, len(scores))))
    value = once.macro_map(scores, target.astype(np.float32))
    assert value.shape == (1,)
    if target.any():
        assert value[0] == pytest.approx(_of_scikit_learn(scores, target))
    else:
        assert np.isnan(value[0])


@settings(max_examples=20)
@given(evaluated)
def test_macro_map__counts_are_scikit_learns_sample_weight(table: tuple[list, list, list]) -> None:
    scores, target, counts = np.array(table[0]) / 4, np.array(table[1]), np.array(table[2], float)
    value = Bootstrap(len(scores), counts=np.stack([counts, 3 * counts])).macro_map(scores, target)
    if target[counts > 0].any():
        # Drawing everything three times as often changes no share.
        np.testing.assert_allclose(value, _of_scikit_learn(scores, target, counts))
    else:
        assert np.isnan(value).all()


@settings(max_examples=20)
@given(evaluated)
def test_macro_map__counts_are_repeated_rows(table: tuple[list, list, list]) -> None:
    scores, target, counts = np.array(table[0]) / 4, np.array(table[1]), np.array(table[2])
    repeated = np.repeat(np.arange(len(scores)), counts)
    if target[repeated].any():
        value = Bootstrap(len(scores), counts=counts[None]).macro_map(scores, target)
        assert value[0] == pytest.approx(_of_scikit_learn(scores[repeated], target[repeated]))


def test_macro_map__a_species_that_was_not_drawn_counts_for_nothing() -> None:
    scores, target = np.array([[0.9, 0.1], [0.1, 0.2], [0.2, 0.8]]), np.array([[1, 0], [1, 0], [0, 1]])
    # The only recording of the second species is missing: not a zero, and not the other's.
    assert Bootstrap(3, counts=np.array([[2, 1, 0]])).macro_map(scores, target) == [1.0]


def test_mean__is_of_what_was_drawn() -> None:
    hits = np.array([True, False, True, False])
    counts = np.array([[1, 1, 1, 1], [0, 4, 0, 0], [3, 1, 0, 0], [0, 0, 0, 0]])
    np.testing.assert_array_equal(Bootstrap(4, counts=counts).mean(hits), [0.5, 0.0, 0.75, np.nan])


# The draws


def test_draws__are_as_many_recordings_as_there_are() -> None:
    counts = Bootstrap(30, n_resamples=500).counts
    assert counts.shape == (500, 30)
    assert (counts.sum(axis=1) == 30).all()
    # With replacement: about 1/e of the recordings are missing from each resample.
    assert (counts == 0).mean() == pytest.approx(np.exp(-1), abs=0.02)


def test_draws__follow_from_the_seed_alone() -> None:
    np.testing.assert_array_equal(Bootstrap(9, 50, seed=1).counts, Bootstrap(9, 50, seed=1).counts)
    assert (Bootstrap(9, 50, seed=1).counts != Bootstrap(9, 50, seed=2).counts).any()


def test_of__a_slice_is_seen_through_the_same_draws() -> None:
    whole, mask = Bootstrap(12, 200), np.arange(12) % 3 == 0
    rng = np.random.default_rng(0)
    scores, target = rng.random((12, 3)), rng.integers(0, 2, (12, 3))
    outside = np.where(mask, whole.counts, 0)
    np.testing.assert_array_equal(
        whole.of(mask).macro_map(scores[mask], target[mask]), Bootstrap(12, counts=outside).macro_map(scores, target)
    )
    # A resample of a slice may hold more or fewer recordings than the slice, as one of the world would.
    assert set(whole.of(mask).counts.sum(axis=1)) != {4}


def test_of__slices_add_up() -> None:
    whole, hits = Bootstrap(12, 200), np.random.default_rng(0).integers(0, 2, 12)
    day = np.arange(12) < 5
    parts = [whole.of(part).mean(hits[part]) * whole.of(part).counts.sum(axis=1) for part in (day, ~day)]
    np.testing.assert_allclose(np.nansum(parts, axis=0) / 12, whole.mean(hits))


# Intervals


def test_interval__is_the_middle_of_the_resamples() -> None:
    assert interval(np.linspace(0, 1, 1001)) == pytest.approx((0.025, 0.975))
    assert interval(np.linspace(0, 1, 1001), confidence=0.5) == pytest.approx((0.25, 0.75))


def test_interval__resamples_without_a_value_do_not_count() -> None:
    assert interval(np.array([np.nan, 0.5, 0.5, np.nan])) == (0.5, 0.5)
    assert np.isnan(interval(np.full(3, np.nan))).all()


def test_interval_around__has_the_spread_of_the_resamples_and_the_place_of_the_figure() -> None:
    values = np.append(np.linspace(0.5, 0.7, 1001), np.nan)
    assert interval_around(0.4, values) == pytest.approx((0.305, 0.495))
    # A share is a share.
    assert interval_around(0.02, values) == pytest.approx((0.0, 0.115))
    assert interval_around(0.98, values) == pytest.approx((0.885, 1.0))


def test_interval_around__takes_off_what_drawing_twice_adds() -> None:
    # One recording a species, as test sets have it: a copy of it beside itself looks like a species found twice.
    rng = np.random.default_rng(0)
    target = np.eye(30)
    scores = rng.standard_normal((30, 30)) + 2.5 * target
    metric = Bootstrap(30, counts=np.ones((1, 30))).macro_map(scores, target)[0]
    values = Bootstrap(30, 300).macro_map(scores, target)
    assert values.mean() > metric + 0.02
    assert np.mean(interval_around(metric, values)) == pytest.approx(metric, abs=0.01)


def _reserve(rng: np.random.Generator, n_each: int = 40) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Scores of four species, a signal in noise, and which species each recording is of."""
    truth = np.repeat(np.arange(4), n_each)
    return rng.standard_normal((len(truth), 4)) + 1.5 * np.eye(4)[truth], truth


def test_interval__covers_the_truth_about_95_times_in_100() -> None:
    rng = np.random.default_rng(0)
    many_scores, many = _reserve(rng, n_each=20_000)
    of_map = Bootstrap(len(many), counts=np.ones((1, len(many)))).macro_map(many_scores, np.eye(4)[many])[0]
    of_top1 = (many_scores.argmax(axis=1) == many).mean()
    n_sets, covered = 100, np.zeros(2)
    for number in range(n_sets):
        scores, truth = _reserve(rng)
        draws = Bootstrap(len(truth), 150, seed=number)
        of_set = Bootstrap(len(truth), counts=np.ones((1, len(truth)))).macro_map(scores, np.eye(4)[truth])[0]
        low, high = interval_around(of_set, draws.macro_map(scores, np.eye(4)[truth]))
        covered[0] += low <= of_map <= high
        low, high = interval(draws.mean(scores.argmax(axis=1) == truth))
        covered[1] += low <= of_top1 <= high
    # Standard error of a share of 100: 2.2 points. Resampling makes intervals a little narrow by nature.
    assert (covered / n_sets >= 0.90).all(), covered
    assert (covered / n_sets <= 0.99).all(), covered
