"""The calibration error's interval: honest models hold 0 in it, wrong ones do not once there are enough recordings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from silencio.evaluation.calibration import expected_calibration_error
from silencio.evaluation.calibration_error import CalibrationError, calibration_error


def _found(n: int, wrong_by: float = 0.0, seed: int = 0) -> CalibrationError:
    rng = np.random.default_rng(seed)
    confidence = rng.beta(2.8, 1.2, n)
    return calibration_error(confidence, rng.random(n) < confidence - wrong_by, n_resamples=200)


def _low(values: list[CalibrationError]) -> NDArray[np.float64]:
    return np.array([one.interval[0] for one in values])


def test_value__is_the_expected_calibration_error() -> None:
    confidence, hit = np.array([0.62, 0.64, 0.95]), np.array([True, False, True])
    found = calibration_error(confidence, hit)
    assert found.value == expected_calibration_error(confidence, hit)
    assert found.n_recordings == 3


@pytest.mark.parametrize("n", [12, 24, 100, 1000])
def test_interval__of_an_honest_model_holds_nothing_although_the_error_is_far_from_it(n: int) -> None:
    found = [_found(n, seed=seed) for seed in range(20)]
    # The error itself is biased upwards, the more the fewer recordings there are.
    assert np.mean([one.value for one in found]) > 0.4 / np.sqrt(n)
    assert np.mean(_low(found) == 0.0) >= 0.9


@pytest.mark.parametrize("wrong_by", [0.1, 0.3])
def test_interval__holds_the_error_of_a_wrong_model(wrong_by: float) -> None:
    for n in (24, 200):
        found = [_found(n, wrong_by, seed) for seed in range(20)]
        # A few of the probabilities lie below the amount: none is lowered below 0.
        assert np.mean([low <= wrong_by <= high + 0.02 for low, high in (one.interval for one in found)]) >= 0.9


def test_interval__narrows_with_recordings_until_it_excludes_what_is_allowed() -> None:
    widths = [
        np.mean([high - low for low, high in (_found(n, 0.3, seed).interval for seed in range(10))])
        for n in (24, 100, 1000)
    ]
    assert widths[0] > widths[1] > widths[2]
    assert (_low([_found(1000, 0.3, seed) for seed in range(10)]) > 0.2).all()


def test_interval__of_recordings_that_are_all_right_has_a_width() -> None:
    # A bootstrap draws the same eleven again and again, and is sure of everything.
    low, high = calibration_error(np.full(11, 0.6), np.full(11, True)).interval
    assert low < 0.2 < high
    low, high = calibration_error(np.ones(20), np.full(20, True)).interval
    assert low == 0.0
    # The rule of three: none wrong of 20 says that fewer than some 17 % are.
    assert high == pytest.approx(1 - 0.025 ** (1 / 20), abs=0.02)


def test_interval__of_a_model_that_is_wrong_in_both_directions() -> None:
    confidence, hit = np.repeat([0.9, 0.1], 30), np.repeat([False, True], 30)
    low, high = calibration_error(confidence, hit).interval
    assert low > 0.7
    assert high == pytest.approx(0.9)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_interval__of_whatever_was_found_lies_between_0_and_1(rows: list[tuple[float, bool]]) -> None:
    confidence, hit = np.array([value for value, _ in rows]), np.array([right for _, right in rows])
    found = calibration_error(confidence, hit, n_resamples=50)
    low, high = found.interval
    assert 0.0 <= low <= high <= 1.0
    assert low - 1e-6 <= found.value <= high + 1e-6


@pytest.mark.parametrize(("n", "high"), [(5, 0.621), (10, 0.461)])
def test_interval__of_the_least_error_that_can_be_found_holds_it(n: int, high: float) -> None:
    # All right is the least error that models of this confidence can be found to have, and a float apart in the draws.
    found = calibration_error(np.full(n, 0.9), np.full(n, True))
    assert found.value == pytest.approx(0.1)
    assert found.interval == (0.0, pytest.approx(high, abs=0.001))


def test_interval__of_fewer_errors_than_chance_makes_ends_at_what_was_found() -> None:
    # Twenty recordings in each bin, and in none is a single one too many right: chance is never so even.
    shares = np.arange(1, 10) / 10
    hit = np.concatenate([np.arange(20) < round(20 * share) for share in shares])
    found = calibration_error(np.repeat(shares + 0.01, 20), hit)
    assert found.value == pytest.approx(0.01)
    assert found.interval == (0.0, found.value)


def test_interval__the_same_figures_give_the_same() -> None:
    assert _found(50, 0.1) == _found(50, 0.1)


@pytest.mark.parametrize("values", [[], [np.nan, 0.5]])
def test_interval__of_nothing_or_of_no_number_is_no_number(values: list[float]) -> None:
    found = calibration_error(np.array(values), np.full(len(values), True))
    assert np.isnan([found.value, *found.interval]).all()
