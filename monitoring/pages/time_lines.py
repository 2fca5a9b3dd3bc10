"""Series over time as SVG in the page's own colours: lines, an axis with its unit, a legend with the last values."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from monitoring.pages.units import shown
from silencio.reports.markup import Markup, join, tag
from silencio.reports.wording import count

MAX_LINES = 12
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 560.0, 220.0, 74.0, 16.0, 10.0, 28.0
_N_LOOKS = 6
_DASHES = (None, "7 4", "2 3")
# A longer gap between two points than so many steps is a gap of the line.
_GAP_STEPS = 1.5
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800)
_MAX_TIMES = 6


@dataclass(frozen=True)
class Line:
    """One series with its name.

    Attributes:
        name: As the legend has it.
        points: (Unix time in seconds, value), by time, finite.
    """

    name: str
    points: tuple[tuple[float, float], ...]

    @property
    def last(self) -> float:
        return self.points[-1][1]


@dataclass(frozen=True)
class Axes:
    """What is drawn of time and value.

    Attributes:
        begin_s: First moment, Unix time.
        end_s: Last moment.
        step_s: Seconds between two points of a line.
        unit: Grafana's unit of the values.
        decimals: Digits behind the point; None: as many as needed.
        minimum: Where the axis of values begins; None: by the values.
        maximum: Where it ends; None: by the values.
        limits: Values at which a dashed line stands.
    """

    begin_s: float
    end_s: float
    step_s: float
    unit: str
    decimals: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    limits: tuple[float, ...] = ()

    def x(self, at_s: float) -> float:
        return _LEFT + (at_s - self.begin_s) / max(1e-9, self.end_s - self.begin_s) * (_WIDTH - _LEFT - _RIGHT)


def time_lines(title: str, lines: Sequence[Line], axes: Axes) -> Markup:
    """A picture and its legend; of many lines those with the largest last values.

    Args:
        title: What it shows, for a screen reader.
        lines: At least one, each with at least one point.
        axes: Time, and how values are written.
    """
    ordered = sorted(lines, key=lambda one: -one.last)
    drawn = sorted(ordered[:MAX_LINES], key=lambda one: one.name)
    low, high, ticks = _range([value for line in drawn for _, value in line.points], axes)
    bottom = _HEIGHT - _BOTTOM

    def y(value: float) -> float:
        return bottom - (min(max(value, low), high) - low) / (high - low) * (bottom - _TOP)

    parts = []
    for value in ticks:
        parts.append(tag("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y(value), y2=y(value), class_="grid"))
        label = shown(value, axes.unit, axes.decimals)
        parts.append(tag("text", label, x=_LEFT - 8, y=y(value) + 4, text_anchor="end", class_="tick"))
    parts += _time_axis(axes, bottom)
    for limit in axes.limits:
        if low <= limit <= high:
            parts.append(tag("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y(limit), y2=y(limit), class_="limit"))
    for number, line in enumerate(drawn):
        parts += _drawn(line, number, axes, y)
    facts = "; ".join(f"{one.name}: {shown(one.last, axes.unit, axes.decimals)}" for one in drawn)
    picture = tag(
        "svg", *parts, viewBox=f"0 0 {_WIDTH:g} {_HEIGHT:g}", class_="lines", role="img", aria_label=f"{title}. {facts}"
    )
    return join(picture, _legend(drawn, len(lines) - len(drawn), axes))


def _drawn(line: Line, number: int, axes: Axes, y: Callable[[float], float]) -> list[Markup]:
    look = f"series series-{number % _N_LOOKS}"
    pieces: list[list[tuple[float, float]]] = []
    before_s = -math.inf
    for at_s, value in line.points:
        if at_s - before_s > _GAP_STEPS * axes.step_s:
            pieces.append([])
        pieces[-1].append((axes.x(at_s), y(value)))
        before_s = at_s
    parts = []
    for piece in pieces:
        if len(piece) > 1:
            way = "M" + "L".join(f"{x:.1f} {at:.1f}" for x, at in piece)
            parts.append(tag("path", d=way, class_=look, stroke_dasharray=_DASHES[number // _N_LOOKS % len(_DASHES)]))
        else:
            parts.append(tag("circle", cx=piece[0][0], cy=piece[0][1], r=3, class_=f"point series-{number % _N_LOOKS}"))
    return parts


def _legend(drawn: Sequence[Line], n_left_out: int, axes: Axes) -> Markup:
    entries = []
    for number, line in enumerate(drawn):
        look = f"series series-{number % _N_LOOKS}"
        dashes = _DASHES[number // _N_LOOKS % len(_DASHES)]
        swatch = tag(
            "svg",
            tag("path", d="M0 5L22 5", class_=look, stroke_dasharray=dashes),
            viewBox="0 0 22 10",
            aria_hidden="true",
        )
        entries.append(tag("li", swatch, f"{line.name} ", tag("b", shown(line.last, axes.unit, axes.decimals))))
    if n_left_out:
        entries.append(tag("li", f"and {count(n_left_out, 'more series', 'more series')} with smaller values"))
    return tag("ul", *entries, class_="legend series-names")


def _range(values: Sequence[float], axes: Axes) -> tuple[float, float, list[float]]:
    """The ends of the axis of values, and where it has ticks."""
    low, high = min(*values, *values), max(*values, *values)
    # From zero, unless that would leave the lines a strip at the top; of lines that are all alike a strip is right.
    is_strip = low >= 0.6 * high > 0 and high - low > 0.05 * high
    low = low if is_strip else min(0.0, low)
    low = low if axes.minimum is None else float(axes.minimum)
    high = high if axes.maximum is None else float(axes.maximum)
    if high <= low:
        high = low + (abs(low) or 1.0)
    step = _round_step((high - low) / 4)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = [round(number * step, 12) for number in range(first, last + 1)]
    return min(low, ticks[0]), max(high, ticks[-1]), ticks


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * (1 - 1e-9))


def _time_axis(axes: Axes, bottom: float) -> list[Markup]:
    """Ticks at whole minutes, hours or days, UTC."""
    span_s = axes.end_s - axes.begin_s
    step_s = next((step for step in _STEPS_S if span_s / step <= _MAX_TIMES), _STEPS_S[-1])
    format_ = "%m-%d" if step_s >= 86400 else "%H:%M" if step_s >= 60 else "%H:%M:%S"
    parts = []
    at_s = math.ceil(axes.begin_s / step_s) * step_s
    while at_s <= axes.end_s:
        x = axes.x(at_s)
        parts.append(tag("line", x1=x, x2=x, y1=bottom, y2=bottom + 4, class_="axis"))
        label = datetime.fromtimestamp(at_s, UTC).strftime(format_)
        anchor = "middle" if x < _WIDTH - _RIGHT - 8 else "end"
        parts.append(tag("text", label, x=x, y=bottom + 18, text_anchor=anchor, class_="tick"))
        at_s += step_s
    return parts
