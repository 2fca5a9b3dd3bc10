"""The sequential tests against what others compute: savvi where both define the same, else every course by enumeration.

A course is a sequence of events; its probability where nothing is worse is known, and so is that of ever being found.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import binom

from silencio.release.sequential_counts import RATIOS, Exposure, log_e_value
from silencio.release.sequential_pairs import log_e_mean_above, log_e_uneven
from silencio.release.sequential_shares import log_e_above, log_e_split

LogE = Callable[[int, int], float]


def savvis_odds(share: float, concentration: float, counts: tuple[int, int]) -> float:
    """Odds of savvi's Multinomial (Lindon and Malek's own program); counts of the other arm first."""
    multinomial = pytest.importorskip("savvi.multinomial", reason="`make extras` installs savvi")
    test = multinomial.Multinomial(alpha=0.001, theta_0=np.array([1.0 - share, share]), k=concentration)
    test.update(np.array(counts))
    return float(test.odds)


@pytest.mark.parametrize(
    ("share", "counts"),
    [
        (0.05, (0, 0)),
        (0.05, (3, 1)),
        (0.05, (1_900, 100)),
        (0.05, (1_900, 140)),
        (0.25, (7_000, 2_600)),
        (0.25, (40, 160)),
        (0.5, (1_000, 930)),
        (0.5, (1_000, 700)),
    ],
)
def test_log_e_split__is_savvis_sample_ratio_mismatch(share: float, counts: tuple[int, int]) -> None:
    odds = savvis_odds(share, 100.0, counts)
    assert math.exp(log_e_split(counts[1], sum(counts), share)) == pytest.approx(odds, rel=1e-9)


@pytest.mark.parametrize("counts", [(0, 0), (12, 3), (3, 12), (15, 0), (40, 38), (0, 1)])
def test_log_e_uneven__is_savvis_multinomial_of_a_fair_coin(counts: tuple[int, int]) -> None:
    odds = savvis_odds(0.5, 1.0, counts)
    assert math.exp(log_e_uneven(counts[1], counts[0])) == pytest.approx(odds, rel=1e-9)


@pytest.mark.parametrize(("share", "x", "y"), [(0.05, 6, 30), (0.25, 12, 9), (0.5, 40, 38), (0.05, 0, 12)])
def test_log_e_value__is_the_weighted_likelihood_ratio_of_scipys_binomial(share: float, x: int, y: int) -> None:
    # Given that x + y sessions failed, those of the challenger are binomial: the conditional test of two Poisson rates.
    tolerance = 1.25

    def likelihood(ratio: float) -> float:
        return float(binom.pmf(x, x + y, share * ratio / (share * ratio + 1 - share)))

    units = (round(1e6 * (1 - share)), round(1e6 * share))
    seen = Exposure(
        target_share=share, champion_units=units[0], challenger_units=units[1], champion_events=y, challenger_events=x
    )
    expected = np.average([likelihood(ratio) for ratio in RATIOS], weights=np.log(RATIOS)) / likelihood(tolerance)
    assert math.exp(log_e_value([seen], tolerance)) == pytest.approx(expected, rel=1e-9)


def probability_of_ever_finding(log_e: LogE, probability: float, alpha: float, n_events: int) -> float:
    """Of courses of events that are of one kind with this probability: how many ever have evidence of 1 / alpha.

    Args:
        log_e: Log evidence after so many events of this kind and of the other.
        probability: Of an event of this kind.
        alpha: Evidence of 1 / alpha finds.
        n_events: Length of a course; it is looked at after every event.
    """
    open_courses, found = {0: 1.0}, 0.0
    for n in range(1, n_events + 1):
        after: dict[int, float] = {}
        for k, mass in open_courses.items():
            after[k] = after.get(k, 0.0) + mass * (1.0 - probability)
            after[k + 1] = after.get(k + 1, 0.0) + mass * probability
        over = [k for k in after if log_e(k, n - k) >= -math.log(alpha)]
        found += sum(after.pop(k) for k in over)
        open_courses = {k: mass for k, mass in after.items() if mass > 1e-12}
    return found


def of_counts(share: float) -> LogE:
    units = (round(1e6 * (1 - share)), round(1e6 * share))

    def log_e(x: int, y: int) -> float:
        seen = Exposure(
            target_share=share,
            champion_units=units[0],
            challenger_units=units[1],
            champion_events=y,
            challenger_events=x,
        )
        return log_e_value([seen], 1.25)

    return log_e


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_log_e_value__of_equal_arms_is_ever_found_with_less_than_alpha_by_enumeration_of_every_course(
    share: float,
) -> None:
    alpha, n_events = 0.05, 60
    at_tolerance, equal = (
        probability_of_ever_finding(of_counts(share), share * r / (share * r + 1 - share), alpha, n_events)
        for r in (1.25, 1.0)
    )
    assert equal < at_tolerance <= alpha
    # Not vacuous: a course of double the tolerance is found far more often than alpha.
    assert at_tolerance > alpha / 10


@pytest.mark.parametrize(
    ("log_e", "probability"),
    [
        pytest.param(lambda k, other: log_e_split(k, k + other, 0.4), 0.4, id="split"),
        pytest.param(lambda k, other: log_e_above(k, k + other, 0.05), 0.05, id="above"),
        pytest.param(log_e_uneven, 0.5, id="uneven"),
        pytest.param(lambda k, other: log_e_mean_above(np.r_[np.ones(k), np.zeros(other)], 0.15), 0.15, id="mean"),
    ],
)
def test_other_tests__at_their_null_are_ever_found_with_less_than_alpha_by_enumeration(
    log_e: LogE, probability: float
) -> None:
    found = probability_of_ever_finding(log_e, probability, 0.05, 300)
    assert 0.05 / 20 < found <= 0.05
