"""Windows become detections."""

from __future__ import annotations

import numpy as np
import pytest

from silencio.detections.merging import merge_windows


def _merged(
    starts_s: list[float], used: list[float], window_s: float = 5.0, duration_s: float | None = None
) -> list[tuple[float, float, float]]:
    rows = np.array([used], np.float32).T
    merged = merge_windows(starts_s, window_s, rows, rows >= 0.5, duration_s)
    return [(one.start_s, one.end_s, round(one.highest, 6)) for one in merged]


def test_merge_windows__neighbours_are_one_with_the_greatest_probability() -> None:
    assert _merged([0, 5, 10, 15], [0.6, 0.9, 0.7, 0.1]) == [(0, 15, 0.9)]


def test_merge_windows__a_break_makes_two() -> None:
    assert _merged([0, 5, 10, 15], [0.6, 0.1, 0.7, 0.8]) == [(0, 5, 0.6), (10, 20, 0.8)]


def test_merge_windows__overlapping_windows_are_one_over_a_gap_that_they_cover() -> None:
    # The window between them does not name the species, and yet all of its sound was heard in the two others.
    assert _merged([0, 2.5, 5.0, 7.5], [0.6, 0.1, 0.7, 0.1]) == [(0, 10, 0.7)]
    assert _merged([0, 2.5, 5.0, 7.5], [0.6, 0.1, 0.1, 0.7]) == [(0, 5, 0.6), (7.5, 12.5, 0.7)]


def test_merge_windows__rounding_is_no_break() -> None:
    window_s = 0.1
    starts_s = [i * window_s for i in range(50)]
    assert _merged(starts_s, [0.6] * 50, window_s) == [(0, pytest.approx(5.0), 0.6)]


@pytest.mark.parametrize(("duration_s", "end_s"), [(None, 10.0), (7.25, 7.25), (10.0, 10.0), (12.0, 10.0)])
def test_merge_windows__padding_is_cut_off(duration_s: float | None, end_s: float) -> None:
    assert _merged([0, 5], [0.6, 0.6], duration_s=duration_s) == [(0, end_s, 0.6)]


def test_merge_windows__nothing_named() -> None:
    assert _merged([0, 5], [0.1, 0.2]) == []


@pytest.mark.parametrize(
    ("probabilities", "expected"),
    [
        ([0.6, 0.1, 0.1], [(0, 5, 0.6)]),
        ([0.1, 0.1, 0.6], [(5.01, 10.01, 0.6)]),  # as long as a window, and not the 10 ms that are new in it
        ([0.1, 0.7, 0.6], [(5.0, 10.01, 0.7)]),
        ([0.8, 0.1, 0.6], [(0, 5, 0.8), (5.01, 10.01, 0.6)]),
    ],
)
def test_merge_windows__of_a_last_window_that_was_moved_back(
    probabilities: list[float], expected: list[tuple[float, float, float]]
) -> None:
    assert _merged([0, 5.0, 5.01], probabilities, duration_s=10.01) == expected
