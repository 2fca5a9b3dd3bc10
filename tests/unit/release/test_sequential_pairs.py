from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import comb

from silencio.release.sequential_pairs import found_by_e_bh, log_e_mean_above, log_e_uneven


def test_log_e_mean_above__is_a_fair_game_at_the_limit() -> None:
    limit, n = 0.25, 8
    expected = sum(
        comb(n, k)
        * limit**k
        * (1 - limit) ** (n - k)
        * math.exp(log_e_mean_above(np.r_[np.ones(k), np.zeros(n - k)], limit))
        for k in range(n + 1)
    )
    assert expected == pytest.approx(1.0)


def test_log_e_mean_above__grows_with_values_above_the_limit_and_shrinks_below() -> None:
    assert log_e_mean_above(np.full(60, 0.6), 0.15) > math.log(1_000)
    assert log_e_mean_above(np.full(60, 0.05), 0.15) < 0.0
    assert log_e_mean_above(np.array([]), 0.15) == pytest.approx(0.0)


def test_log_e_mean_above__never_says_more_against_a_higher_limit() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        values = rng.random(40)
        assert log_e_mean_above(values, 0.5) <= log_e_mean_above(values, 0.15)


@pytest.mark.parametrize("value", [-0.01, 1.01, math.nan])
def test_log_e_mean_above__refuses_what_is_no_share(value: float) -> None:
    with pytest.raises(ValueError, match="within 0 and 1"):
        log_e_mean_above(np.array([0.5, value]), 0.15)


def test_log_e_uneven__is_expected_to_be_one_of_a_fair_coin() -> None:
    n = 12
    expected = sum(comb(n, k) * 0.5**n * math.exp(log_e_uneven(k, n - k)) for k in range(n + 1))
    assert expected == pytest.approx(1.0)
    assert log_e_uneven(0, 0) == 0.0


def test_log_e_uneven__sees_both_sides_alike() -> None:
    assert log_e_uneven(0, 15) == log_e_uneven(15, 0) > math.log(1_000)
    assert log_e_uneven(15, 15) < 0.0


def test_found_by_e_bh__rejects_the_largest_as_the_step_up_has_it() -> None:
    # Wang and Ramdas: the largest k whose k-th e-value reaches S / (k alpha); here S = 4, alpha = .1.
    e_values = {"a": 25.0, "b": 21.0, "c": 12.0, "d": 1.0}
    logs = {name: math.log(value) for name, value in e_values.items()}
    assert found_by_e_bh(logs, 0.1) == ["a", "b"]
    assert found_by_e_bh({**logs, "c": math.log(14.0)}, 0.1) == ["a", "b", "c"]


def test_found_by_e_bh__asks_more_of_one_among_many() -> None:
    assert found_by_e_bh({"a": math.log(12.0)}, 0.1) == ["a"]
    assert found_by_e_bh({"a": math.log(12.0), "b": 0.0}, 0.1) == []
    assert found_by_e_bh({}, 0.1) == []


def test_found_by_e_bh__takes_what_is_just_enough() -> None:
    assert found_by_e_bh({"a": math.log(1 / (1 * 0.1))}, 0.1) == ["a"]
