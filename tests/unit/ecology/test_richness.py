"""Rarefaction is the mean over all draws, and its intervals cover what they promise."""

from __future__ import annotations

import itertools
from fractions import Fraction
from math import comb

import numpy as np
import pytest

from silencio.ecology import expected_species, rarefied
from silencio.ecology.richness import mean_of


def _brute_force(incidence: np.ndarray, n_drawn: int) -> float:
    """The mean number of species over every choice of sessions."""
    draws = list(itertools.combinations(range(len(incidence)), n_drawn))
    return sum(int(incidence[list(one)].any(axis=0).sum()) for one in draws) / len(draws)


@pytest.mark.parametrize("n_drawn", [0, 1, 3, 7, 8])
def test_expected_species__is_the_mean_over_every_choice_of_sessions(n_drawn: int) -> None:
    incidence = np.random.default_rng(0).random((8, 6)) < [0.05, 0.2, 0.5, 0.8, 1.0, 0.3]
    n_with = incidence.sum(axis=0)
    found = float(expected_species(n_with, 8, n_drawn))
    assert found == pytest.approx(_brute_force(incidence, n_drawn), abs=1e-12)


def test_expected_species__of_many_sessions_is_as_exact_as_fractions() -> None:
    n, drawn = 100_000, 40_000
    for n_with in (1, 2, 50, 3_000):
        exact = 1 - Fraction(comb(n - n_with, drawn), comb(n, drawn)) if n_with < 60 else None
        found = float(expected_species(np.array([n_with]), n, drawn))
        expected = float(exact) if exact is not None else 1.0
        assert found == pytest.approx(expected, abs=1e-8)


def test_expected_species__of_few_draws_from_a_million_is_no_rounding_error() -> None:
    # One session of a million has it: ten draws find it with 1e-5.
    assert float(expected_species(np.array([1]), 1e6, 10)) == pytest.approx(1e-5, rel=1e-3)


def test_expected_species__rises_smoothly_between_whole_numbers() -> None:
    values = expected_species(np.array([[2, 1, 5]]), 9, np.linspace(0, 9, 91))
    assert (np.diff(values) >= -1e-12).all()
    assert values[-1] == pytest.approx(3)


def test_rarefied__does_not_grow_with_sessions_where_the_pooled_rate_falls() -> None:
    rng = np.random.default_rng(3)
    share = rng.beta(0.5, 2, 40)
    few, many = (rng.random((n, 40)) < share for n in (20, 500))
    assert few.any(axis=0).sum() / 20 > 5 * many.any(axis=0).sum() / 500
    assert rarefied(few).value == pytest.approx(rarefied(many).value, rel=0.15)


def test_rarefied__of_fewer_sessions_than_are_drawn_is_not_made_up() -> None:
    assert rarefied(np.ones((9, 3), bool)).value is None
    assert rarefied(np.ones((10, 3), bool)).value == pytest.approx(3)


def test_rarefied__intervals_cover_the_forests_value() -> None:
    """Of 30 sessions each, out of a forest whose ten sessions have a known number of species."""
    rng = np.random.default_rng(5)
    share = rng.beta(0.6, 2.5, 30)
    truth = float((1 - (1 - share) ** 10).sum())
    n_trials = 120
    covered = 0
    for i in range(n_trials):
        found = rarefied(rng.random((30, 30)) < share, n_resamples=200, seed=i)
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= truth <= found.high
    # 0.90 of 400 trials, where a plain percentile interval covers 0.81.
    assert covered / n_trials > 0.85


def test_mean_of__few_have_a_mean_and_no_interval() -> None:
    assert mean_of(np.array([1.0, 3.0])).value == 2
    assert mean_of(np.array([1.0, 3.0])).low is None
    assert mean_of(np.array([])).value is None
