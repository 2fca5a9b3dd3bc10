"""Evidence over time: numbers that JSON has, lines crossed where they are crossed, marks where the share changed."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest

from silencio.release.policy import ReleasePolicy
from silencio.reports.release import Look, ReleaseInputs
from silencio.reports.release.collect import collect
from silencio.reports.release.evidence_curve import evidence_curve, number, summary
from silencio.reports.release.facts import EventFacts, EvidencePoint, EvidenceSeries
from silencio.reports.release.rule_facts import MAX_E, evidence_of, thinned
from silencio.reports.release.write import as_json
from tests.unit.reports.release.conftest import BEGAN, at, errors


def series(*values: float, line: float | None = 400.0) -> EvidenceSeries:
    points = tuple(
        EvidencePoint(since_start_s=60.0 * place, e_value=value) for place, value in enumerate(values, start=1)
    )
    return EvidenceSeries(rule="errors", alpha=0.0025, line=line, points=points)


def mark(since_s: float, share_percent: float) -> EventFacts:
    return EventFacts(at=BEGAN, since_start_s=since_s, state="step", share_percent=share_percent, why="", by="")


def test_evidence__has_the_line_of_the_policy_where_the_rule_names_none(inputs: ReleaseInputs) -> None:
    looks = [Look(at=at(1), verdicts=[errors(3.0, threshold=None)])]
    (found,) = evidence_of(looks, ReleasePolicy.shipped(), BEGAN)
    assert (found.rule, found.line) == ("errors", pytest.approx(400.0))
    assert [(one.since_start_s, one.e_value) for one in found.points] == [(60.0, 3.0)]
    assert [one.rule for one in collect(inputs).evidence] == ["errors"]  # `slow` had none


@pytest.mark.parametrize("value", [math.inf, 1e305])
def test_evidence__beyond_all_bounds_is_a_number_that_json_has(inputs: ReleaseInputs, value: float) -> None:
    facts = collect(replace(inputs, looks=[Look(at=at(1), verdicts=[errors(value)])]))
    assert facts.evidence[0].points[0].e_value == MAX_E
    assert "Infinity" not in as_json(facts)
    assert "<svg" in evidence_curve(facts.evidence, facts.history)


def test_evidence__that_is_no_number_is_none(inputs: ReleaseInputs) -> None:
    facts = collect(replace(inputs, looks=[Look(at=at(1), verdicts=[errors(math.nan)])]))
    assert facts.evidence == ()
    assert next(one for one in facts.rules if one.rule == "errors").e_value is None


def test_thinned__keeps_the_crossing_the_first_and_the_last() -> None:
    points = [EvidencePoint(since_start_s=place, e_value=1.0) for place in range(5000)]
    points[2345] = EvidencePoint(since_start_s=2345, e_value=500.0)
    found = thinned(points, 100)
    assert len(found) <= 100
    assert (found[0], found[-1]) == (points[0], points[-1])
    assert points[2345] in found
    assert [one.since_start_s for one in found] == sorted(one.since_start_s for one in found)


def test_thinned__few_points_are_all_kept() -> None:
    points = series(1, 2, 3).points
    assert thinned(points, 3) == points


def test_curve__rises_towards_its_line_and_crosses_it_where_evidence_does() -> None:
    svg = evidence_curve([series(1.0, 20.0, 500.0, 1000.0)], [])
    line = re.search(r'y1="([\d.]+)" y2="[\d.]+" class="limit"', svg)
    path = re.search(r'<path d="M([^"]+)"', svg)
    assert line
    assert path
    heights = [float(point.split()[1]) for point in path[1].split("L")]
    assert [height < float(line[1]) for height in heights] == [False, False, True, True]


def test_curve__has_a_mark_where_the_share_changed_and_nowhere_else() -> None:
    history = [mark(0.0, 0.0), mark(100.0, 0.0), mark(3000.0, 5.0), mark(3100.0, 5.0), mark(6000.0, 10.0)]
    svg = evidence_curve([series(1.0, 2.0)], history)
    assert svg.count('class="reference"') == 3
    assert re.findall(r">(\d+) %<", svg) == ["0", "5", "10"]


def test_curve__of_one_look_without_line_and_of_evidence_zero_can_be_drawn() -> None:
    assert 'class="limit"' not in evidence_curve([series(1.0, line=None)], [])
    assert "nan" not in evidence_curve([series(0.0)], [])


def test_curve__says_in_words_what_it_shows() -> None:
    made = series(1.0, 500.0, 50.0)
    assert summary(made) == "Failed sessions: E is 50 now and was 500 at most; it fails from 400."
    assert f'aria-label="{summary(made)}"' in evidence_curve([made], [])


@pytest.mark.parametrize(
    ("value", "words"), [(0.0, "0"), (0.123456, "0.123"), (12345.6, "12,346"), (3e8, "3.0e+08"), (1e-9, "1.0e-09")]
)
def test_number__has_the_digits_that_are_read(value: float, words: str) -> None:
    assert number(value) == words


@pytest.mark.parametrize(("duration_s", "unit"), [(600, "minutes"), (5 * 3600, "hours"), (9 * 86400, "days")])
def test_axis__has_the_unit_of_the_releases_length(duration_s: float, unit: str) -> None:
    svg = evidence_curve([series(1.0, 2.0)], [mark(0.0, 0.0), mark(duration_s, 5.0)])
    assert f"{unit} since the release began" in svg
