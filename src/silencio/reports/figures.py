"""Pictures of a step's page, as SVG in the page's own colours."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from silencio.reports.markup import Markup, tag

_WIDTH, _RIGHT = 640.0, 24.0
_CURVE_HEIGHT, _CURVE_LEFT, _CURVE_BOTTOM, _CURVE_TOP = 260.0, 60.0, 46.0, 10.0
_BAR, _BARS_LEFT, _BARS_TOP, _BARS_BOTTOM = 18.0, 130.0, 30.0, 46.0
_LETTER = 6.2  # about its width at the size of a tick's label


def curve(values: Sequence[float], x_name: str, y_name: str) -> Markup:
    """A line over 1, 2, 3, …"""
    low, high = min(0.0, *values), max(*values, 0.0)
    y_ticks, x_ticks = _ticks(low, high), _ticks(1, max(2, len(values)), whole=True)
    high = max(high, y_ticks[-1])
    bottom = _CURVE_HEIGHT - _CURVE_BOTTOM

    def x(number: float) -> float:
        return _CURVE_LEFT + (number - 1) / max(1, len(values) - 1) * (_WIDTH - _CURVE_LEFT - _RIGHT)

    def y(value: float) -> float:
        return bottom - (value - low) / ((high - low) or 1.0) * (bottom - _CURVE_TOP)

    parts = []
    for tick in y_ticks:
        parts.append(tag("line", x1=_CURVE_LEFT, x2=_WIDTH - _RIGHT, y1=y(tick), y2=y(tick), class_="grid"))
        parts.append(_text(f"{tick:g}", _CURVE_LEFT - 8, y(tick) + 4, "end", "tick"))
    parts += [_text(f"{tick:g}", x(tick), bottom + 18, "middle", "tick") for tick in x_ticks if tick <= len(values)]
    points = [(x(number), y(value)) for number, value in enumerate(values, 1) if math.isfinite(value)]
    if len(points) > 1:
        parts.append(tag("path", d="M" + "L".join(f"{one:.1f} {other:.1f}" for one, other in points), class_="line"))
    parts += [tag("circle", cx=one, cy=other, r=3, class_="dot") for one, other in points]
    parts.append(_text(x_name, (_CURVE_LEFT + _WIDTH - _RIGHT) / 2, _CURVE_HEIGHT - 8, "middle"))
    turned = f"translate(12 {(bottom + _CURVE_TOP) / 2:.0f}) rotate(-90)"
    parts.append(tag("text", y_name, transform=turned, text_anchor="middle"))
    label = f"{y_name} by {x_name}, from {values[0]:.3g} to {values[-1]:.3g}"
    return _figure(parts, _CURVE_HEIGHT, label)


def bars(stacks: Mapping[str, Sequence[float]], names: Sequence[str], x_name: str) -> Markup:
    """Horizontal bars, one a name, made of one piece for each entry of `stacks`."""
    totals: list[float] = [sum(values) for values in zip(*stacks.values(), strict=True)]
    ticks = _ticks(0.0, max(totals, default=1.0))
    full_scale = max(ticks[-1], *totals, 1e-9)
    height = _BARS_TOP + _BAR * len(names) + _BARS_BOTTOM

    def x(value: float) -> float:
        return _BARS_LEFT + value / full_scale * (_WIDTH - _BARS_LEFT - _RIGHT)

    bottom = height - _BARS_BOTTOM
    parts = [tag("line", x1=x(tick), x2=x(tick), y1=_BARS_TOP, y2=bottom, class_="grid") for tick in ticks]
    parts += [_text(f"{tick:g}", x(tick), bottom + 18, "middle", "tick") for tick in ticks]
    at = _BARS_LEFT
    for number, label in enumerate(stacks):
        parts.append(tag("rect", x=at, y=8, width=12, height=12, class_=f"piece-{number}"))
        parts.append(_text(label, at + 17, 18))
        at += 40 + 7.5 * len(label)
    for row, name in enumerate(names):
        top, begin = _BARS_TOP + _BAR * row, 0.0
        parts.append(_text(_short(name), _BARS_LEFT - 8, top + 13, "end", "tick"))
        for number, values in enumerate(stacks.values()):
            width = x(begin + values[row]) - x(begin)
            parts.append(tag("rect", x=x(begin), y=top + 3, width=width, height=_BAR - 6, class_=f"piece-{number}"))
            begin += values[row]
    parts.append(_text(x_name, (_BARS_LEFT + _WIDTH - _RIGHT) / 2, height - 8, "middle"))
    return _figure(parts, height, f"{x_name} by name: {', '.join(stacks)}")


def _ticks(low: float, high: float, *, whole: bool = False) -> list[float]:
    """Round values between two, about five of them."""
    span = (high - low) if high > low else 1.0
    rough = span / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    step = max(1.0, step) if whole else step
    first, last = math.ceil(low / step - 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)] or [low]


def _short(name: str) -> str:
    n_letters = int((_BARS_LEFT - 10) / _LETTER)
    return name if len(name) <= n_letters else f"{name[: n_letters - 1]}…"


def _text(words: str, x: float, y: float, anchor: str | None = None, class_: str | None = None) -> Markup:
    return tag("text", words, x=x, y=y, text_anchor=anchor, class_=class_)


def _figure(parts: Sequence[Markup], height: float, words: str) -> Markup:
    size = f"0 0 {_WIDTH:g} {height:g}"
    return tag("svg", *parts, viewBox=size, class_="wide", role="img", aria_label=words)
