"""One model against another on all recordings and every slice at once: what is shown, what is open, what is luck."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import beta, binom

from silencio.errors import DataError
from silencio.evaluation.simultaneous import (
    PairedBounds,
    compare_paired,
    max_t_upper,
    n_draws,
    paired_interval,
    resample_means,
    sign_test_upper,
)

ALPHA = 0.002
Rights = tuple[NDArray[np.bool_], NDArray[np.bool_]]


def _equal_models(n: int, seed: int, discordant: float = 0.2) -> Rights:
    """Two models of one recipe with other seeds: as good, and one in five recordings right for one of them alone."""
    rng = np.random.default_rng(seed)
    draw, both = rng.random(n), rng.random(n) < 0.7
    champion = np.where(draw < discordant / 2, True, np.where(draw < discordant, False, both))
    return champion, np.where(draw < discordant / 2, False, np.where(draw < discordant, True, both))


def _differing(n: int, better: int, worse: int) -> Rights:
    """`n` recordings, of which the challenger alone has `better` right and the champion alone `worse`."""
    champion = np.ones(n, bool)
    champion[:better] = False
    challenger = np.ones(n, bool)
    challenger[better : better + worse] = False
    return champion, challenger


def _compared(rights: Rights, slices: dict[str, NDArray[np.bool_]] | None = None, alpha: float = ALPHA) -> PairedBounds:
    return compare_paired(*rights, slices or {}, alpha=alpha)


def _members(n: int, *masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.stack([np.ones(n, bool), *masks], axis=1)


# Three outcomes


def test_outcome__another_seed_of_the_same_recipe_passes_in_nearly_all_seeds() -> None:
    outcomes = [_compared(_equal_models(75, seed)).outcome for seed in range(60)]
    assert "fail" not in outcomes
    assert outcomes.count("pass") >= 50


def test_outcome__shuffled_classes_fail() -> None:
    rng = np.random.default_rng(0)
    found = _compared((rng.random(75) < 0.7, rng.random(75) < 0.05))
    assert found.outcome == "fail"
    assert [group.name for group in found.worse] == ["all"]


def test_outcome__better_overall_and_worse_on_amphibia_fails_by_the_slice() -> None:
    # 40 Amphibia, of which 12 are lost; 160 Aves, of which 30 are won.
    champion, challenger = np.ones(200, bool), np.ones(200, bool)
    challenger[:12] = False
    champion[40:70] = False
    amphibia = np.arange(200) < 40
    found = _compared((champion, challenger), {"taxon class Amphibia": amphibia, "taxon class Aves": ~amphibia})
    assert found.all.difference > 0.05
    assert found.outcome == "fail"
    (worse,) = found.worse
    assert (worse.name, worse.n_recordings, worse.n_better, worse.n_worse) == ("taxon class Amphibia", 40, 0, 12)
    assert worse.difference == pytest.approx(-0.3)


def test_outcome__too_few_recordings_are_neither_pass_nor_fail() -> None:
    found = _compared(_equal_models(30, 1))
    assert found.outcome == "inconclusive"
    assert found.half_width > 0.10


def test_outcome__a_better_model_passes_however_much_better_it_is() -> None:
    found = _compared(_differing(300, 90, 5))
    assert found.outcome == "pass"
    assert found.interval[0] > 0.10


def test_outcome__a_wide_slice_is_shown_and_does_not_hold_the_release() -> None:
    champion, challenger = _equal_models(400, 2)
    few = np.arange(400) < 12
    champion[:12], challenger[:12] = True, np.arange(12) % 2 == 0
    found = _compared((champion, challenger), {"night": few})
    (night,) = found.slices
    assert night.difference == -0.5
    assert (night.is_worse, found.outcome) == (False, "pass")


@pytest.mark.parametrize(
    ("must_pass", "outcome", "not_settled"),
    [
        ((), "pass", ()),
        (("day",), "pass", ()),
        (("night",), "inconclusive", ("night",)),
        (("rain",), "inconclusive", ("rain",)),
        (("nobody's", "night", "day"), "inconclusive", ("nobody's", "night")),
    ],
)
def test_outcome__of_a_slice_that_has_to_pass_is_open_while_it_is_wide_small_or_not_there(
    must_pass: tuple[str, ...], outcome: str, not_settled: tuple[str, ...]
) -> None:
    champion, challenger = _equal_models(400, 2)
    place = np.arange(400)
    slices = {"night": place < 12, "rain": place < 9, "day": place >= 12}
    found = compare_paired(champion, challenger, slices, alpha=ALPHA, must_pass=must_pass)
    assert (found.outcome, found.not_settled) == (outcome, not_settled)
    night, day = found.slices
    assert night.half_width > 0.10 >= day.half_width
    lost = np.where(slices["night"], False, challenger)
    assert compare_paired(champion | slices["night"], lost, slices, alpha=ALPHA, must_pass=must_pass).outcome == "fail"


def test_groups__a_slice_below_ten_recordings_is_not_looked_at() -> None:
    champion, challenger = _differing(200, 0, 9)
    nine, ten = np.arange(200) < 9, np.arange(200) < 10
    found = _compared((champion, challenger), {"nine": nine, "ten": ten})
    assert [group.name for group in found.slices] == ["ten"]
    assert found.small_slices == ("nine",)


# False certainty


def test_degenerate__four_losses_of_four_differing_recordings_are_a_coins_work() -> None:
    # Four heads in a row come 1 time in 16; no resample shows a tail, and the bootstrap is sure at 1 in 20.
    differences = np.array([-1.0] * 4 + [0.0] * 8)
    members = _members(12)
    alone = resample_means(differences, members, n_draws=4000)
    assert max_t_upper(alone, [-1 / 3], 0.05)[0] < 0
    assert sign_test_upper(differences, members, 0.05)[0] > 0
    assert _compared(_differing(12, 0, 4), alpha=0.05).outcome != "fail"


def test_degenerate__no_recording_differs_says_little_of_few_and_much_of_many() -> None:
    few, many = _compared(_differing(10, 0, 0)), _compared(_differing(75, 0, 0))
    assert (few.outcome, many.outcome) == ("inconclusive", "pass")
    # As good so far is not as good: nine in ten of another draw may differ where ten agreed.
    assert few.all.upper > 0.4 > 0.1 > many.all.upper > 0
    assert few.interval[1] > 0.1


def test_degenerate__all_of_a_slice_lost_fails_from_nine_losses_on() -> None:
    # Nine in a row by chance: 2 ** -9 < .002 < 2 ** -8.
    outcomes = [_compared(_differing(20, 0, n)).outcome for n in (8, 9)]
    assert outcomes == ["inconclusive", "fail"]


@pytest.mark.parametrize("rights", [(np.ones(30, bool), np.zeros(30, bool)), (np.zeros(30, bool), np.ones(30, bool))])
def test_degenerate__everything_turned_over_is_a_number(rights: Rights) -> None:
    found = _compared(rights, {"half": np.arange(30) < 15})
    values = [found.all.upper, found.slices[0].upper, *found.interval]
    assert all(math.isfinite(value) and -1 <= value <= 1 for value in values)
    assert (found.outcome == "fail") == bool(rights[0].all())


# The family


def test_family__equal_models_fail_no_more_often_than_the_level_over_ten_slices() -> None:
    alpha, n, n_models = 0.05, 400, 250
    members = _members(n, *(np.arange(n) // 40 == number for number in range(10)))
    together = alone = 0
    for seed in range(n_models):
        champion, challenger = _equal_models(n, seed)
        better, worse = (1 * challenger > champion) @ (1 * members), (1 * champion > challenger) @ (1 * members)
        if (binom.cdf(better, better + worse, 0.5) <= alpha).any():
            # By itself some group is refused; only then can the bound of all together be below 0.
            alone += 1
            together += bool((sign_test_upper(challenger * 1.0 - champion, members, alpha) < 0).any())
    assert together <= n_models * alpha + 2.6 * math.sqrt(n_models * alpha * (1 - alpha))
    assert alone > 3 * together


def test_family__a_slice_that_is_the_whole_costs_nothing() -> None:
    rights = _differing(60, 2, 14)
    twice = _compared(rights, {"the same again": np.ones(60, bool)})
    assert twice.all.upper == twice.slices[0].upper == _compared(rights).all.upper


def test_family__more_slices_make_bounds_wider() -> None:
    rights, n = _equal_models(200, 3), 200
    some = {str(number): np.arange(n) // 20 == number for number in range(10)}
    assert _compared(rights, some).all.upper > _compared(rights).all.upper


# The bounds themselves


def test_sign_test__of_one_group_is_the_exact_binomial_test() -> None:
    for better, worse in [(0, 9), (0, 8), (1, 12), (1, 11), (5, 22), (5, 18), (8, 30)]:
        differences = np.concatenate([np.ones(better), -np.ones(worse), np.zeros(40 - better - worse)])
        bound = sign_test_upper(differences, _members(40), ALPHA)[0]
        assert (bound < 0) == (binom.cdf(better, better + worse, 0.5) <= ALPHA), (better, worse)


def test_sign_test__a_bound_is_clopper_and_pearsons() -> None:
    # One group whose level is Bonferroni's own, since no draw of three coins reaches 1 in 500.
    differences = np.concatenate([np.ones(2), -np.ones(1), np.zeros(47)])
    wins, differ = beta.ppf(1 - ALPHA, 3, 1), beta.ppf(1 - ALPHA, 4, 47)
    level_bound = sign_test_upper(differences, _members(50), ALPHA)[0]
    assert level_bound <= (2 * wins - 1) * differ + 1e-6
    assert level_bound > 0.05


def test_sign_test__few_signs_that_reach_the_level_exactly_do_not_fail() -> None:
    # Eight losses are found by chance 1 in 256 times: above 1 in 500, and the most that eight can show.
    differences = np.concatenate([-np.ones(8), np.zeros(12)])
    assert sign_test_upper(differences, _members(20), ALPHA)[0] > 0
    assert sign_test_upper(differences, _members(20), 1 / 255)[0] < 0


def test_max_t__is_the_quantile_of_the_largest_deviation() -> None:
    rng = np.random.default_rng(0)
    resampled = rng.standard_normal((4000, 2)) * [1.0, 10.0]
    bounds = max_t_upper(resampled, [0.0, 0.0], 0.05)
    spread = resampled.std(axis=0)
    largest = (-resampled / spread).max(axis=1)
    assert bounds / spread == pytest.approx(np.full(2, np.quantile(largest, 0.95)), abs=0.01)
    # Wider than for one alone, and the same number of spreads in both.
    assert bounds[0] > np.quantile(-resampled[:, 0], 0.95)


def test_max_t__of_what_never_varies_is_the_figure_itself() -> None:
    assert max_t_upper(np.full((50, 1), -0.2), [-0.2], 0.05).tolist() == [-0.2]


def test_resamples__a_group_is_seen_through_the_same_draws_as_the_whole() -> None:
    rng = np.random.default_rng(1)
    differences, half = rng.integers(-1, 2, 60).astype(float), np.arange(60) < 30
    whole, first, second = resample_means(differences, _members(60, half, ~half), n_draws=500).T
    assert ((whole >= np.minimum(first, second) - 1e-12) & (whole <= np.maximum(first, second) + 1e-12)).all()
    assert whole.mean() == pytest.approx(differences.mean(), abs=0.02)
    assert whole.std() == pytest.approx(differences.std() / math.sqrt(60), rel=0.15)


def test_interval__is_the_percentile_interval_unless_few_differ() -> None:
    many, few = np.repeat([-1.0, 1.0, 0.0], [5, 5, 90]), np.repeat([-1.0, 1.0, 0.0], [5, 4, 91])
    resampled = resample_means(many, _members(100), n_draws=2000)[:, 0]
    assert paired_interval(many, resampled) == tuple(np.quantile(resampled, [0.05, 0.95]))
    low, high = paired_interval(few, resampled)
    # Bonett and Price by hand: one recording of either kind more.
    better, worse = 5 / 102, 6 / 102
    half = 1.6448536 * math.sqrt((better + worse - (better - worse) ** 2) / 102)
    assert (low, high) == pytest.approx((better - worse - half, better - worse + half))


def test_interval__covers_nine_in_ten() -> None:
    rng, covered = np.random.default_rng(5), 0
    for _ in range(300):
        differences = rng.choice([-1.0, 0.0, 1.0], 80, p=[0.15, 0.75, 0.10])
        low, high = paired_interval(differences, resample_means(differences, _members(80), n_draws=500)[:, 0])
        covered += low <= -0.05 <= high
    assert 0.85 <= covered / 300 <= 0.96


def test_numbers__are_the_same_on_every_call() -> None:
    slices = {"half": np.arange(100) < 50}
    assert _compared(_equal_models(100, 4), slices) == _compared(_equal_models(100, 4), slices)


def test_draws__a_smaller_level_wants_more_of_them() -> None:
    assert n_draws(0.05) == 2000
    assert n_draws(0.002) == 20_000


@pytest.mark.parametrize(
    ("champion", "challenger", "slices", "named"),
    [
        ([], [], {}, "no recording"),
        ([1, 0], [1], {}, "challenger_right"),
        ([1, 0], [1, 0.5], {}, "challenger_right"),
        ([1, 0], [1, 0], {"night": [True]}, "night"),
        ([1, np.nan], [1, 0], {}, "champion_right"),
    ],
)
def test_input__what_is_no_pair_of_answers_is_refused(
    champion: list, challenger: list, slices: dict, named: str
) -> None:
    with pytest.raises(DataError, match=named):
        compare_paired(champion, challenger, slices, alpha=ALPHA)


def test_import__needs_nothing_of_training() -> None:
    code = (
        "import silencio.evaluation.simultaneous, sys; print(sorted({'pandas', 'scipy', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
