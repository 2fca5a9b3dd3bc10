"""Precision over recall, and reliability."""

from __future__ import annotations

import re

import pytest

from silencio.reports.curves import precision_recall, reliability
from silencio.reports.inputs import ReportInputs


def _path(svg: str, class_: str) -> list[tuple[float, float]]:
    found = re.search(rf'<path d="M([^"]+)" class="{class_}"', svg)
    assert found
    return [(float(x), float(y)) for x, y in (point.split() for point in found[1].split("L"))]


def test_precision_recall__runs_from_no_recall_to_all(inputs: ReportInputs) -> None:
    line = _path(precision_recall(inputs.evaluation.curve), "line")
    assert [x for x, _ in line] == sorted(x for x, _ in line)
    assert line[0][1] < line[-1][1]  # precision falls, downwards on the page


def test_precision_recall__the_thresholds_stand_where_they_are(inputs: ReportInputs) -> None:
    svg = precision_recall({**inputs.evaluation.curve, "named_recall": 0.5, "named_precision": 0.6})
    mark = re.search(r'd="M([\d.]+) ([\d.]+)l7 7', svg)
    assert mark
    x, y = _path(svg, "line")[1]  # recall 0.5, precision 0.6
    assert (float(mark[1]), float(mark[2]) + 7) == pytest.approx((x, y), abs=0.1)


def test_precision_recall__says_it_in_words(inputs: ReportInputs) -> None:
    assert "55\u202f% of the names are right, and 50\u202f% of the species" in precision_recall(inputs.evaluation.curve)


def test_reliability__a_point_on_the_diagonal_means_what_it_says(inputs: ReportInputs) -> None:
    bins = [
        {"mean_probability": 0.25, "right_share": 0.25, "recordings_share": 0.5},
        {"mean_probability": 0.75, "right_share": 0.75, "recordings_share": 0.5},
    ]
    svg = reliability({**inputs.evaluation.calibration, "before": bins, "after": bins})
    (x0, y0), (x1, y1) = _path(svg, "reference")
    for x, y in _path(svg, "after"):
        assert (y - y0) / (y1 - y0) == pytest.approx((x - x0) / (x1 - x0), abs=0.01)


def test_reliability__a_bin_with_more_recordings_is_larger(inputs: ReportInputs) -> None:
    bins = [
        {"mean_probability": 0.2, "right_share": 0.2, "recordings_share": 0.1},
        {"mean_probability": 0.8, "right_share": 0.8, "recordings_share": 0.9},
    ]
    svg = reliability({**inputs.evaluation.calibration, "before": bins, "after": bins})
    small, large = (float(r) for r in re.findall(r'r="([\d.]+)" class="bin after"', svg)[:2])
    assert small < large


def test_reliability__before_and_after_differ_by_more_than_colour(inputs: ReportInputs) -> None:
    svg = reliability(inputs.evaluation.calibration)
    assert 'class="before"' in svg and 'class="after"' in svg
    assert ">before</text>" in svg and ">after</text>" in svg
    assert "30\u202f% before and 14\u202f% after" in svg
