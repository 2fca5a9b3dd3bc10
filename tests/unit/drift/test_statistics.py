"""Distances, standardisation, label shift, reviews and the correction: against scipy and known answers."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

from silencio.drift.comparison import corrected
from silencio.drift.label_shift import Confusion, explained_share, shifted_prior
from silencio.drift.policy import DriftPolicy
from silencio.drift.reviews import ReviewCounts, compare_reviews
from silencio.drift.signals import INPUTS
from silencio.drift.species_mix import jensen_shannon, mix_lower_bound, precision_change, score_change
from silencio.drift.trial import Trial
from silencio.errors import DataError

POLICY = DriftPolicy.shipped()


def test_jensen_shannon__is_scipys_squared_in_bits() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.poisson(3, (5, 8)).astype(float), rng.poisson(2, (5, 8)).astype(float)
    expected = [jensenshannon(p, q, base=2) ** 2 for p, q in zip(first, second, strict=True)]
    assert jensen_shannon(first, second) == pytest.approx(expected)
    assert jensen_shannon(np.array([1.0, 0]), np.array([0, 1.0])) == pytest.approx(1.0)
    assert np.isnan(jensen_shannon(np.zeros(2), np.ones(2)))


def test_score_change__does_not_follow_the_mix_as_precision_does() -> None:
    # Counts and sums: a species of .9 and one of .6, whose shares change places.
    before, after = np.array([[90.0, 10], [81, 6]]), np.array([[10.0, 90], [9, 54]])
    assert float(score_change(after, before)) == pytest.approx(0.0)
    assert float(precision_change(after, before)) == pytest.approx(0.63 - 0.87)
    fell = np.array([[10.0, 90], [8, 54]])
    assert float(score_change(fell, before)) == pytest.approx(0.9 * -0.1)


def test_score_change__leaves_out_species_with_too_few_scores() -> None:
    before, after = np.array([[90.0, 10], [81, 6]]), np.array([[50.0, 4], [45, 0.4]])
    assert float(score_change(after, before)) == pytest.approx(0.0)
    assert np.isnan(score_change(np.array([[4.0, 4], [1, 1]]), before))


def test_mix_lower_bound__is_below_the_distance_and_closer_with_more_blocks() -> None:
    rng = np.random.default_rng(0)
    blocks = rng.multinomial(20, [0.7, 0.2, 0.1], 200).astype(float)
    others = rng.multinomial(20, [0.2, 0.3, 0.5], 200).astype(float)
    distance = float(jensen_shannon(blocks.sum(axis=0), others.sum(axis=0)))
    few = mix_lower_bound(blocks[:5], others, distance, 300)
    many = mix_lower_bound(blocks, others, distance, 300)
    assert few < many < distance


def test_shifted_prior__recovers_a_known_prior_through_confusions() -> None:
    given = np.array([[0.8, 0.1, 0.2], [0.1, 0.7, 0.2], [0.1, 0.2, 0.6]])
    before, now = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.2, 0.7])
    prior = shifted_prior(given, before, given @ now * 1e4)
    assert prior == pytest.approx(now, abs=1e-3)


def test_explained_share__is_of_a_shift_all_and_of_lower_scores_little() -> None:
    before = np.array([[50.0, 50], [50, 50], [50, 50]])
    confusion = Confusion(("a", "b", "c"), np.array([[8.0, 1, 1], [1, 9, 0], [0, 0, 10]])).of(("a", "b", "c"))
    shifted = before * np.array([[4.0], [1], [0.3]])
    assert explained_share(before, shifted, np.eye(3)) > 0.99
    # A black box that errs cannot name fewer of the first than it names for the others: nearly all.
    assert explained_share(before, shifted, confusion) > 0.9
    lower = before * np.array([1.6, 0.4])
    assert explained_share(before, lower, confusion) < 0.2


def test_confusion__of_species_it_lacks_takes_them_for_right_and_of_few_windows_nearly() -> None:
    counts = np.array([[3.0, 1], [0, 2]])
    of = Confusion(("a", "b"), counts).of(("b", "new", "a"))
    assert of == pytest.approx(np.array([[7.0, 0, 0], [0, 5, 0], [1, 0, 8]]))
    with pytest.raises(DataError, match="must be square"):
        Confusion(("a",), np.ones((2, 1)))


@pytest.mark.parametrize("n_bins", [1, 2])
def test_explained_share__of_a_species_that_the_reference_lacks_survives_a_confused_window(n_bins: int) -> None:
    codes = ("a", "b", "new")
    before = np.array([[50.0, 50], [50, 50], [0, 0]])
    arrived = before + np.array([[0.0, 0], [0, 0], [10, 60]])
    if n_bins == 1:
        before, arrived = before.sum(axis=1, keepdims=True), arrived.sum(axis=1, keepdims=True)
    for n_confused in (0, 1, 2):
        # So many windows of the new species were taken for the first one, or those of the first for it.
        counts = np.array([[20.0, 0, n_confused], [0, 20, 0], [n_confused, 0, 8]])
        assert explained_share(before, arrived, Confusion(codes, counts).of(codes)) > 0.8
    # Where validation nearly always takes it for another, so many of its name are no animals that came.
    always = np.array([[20.0, 0, 60], [0, 20, 0], [0, 0, 1]])
    assert explained_share(before, arrived, Confusion(codes, always).of(codes)) < 0.8


@pytest.mark.parametrize(("right", "wrong"), [(30, 10), (0, 5), (7, 0)])
def test_reviews__have_jeffreys_interval(right: int, wrong: int) -> None:
    low, high = ReviewCounts(right, wrong, 0.8).interval() or (0.0, 0.0)
    expected = stats.beta.ppf([0.025, 0.975], right + 0.5, wrong + 0.5)
    assert low == (pytest.approx(expected[0]) if right else 0.0)
    assert high == (pytest.approx(expected[1]) if wrong else 1.0)


def test_tested_reviews__alarm_by_the_intervals_gap_alone() -> None:
    place = (date(2026, 5, 8), "am-1")
    (far,) = compare_reviews({place: ReviewCounts(20, 20, 0.8)}, POLICY)
    assert (far.may_alarm, far.is_beyond) == (True, True)
    (near,) = compare_reviews({place: ReviewCounts(6, 4, 0.8)}, POLICY)
    assert (near.may_alarm, near.is_beyond) == (False, True)
    assert compare_reviews({place: ReviewCounts(0, 0, 0.8)}, POLICY) == []


def trial(p: float, effect: float = 5.0, **others: object) -> Trial:
    known = {"signal": INPUTS[0], "device_id": "a", "spread": 0.1, "n_recordings": 9, "n_reference": 9}
    return Trial(**{**known, "reference": 0.0, "current": effect, "threshold": 3.0, "p": p, "effect": effect, **others})  # type: ignore[arg-type]


def test_corrected__has_benjamini_and_hochbergs_q_over_all_of_them() -> None:
    ps = [0.001, 0.03, 0.02, 0.4, 0.9]
    changes = corrected([trial(p, device_id=str(p)) for p in ps], POLICY)
    expected = dict(zip(map(str, ps), stats.false_discovery_control(ps), strict=True))
    assert {one.device_id: one.q for one in changes} == pytest.approx(expected)
    assert {one.device_id for one in changes if one.alarm} == {"0.001", "0.02", "0.03"} - {
        device for device, q in expected.items() if q > 0.05
    }


def test_corrected__alarms_with_q_and_effect_only() -> None:
    small, forbidden, large = trial(1e-4, effect=2.9), trial(1e-4, may_alarm=False), trial(1e-4, effect=-3.1)
    assert [one.alarm for one in corrected([small], POLICY)] == [False]
    assert [one.alarm for one in corrected([forbidden], POLICY)] == [False]
    assert [one.alarm for one in corrected([large], POLICY)] == [True]
    assert corrected([trial(float("nan"))], POLICY) == ()
