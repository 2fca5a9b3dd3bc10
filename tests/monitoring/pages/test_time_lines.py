from __future__ import annotations

import re
from xml.etree import ElementTree

from monitoring.pages.time_lines import MAX_LINES, Axes, Line, time_lines

AXES = Axes(begin_s=0.0, end_s=600.0, step_s=60.0, unit="short")


def _svg(lines: list[Line], axes: Axes = AXES) -> ElementTree.Element:
    whole = ElementTree.fromstring(f"<div>{time_lines('T', lines, axes)}</div>")
    found = whole.find("svg")
    assert found is not None
    return found


def _steady(name: str, value: float) -> Line:
    return Line(name, tuple((60.0 * i, value) for i in range(11)))


def test_time_lines__a_gap_is_a_gap_and_a_lonely_point_a_dot() -> None:
    points = tuple((60.0 * i, 1.0) for i in (0, 1, 2, 6, 9, 10))
    svg = _svg([Line("a", points)])
    assert len(svg.findall("path")) == 2
    assert len(svg.findall("circle")) == 1


def test_time_lines__larger_is_higher_and_later_is_further_right() -> None:
    svg = _svg([Line("a", ((0.0, 1.0), (60.0, 3.0), (120.0, 2.0)))])
    points = [tuple(map(float, one.split())) for one in re.split("[ML]", svg.findall("path")[0].get("d", ""))[1:]]
    (x0, y0), (x1, y1), (x2, y2) = points
    assert x0 < x1 < x2
    assert y1 < y2 < y0


def test_time_lines__a_value_that_never_changes_and_a_limit_are_inside() -> None:
    for value in (0.0, 5.0, -2.0):
        (path,) = _svg([_steady("a", value)]).findall("path")
        ys = [float(one.split()[1]) for one in re.split("[ML]", path.get("d", ""))[1:]]
        assert all(0 <= y <= 220 for y in ys)
    axes = Axes(begin_s=0.0, end_s=600.0, step_s=60.0, unit="short", limits=(4.0, 400.0))
    limits = [one for one in _svg([_steady("a", 5.0)], axes).findall("line") if one.get("class") == "limit"]
    assert len(limits) == 1


def test_time_lines__lines_that_are_all_alike_stand_over_zero_and_no_two_ticks_are_called_alike() -> None:
    for values in ((1.751, 1.752), (10.0, 14.0), (10_000.0, 10_000.5)):
        svg = _svg([_steady(f"{value}", value) for value in values])
        ticks = [one.text for one in svg.findall("text") if one.get("text-anchor") == "end"]
        assert len(set(ticks)) == len(ticks), ticks


def test_time_lines__of_many_the_largest_and_how_many_are_left_out() -> None:
    lines = [_steady(f"line {n:02d}", float(n)) for n in range(MAX_LINES + 3)]
    text = time_lines("T", lines, AXES)
    assert "line 03" in text
    assert "line 02" not in text
    assert "and 3" in text.replace("\u202f", " ")
    # No two of them look alike.
    looks = [(one.get("class"), one.get("stroke-dasharray")) for one in _svg(lines).findall("path")]
    assert len(set(looks)) == len(looks) == MAX_LINES


def test_time_lines__names_are_text() -> None:
    assert "<b>&" not in time_lines("T", [_steady("<script>alert(1)</script>", 1.0)], AXES)
    assert "<script>" not in time_lines("T", [_steady("<script>alert(1)</script>", 1.0)], AXES)
