"""Evidence of the sequential rules over time: a strip a rule, with its line 1/alpha and marks of the share."""

from __future__ import annotations

import math
from collections.abc import Sequence

from silencio.reports.markup import Markup, tag
from silencio.reports.release.facts import EventFacts, EvidencePoint, EvidenceSeries
from silencio.reports.release.words import rule_words

_WIDTH, _LEFT, _RIGHT = 640.0, 60.0, 24.0
_STRIP, _GAP, _TOP, _BOTTOM = 96.0, 34.0, 24.0, 46.0
# Below a hundredth, and above the line by more than this factor, a strip shows no more: both are clear.
_MIN_LOG, _ABOVE = -2.0, 1.5
# Two labels closer than this would stand over each other.
_MIN_LABEL_GAP = 44.0


def evidence_curve(series: Sequence[EvidenceSeries], history: Sequence[EventFacts]) -> Markup:
    """One picture for all rules, on one axis of time.

    Args:
        series: Those of at least one rule.
        history: Events; where the share changes there is a mark.
    """
    marks = _share_changes(history)
    duration_s = max(
        1.0, *(point.since_start_s for one in series for point in one.points), *(mark.since_start_s for mark in marks)
    )
    height = _TOP + len(series) * (_STRIP + _GAP) - _GAP + _BOTTOM
    parts: list[Markup] = []
    for number, one in enumerate(series):
        parts += _strip(one, _TOP + number * (_STRIP + _GAP), duration_s)
    parts += _marks(marks, duration_s, height - _BOTTOM)
    parts += _time_axis(duration_s, height - _BOTTOM)
    return tag(
        "svg",
        *parts,
        viewBox=f"0 0 {_WIDTH:g} {height:g}",
        class_="wide",
        role="img",
        aria_label=" ".join(summary(one) for one in series),
    )


def summary(series: EvidenceSeries) -> str:
    """What a strip shows, in one sentence."""
    last, largest = series.points[-1].e_value, max(point.e_value for point in series.points)
    line = "" if series.line is None else f"; it fails from {number(series.line)}"
    return f"{rule_words(series.rule).title}: E is {number(last)} now and was {number(largest)} at most{line}."


def number(value: float) -> str:
    """Three digits, thousands apart; what is larger than a million in powers of ten."""
    if value == 0 or 1e-3 <= abs(value) < 1e6:
        return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:.1e}"


def _share_changes(history: Sequence[EventFacts]) -> list[EventFacts]:
    changes: list[EventFacts] = []
    for one in history:
        if not changes or one.share_percent != changes[-1].share_percent:
            changes.append(one)
    return changes


def _strip(series: EvidenceSeries, top: float, duration_s: float) -> list[Markup]:
    low, high = _range(series)
    bottom = top + _STRIP

    def y(log_e: float) -> float:
        return bottom - (min(max(log_e, low), high) - low) / (high - low) * _STRIP

    title = f"{series.rule}: {rule_words(series.rule).title}"
    parts = [tag("text", title, x=_LEFT, y=top - 8)]
    parts.append(tag("rect", x=_LEFT, y=top, width=_WIDTH - _LEFT - _RIGHT, height=_STRIP, class_="frame"))
    for power in _powers(low, high):
        parts.append(tag("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y(power), y2=y(power), class_="grid"))
        label = f"{10**power:g}" if power < 6 else f"1e{power}"
        parts.append(tag("text", label, x=_LEFT - 8, y=y(power) + 4, text_anchor="end", class_="tick"))
    if series.line is not None:
        at = y(math.log10(series.line))
        parts.append(tag("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=at, y2=at, class_="limit"))
        words = f"1/alpha = {number(series.line)}"
        parts.append(tag("text", words, x=_WIDTH - _RIGHT - 4, y=at - 4, text_anchor="end", class_="tick halo"))
    points = [(_x(one.since_start_s, duration_s), y(_log(one))) for one in series.points]
    if len(points) > 1:
        parts.append(tag("path", d="M" + "L".join(f"{x:.1f} {at:.1f}" for x, at in points), class_="line"))
    # A dot at every look says how often was looked; of many the last says where it stands.
    parts += [tag("circle", cx=x, cy=at, r=3, class_="dot") for x, at in (points if len(points) < 60 else points[-1:])]
    return parts


def _range(series: EvidenceSeries) -> tuple[float, float]:
    logs = [_log(one) for one in series.points]
    high = max(1.0, *logs)
    if series.line is not None:
        line = math.log10(series.line)
        high = max(line + 0.3, min(high, _ABOVE * line))
    return max(_MIN_LOG, min(0.0, *logs)) - 0.2, high + 0.2


def _log(point: EvidencePoint) -> float:
    return math.log10(point.e_value) if point.e_value > 0 else _MIN_LOG


def _powers(low: float, high: float) -> range:
    step = max(1, math.ceil((high - low) / 4))
    return range(math.ceil(low), math.floor(high) + 1, step)


def _marks(marks: Sequence[EventFacts], duration_s: float, bottom: float) -> list[Markup]:
    parts, right = [], -_MIN_LABEL_GAP
    for one in marks:
        x = _x(one.since_start_s, duration_s)
        parts.append(tag("line", x1=x, x2=x, y1=_TOP, y2=bottom, class_="reference"))
        if x - right >= _MIN_LABEL_GAP:
            right = x
            parts.append(
                tag("text", f"{one.share_percent:g} %", x=x, y=bottom + 32, text_anchor="middle", class_="tick")
            )
    return parts


def _time_axis(duration_s: float, bottom: float) -> list[Markup]:
    unit_s, unit = (86400.0, "days") if duration_s > 3 * 86400 else (3600.0, "hours")
    unit_s, unit = (unit_s, unit) if duration_s > 2 * 3600 else (60.0, "minutes")
    span = duration_s / unit_s
    power = 10.0 ** math.floor(math.log10(span / 5))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor * 6 >= span)
    parts = [
        tag("text", f"{count * step:g}", x=_x(count * step * unit_s, duration_s), y=bottom + 16, text_anchor="middle")
        for count in range(int(span / step + 1e-9) + 1)
    ]
    words = f"{unit} since the release began; below: the share of the challenger"
    return [
        *parts,
        tag("text", words, x=(_LEFT + _WIDTH - _RIGHT) / 2, y=bottom + 44, text_anchor="middle", class_="tick"),
    ]


def _x(since_s: float, duration_s: float) -> float:
    return _LEFT + since_s / duration_s * (_WIDTH - _LEFT - _RIGHT)
