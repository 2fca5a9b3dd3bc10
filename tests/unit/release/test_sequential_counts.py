"""The test of counts against its formula, against what it promises, and against what a slip of a sign would do."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from silencio.release.sequential_counts import (
    RATIOS,
    Exposure,
    log_e_value,
    ratio_bounds,
    smallest_visible_rate,
)

TOLERANCE = 1.25


def exposure(share: float, units: tuple[int, int], events: tuple[int, int]) -> Exposure:
    """Champion's figure first."""
    return Exposure(
        target_share=share,
        champion_units=units[0],
        challenger_units=units[1],
        champion_events=events[0],
        challenger_events=events[1],
    )


counts = st.integers(min_value=0, max_value=200)
exposures = st.lists(
    st.builds(
        lambda share, x, y: exposure(share, (10_000, 2_000), (y, x)),
        st.sampled_from([0.05, 0.1, 0.25, 0.5]),
        counts,
        counts,
    ),
    max_size=5,
)


def test_log_e_value__is_the_mean_likelihood_ratio_of_each_next_event_weighted_by_log_ratios() -> None:
    p, x, y = 0.25, 7, 9
    one = exposure(p, (7_500, 2_500), (y, x))
    q = {r: p * r / (p * r + 1 - p) for r in (*RATIOS, TOLERANCE)}
    ratios = [(q[r] / q[TOLERANCE]) ** x * ((1 - q[r]) / (1 - q[TOLERANCE])) ** y for r in RATIOS]
    assert log_e_value([one], TOLERANCE) == pytest.approx(math.log(np.average(ratios, weights=np.log(RATIOS))))


@given(exposures)
def test_log_e_value__of_stretches_multiplies_within_each_ratio(stretches: list[Exposure]) -> None:
    split = [
        part
        for one in stretches
        for part in (
            exposure(one.target_share, (5_000, 1_000), (one.champion_events, 0)),
            exposure(one.target_share, (5_000, 1_000), (0, one.challenger_events)),
        )
    ]
    whole = [
        exposure(one.target_share, (5_000, 1_000), (one.champion_events, one.challenger_events)) for one in stretches
    ]
    assert log_e_value(split, TOLERANCE) == pytest.approx(log_e_value(whole, TOLERANCE), abs=1e-9)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_log_e_value__learns_nothing_where_one_arm_got_everything(share: float) -> None:
    nothing = exposure(share, (100, 100), (0, 90))
    assert log_e_value([nothing], TOLERANCE) == 0.0
    seen = exposure(0.5, (100, 100), (2, 9))
    assert log_e_value([seen, nothing], TOLERANCE) == log_e_value([seen], TOLERANCE)


@given(exposures)
def test_log_e_value__rises_with_the_challengers_failures_and_falls_with_the_champions(
    stretches: list[Exposure],
) -> None:
    before = log_e_value([*stretches, exposure(0.1, (900, 100), (5, 5))], TOLERANCE)
    worse = log_e_value([*stretches, exposure(0.1, (900, 100), (5, 6))], TOLERANCE)
    better = log_e_value([*stretches, exposure(0.1, (900, 100), (6, 5))], TOLERANCE)
    assert better < before < worse


@given(exposures)
def test_log_e_value__is_less_against_a_higher_tolerance(stretches: list[Exposure]) -> None:
    above = RATIOS[2:]
    low, high = (log_e_value(stretches, tolerance, above) for tolerance in (1.25, 2.0))
    assert high <= low + 1e-9 or high <= 0.0


@pytest.mark.parametrize("share", [0.05, 0.25, 0.5])
@pytest.mark.parametrize("ratio", [0.5, 1.0, TOLERANCE])
def test_log_e_value__is_expected_to_be_at_most_one_wherever_nothing_is_worse(share: float, ratio: float) -> None:
    # An e-process: the expectation over the next event, from anywhere, is no more than what it is now.
    q = share * ratio / (share * ratio + 1 - share)
    for x, y in ((0, 0), (3, 1), (10, 40)):
        now, ours, theirs = (
            math.exp(log_e_value([exposure(share, (10**6, round(10**6 * share / (1 - share))), events)], TOLERANCE))
            for events in ((y, x), (y + 1, x), (y, x + 1))
        )
        assert q * theirs + (1 - q) * ours <= now * (1 + 1e-6)


def test_log_e_value__of_a_rate_above_the_tolerance_grows() -> None:
    share, ratio = 0.25, 4.0
    q = share * ratio / (share * ratio + 1 - share)
    n = 200
    found = log_e_value([exposure(share, (7_500, 2_500), (round(n * (1 - q)), round(n * q)))], TOLERANCE)
    assert found > math.log(1e6)


