"""Every comparison with the champion as one family: bounds of all together, and what of it decides."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from silencio.evaluation.bootstrap import Bootstrap, interval_around
from silencio.evaluation.champion_family import FAMILY_ERROR, ChampionFamily
from silencio.evaluation.comparisons import CHAMPION, Comparison, PairedDifference, compare
from silencio.evaluation.gates import Evidence, GatePolicy, apply_gates
from silencio.evaluation.slices import SliceConfig, SliceMetrics, evaluate_slices

N, N_EACH = 200, 20
TRUTH = np.arange(N) % 4
TARGET = np.eye(4)[TRUTH]
DRAWS = Bootstrap(N, 1000)
MASKS = {f"slice {number}": np.arange(N) // N_EACH == number for number in range(10)} | {"few": np.arange(N) < 9}
POLICY = GatePolicy(slice_margin=0.05, champion_margin=0.02)


def _scores(hits: NDArray[np.bool_], seed: int) -> NDArray[np.float64]:
    named = np.where(hits, TRUTH, (TRUTH + 1) % 4)
    return np.asarray(np.eye(4)[named] + 0.9 * np.random.default_rng(seed).random((N, 4)))


def _against(
    ours: NDArray[np.bool_], theirs: NDArray[np.bool_], fair: NDArray[np.bool_] | None = None
) -> tuple[list[Comparison], list[SliceMetrics]]:
    fair = np.ones(N, bool) if fair is None else fair
    own, other = _scores(ours, 1), _scores(theirs, 2)
    hit = np.where(fair, theirs, np.nan)
    slices = evaluate_slices(MASKS, own, TARGET, TRUTH, DRAWS, SliceConfig(), hit)
    difference = PairedDifference.of(own[fair], other[fair], TARGET[fair], TRUTH[fair], DRAWS.of(fair))
    return ChampionFamily(difference, DRAWS, fair, MASKS).with_bounds(slices)


def _one_bad_slice(n_lost: int, n_others_won: int = 0) -> tuple[list[Comparison], list[SliceMetrics]]:
    """The candidate loses so many of slice 0, and wins so many elsewhere."""
    ours, theirs = np.arange(N) % 3 > 0, np.arange(N) % 3 > 0
    ours[:n_lost], theirs[:n_lost] = False, True
    ours[100 : 100 + n_others_won], theirs[100 : 100 + n_others_won] = True, False
    return _against(ours, theirs)


def _refused(comparisons: list[Comparison], slices: list[SliceMetrics]) -> list[str]:
    verdict = apply_gates(POLICY, Evidence(comparisons=comparisons, slices=slices, champion="c"))
    return [reason.gate for reason in verdict.of("refused")]


def test_bounds__are_of_every_slice_that_counts_and_of_all_recordings() -> None:
    comparisons, slices = _one_bad_slice(4)
    assert [(one.other, one.metric) for one in comparisons] == [(CHAMPION, "macro_map"), (CHAMPION, "top1")]
    assert all(one.simultaneous_upper is not None for one in comparisons)
    assert [one.name for one in slices if one.simultaneous_upper is None] == ["few"]


def test_bounds__lie_above_those_of_one_comparison_alone() -> None:
    comparisons, slices = _one_bad_slice(4, 10)
    for one in comparisons:
        assert one.simultaneous_upper is not None
        assert one.difference < one.simultaneous_upper
    worst = slices[0]
    assert worst.change_interval is not None
    assert worst.simultaneous_upper is not None
    # By itself beyond doubt; one of ten slices is found so by chance.
    assert worst.change_interval[1] < 0 < worst.simultaneous_upper
    assert _refused(comparisons, slices) == []
    assert "champion on slice slice 0" in _refused(
        comparisons, [replace(one, simultaneous_upper=None) for one in slices]
    )


def test_bounds__a_slice_that_is_really_worse_is_refused_though_the_whole_is_better() -> None:
    comparisons, slices = _one_bad_slice(13, 40)
    assert comparisons[1].difference > 0.1
    assert _refused(comparisons, slices) == ["champion on slice slice 0"]


def test_bounds__are_over_the_recordings_on_which_both_can_be_compared() -> None:
    fair = np.arange(N) >= N_EACH
    ours, theirs = np.ones(N, bool), np.ones(N, bool)
    ours[:N_EACH] = False  # lost only where the champion cannot be asked
    comparisons, slices = _against(ours, theirs, fair)
    assert comparisons[1].n_recordings == N - N_EACH
    assert comparisons[1].difference == 0.0
    assert slices[0].simultaneous_upper is None
    assert _refused(comparisons, slices) == []


def test_comparisons__are_otherwise_those_of_any_other_model() -> None:
    ours, theirs = np.arange(N) % 3 > 0, np.arange(N) % 4 > 0
    comparisons, _ = _against(ours, theirs)
    plain = compare(CHAMPION, _scores(ours, 1), _scores(theirs, 2), TARGET, TRUTH, DRAWS)
    assert [replace(one, simultaneous_upper=None) for one in comparisons] == plain


def test_macro_map__its_bound_lies_around_the_figure_and_not_around_the_resamples() -> None:
    comparisons, _ = _against(np.arange(N) % 3 > 0, np.arange(N) % 3 > 0)
    (of_map, _) = comparisons
    difference = PairedDifference.of(
        _scores(np.arange(N) % 3 > 0, 1), _scores(np.arange(N) % 3 > 0, 2), TARGET, TRUTH, DRAWS
    )
    _, high = interval_around(of_map.difference, difference.resampled_macro_map, 1 - 2 * FAMILY_ERROR, lower_bound=-1.0)
    assert of_map.simultaneous_upper is not None
    assert of_map.simultaneous_upper > high - 1e-9


def test_files__of_before_have_no_bound_and_are_held_to_their_interval() -> None:
    comparisons, slices = _one_bad_slice(13)
    for one in (comparisons[0], slices[0]):
        facts = json.loads(json.dumps(asdict(one)))
        assert type(one).of(facts) == one
        del facts["simultaneous_upper"]
        assert type(one).of(facts) == replace(one, simultaneous_upper=None)


def test_reasons__say_the_bound_that_decides() -> None:
    comparisons, slices = _one_bad_slice(13, 40)
    verdict = apply_gates(POLICY, Evidence(comparisons=comparisons, slices=slices, champion="c"))
    (refusal,) = verdict.failed_gates
    assert slices[0].simultaneous_upper is not None
    assert f"(at most {slices[0].simultaneous_upper:+.3f}, all comparisons taken together)" in refusal
    assert refusal.endswith("the policy allows -0.05: refused.")


@pytest.mark.parametrize("upper", [float("nan"), float("inf")])
def test_reasons__a_bound_that_is_no_number_refuses(upper: float) -> None:
    comparisons, slices = _one_bad_slice(0)
    assert "champion on slice slice 0" not in _refused(comparisons, slices)
    unbounded = [replace(slices[0], simultaneous_upper=upper), *slices[1:]]
    assert "champion on slice slice 0" in _refused(comparisons, unbounded)
