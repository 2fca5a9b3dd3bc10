from __future__ import annotations

import math

import pytest
from scipy.stats import binom, binomtest

from silencio.release.sequential_shares import binomial_p, log_e_above, log_e_split


def test_log_e_above__is_expected_to_be_one_at_the_limit_and_less_below() -> None:
    n, limit = 60, 0.05
    for rate, at_most in ((limit, 1.0), (0.02, 1.0)):
        expected = sum(binom.pmf(k, n, rate) * math.exp(log_e_above(k, n, limit)) for k in range(n + 1))
        assert expected <= at_most * (1 + 1e-9)
    exactly = sum(binom.pmf(k, n, limit) * math.exp(log_e_above(k, n, limit)) for k in range(n + 1))
    assert exactly == pytest.approx(1.0)


def test_log_e_above__grows_with_events_beyond_the_limit_only() -> None:
    assert log_e_above(100, 1_000, 0.01) > math.log(1e6)
    assert log_e_above(10, 1_000, 0.01) < 0.0
    assert log_e_above(11, 1_000, 0.01) > log_e_above(10, 1_000, 0.01)


def test_log_e_above__cannot_be_beyond_a_limit_of_everything() -> None:
    assert log_e_above(1_000, 1_000, 1.0) == 0.0
    assert log_e_above(1_000, 1_000, 7.5) == 0.0


def test_log_e_above__takes_failures_of_sessions_that_began_before_the_counting() -> None:
    assert log_e_above(3, 1, 0.01) == log_e_above(3, 3, 0.01)


def test_log_e_above__refuses_what_is_no_count() -> None:
    with pytest.raises(ValueError, match="0 or more"):
        log_e_above(-1, 10, 0.1)


@pytest.mark.parametrize("asked", [0.05, 0.5])
def test_log_e_split__is_expected_to_be_one_where_traffic_is_split_as_asked(asked: float) -> None:
    n = 200
    expected = sum(binom.pmf(k, n, asked) * math.exp(log_e_split(k, n, asked)) for k in range(n + 1))
    assert expected == pytest.approx(1.0)


def test_log_e_split__grows_with_a_difference_to_either_side() -> None:
    for got in (300, 700):
        assert log_e_split(got, 10_000, 0.05) > math.log(1_000)
    assert log_e_split(500, 10_000, 0.05) < 0.0


@pytest.mark.parametrize("got", [0, 3, 50, 61, 80, 100])
def test_binomial_p__is_twice_the_smaller_tail(got: int) -> None:
    tails = [binomtest(got, 100, 0.5, alternative=side).pvalue for side in ("less", "greater")]
    assert binomial_p(got, 100, 0.5) == pytest.approx(min(1.0, 2 * min(tails)))