def test_log_e_value__goes_by_the_measured_share_where_a_device_sends_much() -> None:
    # A tenth of the sessions was asked, a third came: a third of the failures is then no sign of anything.
    assert log_e_value([exposure(0.1, (20_000, 10_000), (200, 100))], TOLERANCE) < 0.0
    assert log_e_value([exposure(0.1, (27_000, 3_000), (200, 100))], TOLERANCE) > math.log(1_000)


def test_log_e_value__refuses_what_is_no_count_and_a_tolerance_above_all_ratios() -> None:
    with pytest.raises(ValueError, match="counts must be 0 or more"):
        log_e_value([exposure(0.5, (10, 10), (-1, 3))], TOLERANCE)
    with pytest.raises(ValueError, match="must be below 50"):
        log_e_value([], 50.0)


def test_log_e_value__rarely_finds_equal_arms_worse_however_often_it_is_looked_at() -> None:
    rng = np.random.default_rng(0)
    n_releases, n_looks, alpha = 300, 60, 0.05
    crossed = 0
    for _ in range(n_releases):
        challenger = np.cumsum(rng.binomial(20, 0.02, n_looks))
        champion = np.cumsum(rng.binomial(180, 0.02, n_looks))
        crossed += any(
            log_e_value([exposure(0.1, (180 * k, 20 * k), (int(y), int(x)))], 1.0) >= math.log(1 / alpha)
            for k, (x, y) in enumerate(zip(challenger, champion, strict=True), start=1)
        )
    # Binomial(300, .05) is above 24 with probability .007.
    assert crossed <= 24


def test_ratio_bounds__hold_the_ratio_and_narrow_with_what_is_seen() -> None:
    few = ratio_bounds([exposure(0.5, (1_000, 1_000), (10, 30))], 0.05)
    many = ratio_bounds([exposure(0.5, (100_000, 100_000), (1_000, 3_000))], 0.05)
    assert few[0] < many[0] < 3.0 < many[1] < few[1]
    assert many[0] > 2.0
    assert many[1] < 4.5


def test_ratio_bounds__of_swapped_arms_are_the_inverse() -> None:
    one = exposure(0.25, (3_000, 1_000), (60, 90))
    low, high = ratio_bounds([one], 0.05)
    swapped_low, swapped_high = ratio_bounds([one.swapped], 0.05)
    assert (swapped_low, swapped_high) == pytest.approx((1 / high, 1 / low), rel=0.15)


def test_ratio_bounds__are_open_where_nothing_was_seen() -> None:
    assert ratio_bounds([], 0.05) == (0.0, math.inf)


def test_smallest_visible_rate__is_the_rate_at_which_the_expected_counts_cross() -> None:
    seen = [exposure(0.05, (19_000, 1_000), (38, 2))]
    rate = smallest_visible_rate(seen, TOLERANCE, 0.003)
    assert rate is not None
    assert 0.005 < rate < 0.03
    at_it = exposure(0.05, (19_000, 1_000), (38, math.ceil(rate * 1_000) + 1))
    below = exposure(0.05, (19_000, 1_000), (38, math.floor(rate * 1_000) - 1))
    assert log_e_value([below], TOLERANCE) < math.log(1 / 0.003) <= log_e_value([at_it], TOLERANCE)


def test_smallest_visible_rate__falls_with_units_and_is_none_before_any() -> None:
    rates = [
        smallest_visible_rate([exposure(0.05, (19 * n, n), (0, 0))], TOLERANCE, 0.003) for n in (100, 1_000, 10_000)
    ]
    assert None not in rates
    assert rates == sorted(rates, reverse=True)
    assert smallest_visible_rate([], TOLERANCE, 0.003) is None
    assert smallest_visible_rate([exposure(0.05, (19, 1), (0, 0))], TOLERANCE, 0.003) is None
    assert smallest_visible_rate([exposure(1.0, (0, 10_000), (0, 50))], TOLERANCE, 0.003) is None


@pytest.mark.parametrize("tolerance", [1.25, 5.0, 20.0])
def test_smallest_visible_rate__looks_for_ratios_above_the_tolerance_by_their_weights(tolerance: float) -> None:
    # The same figure from expected counts, ratio by ratio; at a tolerance that is a ratio itself this one is left out.
    share, n, alpha = 0.05, 200, 0.5
    found = smallest_visible_rate([exposure(share, (19 * n, n), (8, 0))], tolerance, alpha)
    base = 8.5 / (19 * n + 1)
    rates = np.geomspace(base, 1.0, 150)
    weights = {ratio: math.log(ratio) for ratio in RATIOS if ratio > tolerance}

    def evidence(rate: float) -> float:
        def likelihood(ratio: float) -> float:
            q = share * ratio / (share * ratio + 1 - share)
            return float(rate * n * math.log(q) + base * 19 * n * math.log(1 - q))

        ratios = [math.exp(likelihood(ratio) - likelihood(tolerance)) for ratio in weights]
        return float(np.average(ratios, weights=list(weights.values())))

    assert found == pytest.approx(next(rate for rate in rates if evidence(rate) >= 1 / alpha))
