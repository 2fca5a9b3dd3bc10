"""Permutations of days, against every arrangement of a small case by hand."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from silencio.drift.permutation import arrangements, differences, mean_differences, of_sums, permutation_test
from silencio.drift.species_mix import mix_distance

N_REFERENCE = 4


def blocks() -> np.ndarray:
    values = np.random.default_rng(3).normal(0, 1, (2, 3, 1 + N_REFERENCE, 2))
    values[:, :, 0] += 1.2
    return values


def test_tested__has_the_p_of_all_arrangements() -> None:
    values = blocks()
    drawn = arrangements(3, N_REFERENCE, 20_000, seed=2)
    found = permutation_test(mean_differences(differences(values), drawn), N_REFERENCE, centred=False)

    def statistic(days: tuple[int, ...], device: int, signal: int) -> float:
        parts = []
        for part, day in enumerate(days):
            others = [values[device, part, one, signal] for one in range(1 + N_REFERENCE) if one != day]
            parts.append(values[device, part, day, signal] - np.mean(others))
        return float(np.mean(parts))

    for device, signal in product(range(2), range(2)):
        all_of_them = [statistic(days, device, signal) for days in product(range(1 + N_REFERENCE), repeat=3)]
        own = statistic((0, 0, 0), device, signal)
        assert found.statistic[device, signal] == pytest.approx(own)
        share = np.mean(np.abs(all_of_them) >= abs(own) - 1e-12)
        assert found.p[device, signal] == pytest.approx(share, abs=0.012)
        days = [statistic((day,) * 3, device, signal) for day in range(1, 1 + N_REFERENCE)]
        assert found.spread[device, signal] == pytest.approx(np.sqrt(np.mean(np.square(days))))


def test_mean_differences__leave_out_parts_that_the_day_lacks() -> None:
    values = blocks()
    without = values.copy()
    without[:, 1, 0] = np.nan
    drawn = arrangements(3, N_REFERENCE, 5)
    found = mean_differences(differences(without), drawn)
    fewer = arrangements(2, N_REFERENCE, 5)
    fewer.days[:] = drawn.days[:, [0, 2]]
    assert found == pytest.approx(mean_differences(differences(values[:, [0, 2]]), fewer))


def test_of_sums__is_the_statistic_of_the_chosen_days_against_all_others() -> None:
    counts = np.random.default_rng(1).poisson(4, (3, 1 + N_REFERENCE, 1, 6)).astype(float)
    drawn = arrangements(3, N_REFERENCE, 2_000)
    found = of_sums(counts, drawn, mix_distance)
    for row in (0, 3, 1_500):
        now = sum(counts[part, drawn.days[row, part]] for part in range(3))
        assert found[row] == pytest.approx(float(mix_distance(now, counts.sum(axis=(0, 1)) - now)))


def test_tested__of_the_same_on_all_days_is_no_change() -> None:
    same = np.repeat(np.arange(3.0)[None, :, None, None], 1 + N_REFERENCE, axis=2)
    drawn = arrangements(3, N_REFERENCE, 99)
    found = permutation_test(mean_differences(differences(same), drawn), N_REFERENCE, centred=False)
    assert (float(found.statistic[0, 0]), float(found.p[0, 0])) == (0.0, 1.0)
