"""Figures and intervals as small pictures on one scale."""

from __future__ import annotations

import math
import re

import pytest

from silencio.reports.intervals import Scale, bar_cell, interval_cell, stack_cell


def _numbers(name: str, svg: str) -> list[float]:
    return [float(value) for value in re.findall(rf'\b{name}="([-\d.]+)"', svg)]


def test_scale__places_values_evenly_and_keeps_them_inside() -> None:
    scale = Scale.shares()
    assert scale.place(0.5) == pytest.approx((scale.place(0.0) + scale.place(1.0)) / 2)
    assert scale.place(-3.0) == scale.place(0.0)
    assert scale.place(7.0) == scale.place(1.0)


def test_scale__of_differences_holds_them_all_about_zero() -> None:
    scale = Scale.differences([0.12, -0.34, math.nan])
    assert (scale.low, scale.high) == (-0.4, 0.4)
    assert scale.labels == ("\N{MINUS SIGN}0.4", "0", "+0.4")
    assert Scale.differences([]).high == 0.1


def test_interval_cell__draws_the_figure_inside_its_interval() -> None:
    svg = interval_cell(Scale.shares(), 0.5, (0.25, 0.75))
    whisker = re.search(r'<line x1="([\d.]+)" x2="([\d.]+)"[^>]*class="whisker"', svg)
    assert whisker
    assert [float(end) for end in whisker.groups()] == [44.0, 116.0]
    assert _numbers("cx", svg) == [80.0]


@pytest.mark.parametrize("interval", [None, (0.0, 0.0), (math.nan, math.nan)])
def test_interval_cell__without_a_true_interval_draws_none(interval) -> None:
    svg = interval_cell(Scale.shares(), 0.0, interval)
    assert "whisker" not in svg
    assert "circle" in svg


def test_interval_cell__that_does_not_count_is_open() -> None:
    assert 'class="open dot"' in interval_cell(Scale.shares(), 0.5, (0.1, 0.9), muted=True)
    assert 'class="dot"' in interval_cell(Scale.shares(), 0.5, (0.1, 0.9))


def test_interval_cell__of_what_is_no_number_is_empty() -> None:
    assert "circle" not in interval_cell(Scale.shares(), math.nan, None)


def test_bar_cell__is_as_long_as_its_value() -> None:
    widths = [_numbers("width", bar_cell(Scale.shares(), value)) for value in (0.0, 0.5, 1.0)]
    assert widths == [[0.0], [72.0], [144.0]]
    assert _numbers("width", bar_cell(Scale.shares(), None)) == []


def test_stack_cell__pieces_follow_each_other() -> None:
    svg = stack_cell([4, 2, 2], 16)
    assert _numbers("x", svg) == [0.0, 40.0, 60.0]
    assert _numbers("width", svg) == [40.0, 20.0, 20.0]
    assert re.findall(r"piece-\d", svg) == ["piece-0", "piece-1", "piece-2"]


def test_heading__shows_the_scale_and_says_it() -> None:
    heading = Scale.shares().heading("right at first guess")
    assert 'aria-label="right at first guess"' in heading
    assert re.findall(r">([^<>]+)</text>", heading) == ["0", "50\u202f%", "100\u202f%"]
