"""A signal over the last weeks, with the band in which it does not matter: a small picture."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from monitoring.drift.pages.words import signal_words, value_words
from silencio.drift.document import DriftDocument, SignalChange
from silencio.drift.signals import AGAINST_PEERS
from silencio.drift.trial import size_in
from silencio.reports.markup import Markup, tag

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 380.0, 120.0, 52.0, 10.0, 10.0, 22.0


@dataclass(frozen=True)
class SignalLine:
    """One signal of one device and day part, day by day.

    Attributes:
        last: On the day of the page.
        days: Days on which it was compared.
        values: Its value on each day.
        alarms: Whether it was beyond its thresholds on each day.
    """

    last: SignalChange
    days: tuple[date, ...]
    values: tuple[float, ...]
    alarms: tuple[bool, ...]


def signal_lines(site_id: str, history: Sequence[DriftDocument], n_lines: int) -> list[SignalLine]:
    """Lines of the signals that are furthest from their reference on the last day.

    Args:
        site_id: The site.
        history: Documents by day, the page's own last.
        n_lines: How many; alarms come first.
    """
    by_day = {
        document.day: {_key(one): one for one in site.signals}
        for document in history
        for site in document.sites
        if site.site_id == site_id
    }
    if not by_day:
        return []
    last = by_day[max(by_day)]
    ordered = sorted(last.values(), key=lambda one: (not one.alarm, -_over(one), _key(one)))
    # A gain moves a dozen signals alike: one of a kind is enough to be looked at.
    chosen = {(_kind(one), one.device_id): one for one in reversed(ordered)}
    lines = []
    for one in [one for one in ordered if chosen[_kind(one), one.device_id] is one][:n_lines]:
        points = [(day, signals[_key(one)]) for day, signals in sorted(by_day.items()) if _key(one) in signals]
        lines.append(
            SignalLine(
                one,
                tuple(day for day, _ in points),
                tuple(change.current for _, change in points),
                tuple(change.alarm for _, change in points),
            )
        )
    return lines


def timeline(line: SignalLine, first: date, last: date) -> Markup:
    """The picture.

    Args:
        line: Its points; at least one.
        first: Day at the left edge: the same for all pictures of a page.
        last: Day at the right edge.
    """
    low_band, high_band = reference_band(line.last)
    low, high = min(low_band, *line.values), max(high_band, *line.values)
    margin = 0.08 * ((high - low) or 1.0)
    low, high = low - margin, high + margin
    n_days = max(1, (last - first).days)

    def x(day: date) -> float:
        return _LEFT + (day - first).days / n_days * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - (value - low) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)

    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    parts = [
        _band(y(high_band), y(low_band), right),
        tag("line", x1=_LEFT, x2=right, y1=y(line.last.reference), y2=y(line.last.reference), class_="reference"),
        tag("rect", x=_LEFT, y=_TOP, width=right - _LEFT, height=bottom - _TOP, class_="frame"),
    ]
    for value in (low_band, high_band):
        parts.append(tag("text", f"{value:,.3g}", x=_LEFT - 5, y=y(value) + 4, text_anchor="end", class_="tick"))
    points = [(x(day), y(value)) for day, value in zip(line.days, line.values, strict=True)]
    if len(points) > 1:
        parts.append(tag("path", d="M" + "L".join(f"{at:.1f} {up:.1f}" for at, up in points), class_="line"))
    for (at, up), is_alarm in zip(points, line.alarms, strict=True):
        # By form and not by colour alone: a square is beyond its thresholds.
        mark = {"x": at - 4, "y": up - 4, "width": 8, "height": 8}
        parts.append(tag("rect", **mark, class_="mark") if is_alarm else tag("circle", cx=at, cy=up, r=3, class_="dot"))
    parts.append(tag("text", f"{first:%b %d}", x=_LEFT, y=_HEIGHT - 5, class_="tick"))
    parts.append(tag("text", f"{last:%b %d}", x=right, y=_HEIGHT - 5, text_anchor="end", class_="tick"))
    size = f"0 0 {_WIDTH:g} {_HEIGHT:g}"
    return tag("svg", *parts, viewBox=size, class_="curve", role="img", aria_label=_summary(line))


def _band(top: float, bottom: float, right: float) -> Markup:
    place: dict[str, float] = {"x": _LEFT, "y": top, "width": right - _LEFT, "height": bottom - top}
    return tag("rect", **place, class_="heat", fill_opacity=0.3)


def reference_band(change: SignalChange) -> tuple[float, float]:
    """Values of a signal that do not matter.

    Args:
        change: With its reference, threshold and unit; a `ratio` is relative, a `jsd` a distance from 0.
    """
    if change.unit == "jsd":
        return 0.0, change.threshold
    width = change.threshold * abs(change.reference) if change.unit == "ratio" else change.threshold
    return change.reference - width, change.reference + width


def _summary(line: SignalLine) -> str:
    one, n_alarms = line.last, sum(line.alarms)
    return (
        f"{signal_words(one.signal)} on {len(line.days)} days: {value_words(line.values[0], one)} at first, "
        f"{value_words(line.values[-1], one)} at last, {value_words(one.reference, one)} in the reference; "
        f"beyond its thresholds on {n_alarms}."
    )


def _key(change: SignalChange) -> tuple[str, str, str]:
    return change.signal, change.device_id or "", change.day_part


def _kind(change: SignalChange) -> str:
    """What it measures, whatever the band, and whether by itself or against its peers."""
    return re.sub(r"_band_\d+", "", change.signal.removesuffix(AGAINST_PEERS))


def _over(change: SignalChange) -> float:
    return size_in(change.signal, change.effect, change.threshold)
