"""Pictures of a month as SVG, in the colours of every page of Silencio."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from silencio.ecology import Accumulation, Activity, Benchmark
from silencio.reports.markup import Markup, tag
from silencio.reports.wording import decimals

_WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM = 640.0, 56.0, 16.0, 12.0, 46.0
_RATES_HEIGHT, _CURVE_HEIGHT = 220.0, 280.0
# A curve is drawn to so many times the benchmark's minutes; the table has the rest.
_MAX_BENCHMARKS = 4


@dataclass(frozen=True)
class _Axes:
    """Where values lie in a picture.

    Attributes:
        height: Height of the picture.
        x_max: Value at the right edge.
        y_max: Value at the top.
    """

    height: float
    x_max: float
    y_max: float

    @property
    def floor(self) -> float:
        return self.height - _BOTTOM

    def x(self, value: float) -> float:
        return _LEFT + value / self.x_max * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        return self.floor - value / self.y_max * (self.floor - _TOP)


def rates(activity: Sequence[Activity], labels: Sequence[str], every: int, x_name: str) -> Markup:
    """Detections per recorded hour as columns; where nothing was recorded a dashed frame stands.

    Args:
        activity: One a column.
        labels: What each column is.
        every: Each so many columns are labelled.
        x_name: What the columns are.
    """
    values = [one.per_hour for one in activity]
    ticks = _ticks(max((value for value in values if value is not None), default=0.0))
    axes = _Axes(_RATES_HEIGHT, float(len(values)), ticks[-1])
    parts = _grid(axes, ticks)
    for i, value in enumerate(values):
        x, width = axes.x(i) + 1.5, axes.x(1) - axes.x(0) - 3
        if value is None:
            parts.append(
                tag("rect", x=x, y=_TOP, width=width, height=axes.floor - _TOP, class_="reference", opacity=0.6)
            )
        else:
            parts.append(
                tag("rect", x=x, y=axes.y(value), width=width, height=axes.floor - axes.y(value), class_="bar")
            )
        if i % every == 0:
            parts.append(_text(labels[i], axes.x(i + 0.5), axes.floor + 18, "middle", "tick"))
    parts += _names(axes, x_name, "detections per recorded hour")
    known = [(value, label) for value, label in zip(values, labels, strict=True) if value is not None]
    top = max(known, default=None)
    n_unrecorded = len(values) - len(known)
    words = f"Detections per recorded hour by {x_name}."
    if top is not None:
        words += f" The highest rate is {decimals(top[0])} at {top[1]}."
    words += f" In {n_unrecorded} of {len(values)} columns nothing was recorded."
    return _svg(parts, axes.height, words)


def accumulated(curve: Accumulation, benchmark: Benchmark) -> Markup:
    """Expected species over minutes of sound, with its band and the benchmark's point.

    Args:
        curve: The curve.
        benchmark: How many species in how many minutes.
    """
    shown = curve.minutes <= max(benchmark.minutes * _MAX_BENCHMARKS, curve.minutes[1])
    minutes, species = curve.minutes[shown].tolist(), curve.species[shown].tolist()
    highs = [value for value in curve.high[shown].tolist() if math.isfinite(value)]
    x_ticks = _ticks(max(float(minutes[-1]), benchmark.minutes))
    y_ticks = _ticks(max([*species, *highs, float(benchmark.n_species)]))
    axes = _Axes(_CURVE_HEIGHT, x_ticks[-1], y_ticks[-1])
    parts = _grid(axes, y_ticks)
    parts += [_text(f"{tick:g}", axes.x(tick), axes.floor + 18, "middle", "tick") for tick in x_ticks]
    if highs:
        upper = [(axes.x(x), axes.y(y)) for x, y in zip(minutes, curve.high[shown].tolist(), strict=True)]
        lower = [(axes.x(x), axes.y(y)) for x, y in zip(minutes, curve.low[shown].tolist(), strict=True)]
        parts.append(tag("path", d=f"{_path([*upper, *reversed(lower)])}Z", class_="bar", opacity=0.3))
    line = [(axes.x(x), axes.y(y)) for x, y in zip(minutes, species, strict=True)]
    parts.append(tag("path", d=_path(line), class_="line"))
    x, y = axes.x(benchmark.minutes), axes.y(benchmark.n_species)
    parts.append(tag("path", d=f"M{_LEFT:.1f} {y:.1f}H{x:.1f}V{axes.floor:.1f}", class_="limit"))
    parts.append(tag("path", d=f"M{x:.1f} {y - 7:.1f}l7 7l-7 7l-7 -7z", class_="mark"))
    label = f"{benchmark.n_species} species in {benchmark.minutes:g} minutes"
    at_right = x > _WIDTH / 2
    parts.append(_text(label, x - 12 if at_right else x + 12, y - 8, "end" if at_right else None, "halo"))
    parts += _names(axes, "minutes of sound", "expected species")
    words = (
        f"Expected species over minutes of sound: {species[-1]:.1f} after {minutes[-1]:.0f} minutes. The benchmark is "
        f"{label}."
    )
    return _svg(parts, axes.height, words)


def _grid(axes: _Axes, ticks: Sequence[float]) -> list[Markup]:
    parts = []
    for tick in ticks:
        y = axes.y(tick)
        parts.append(tag("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y, y2=y, class_="grid"))
        parts.append(_text(f"{tick:g}", _LEFT - 8, y + 4, "end", "tick"))
    return parts


def _names(axes: _Axes, x_name: str, y_name: str) -> list[Markup]:
    turned = f"translate(13 {(axes.floor + _TOP) / 2:.0f}) rotate(-90)"
    return [
        _text(x_name, (_LEFT + _WIDTH - _RIGHT) / 2, axes.height - 8, "middle"),
        tag("text", y_name, transform=turned, text_anchor="middle"),
    ]


def _ticks(high: float) -> list[float]:
    """Round values from 0 to at least so much, about five of them."""
    rough = (high if high > 0 else 1.0) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * (1 - 1e-9))
    return [round(step * i, 10) for i in range(math.ceil(high / step - 1e-9) + 1)] if high > 0 else [0.0, 1.0]


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _text(words: str, x: float, y: float, anchor: str | None = None, class_: str | None = None) -> Markup:
    return tag("text", words, x=x, y=y, text_anchor=anchor, class_=class_)


def _svg(parts: Sequence[Markup], height: float, words: str) -> Markup:
    return tag("svg", *parts, viewBox=f"0 0 {_WIDTH:g} {height:g}", class_="wide", role="img", aria_label=words)
