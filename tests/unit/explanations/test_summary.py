"""Where the importance of explanations lies, and how it moves."""

from __future__ import annotations

import numpy as np
import pytest

from silencio.explanations.occlusion import Explanation
from silencio.explanations.summary import ImportanceSummary, importance_shift, importance_summary

EDGES_HZ = np.array([500.0, 1_000.0, 2_000.0, 4_000.0, 8_000.0])


def explanation(importance: list[list[float]]) -> Explanation:
    values = np.array(importance)
    return Explanation(values, 0.9, EDGES_HZ, np.linspace(0, 2, values.shape[1] + 1), n_scored=1)


def test_summary__of_one_cell_is_its_middle() -> None:
    found = importance_summary(explanation([[0, 0], [0, 0.5], [0, 0], [0, 0]]))
    assert found is not None
    assert found.centroid_hz == pytest.approx(1_000 * 2**0.5)
    assert found.bandwidth_octaves == pytest.approx(0.0)
    assert found.half_share == 1 / 8


def test_summary__frequencies_are_octaves() -> None:
    found = importance_summary(explanation([[0.2, 0], [0, 0], [0.2, 0], [0, 0]]))
    assert found is not None
    assert found.centroid_hz == pytest.approx(1_000 * 2**0.5)
    assert found.bandwidth_octaves == pytest.approx(1.0)


def test_summary__what_speaks_against_the_class_does_not_count() -> None:
    found = importance_summary(explanation([[0, 0], [0, 0.5], [0, 0], [-0.9, 0]]))
    assert found is not None
    assert found.bandwidth_octaves == pytest.approx(0.0)


def test_summary__of_everything_alike_is_half_of_the_cells() -> None:
    found = importance_summary(explanation([[0.1] * 5] * 4))
    assert found is not None
    assert found.half_share == pytest.approx(0.5)


def test_summary__where_nothing_speaks_for_the_class_is_none() -> None:
    assert importance_summary(explanation([[0, 0], [0, -0.1], [0, 0], [0, 0]])) is None


def test_shift__is_of_medians_in_octaves() -> None:
    reference = [ImportanceSummary(hz, 0.5, 0.1) for hz in (900.0, 1_000.0, 8_000.0)]
    current = [ImportanceSummary(hz, 0.75, 0.2) for hz in (2_000.0, 2_100.0, 100.0)]
    shift = importance_shift(reference, current)
    assert shift is not None
    assert shift.centroid_octaves == pytest.approx(1.0)
    assert shift.bandwidth_octaves == pytest.approx(0.25)
    assert shift.half_share == pytest.approx(0.1)
    assert (shift.n_reference, shift.n_current) == (3, 3)


def test_shift__without_a_reference_is_none() -> None:
    assert importance_shift([], [ImportanceSummary(1_000.0, 0.5, 0.1)]) is None
