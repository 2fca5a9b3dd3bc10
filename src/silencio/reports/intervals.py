"""Small pictures inside a table's cells: a value with its interval, or a bar, on one scale for all rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from silencio.reports.markup import Markup, tag
from silencio.reports.wording import has_width, percent

_WIDTH, _HEIGHT, _MARGIN = 160.0, 22.0, 8.0


@dataclass(frozen=True)
class Scale:
    """What the left and the right end of a cell mean.

    Attributes:
        low: Left end of the interval.
        high: Right end of the interval.
        ticks: Values that are marked.
        labels: What is written above them.
    """

    low: float
    high: float
    ticks: tuple[float, ...]
    labels: tuple[str, ...]

    @classmethod
    def shares(cls) -> Scale:
        """From nothing to all, in percent."""
        return cls(0.0, 1.0, (0.0, 0.5, 1.0), ("0", percent(0.5), percent(1.0)))

    @classmethod
    def ratios(cls) -> Scale:
        """From 0 to 1."""
        return cls(0.0, 1.0, (0.0, 0.5, 1.0), ("0", "0.5", "1"))

    @classmethod
    def differences(cls, values: Sequence[float]) -> Scale:
        """Symmetric about zero, wide enough for all values."""
        finite = [abs(value) for value in values if math.isfinite(value)]
        reach = max(0.1, math.ceil(10 * max(finite, default=0.1)) / 10)
        return cls(-reach, reach, (-reach, 0.0, reach), (f"\N{MINUS SIGN}{reach:.1f}", "0", f"+{reach:.1f}"))

    def place(self, value: float) -> float:
        """Where a value stands, from left; beyond the ends it stands at the end."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return _MARGIN + share * (_WIDTH - 2 * _MARGIN)

    def heading(self, name: str) -> Markup:
        """The scale with its numbers, for the head of the column."""
        anchors = ("start", "middle", "end")
        ends = (self.place(self.low) - _MARGIN, self.place((self.low + self.high) / 2), _WIDTH)
        marks = [
            tag("text", label, x=at, y=13, text_anchor=anchor)
            for label, at, anchor in zip(self.labels, ends, anchors, strict=True)
        ]
        return _cell(name, *marks)


def interval_cell(
    scale: Scale, value: float, interval: Sequence[float] | None, *, muted: bool = False, reference: float | None = None
) -> Markup:
    """A dot and the line of its interval.

    Args:
        scale: Scale of the column.
        value: Value of the metric.
        interval: Around it; None draws the dot alone.
        muted: Grey, with an open dot: too few to count.
        reference: A value to compare with, as a dashed line.
    """
    middle = _HEIGHT / 2
    parts = _grid(scale)
    if reference is not None and math.isfinite(reference):
        at = scale.place(reference)
        parts.append(tag("line", x1=at, x2=at, y1=0, y2=_HEIGHT, class_="reference"))
    if interval is not None and has_width(interval):
        low, high = map(scale.place, interval)
        parts.append(tag("line", x1=low, x2=high, y1=middle, y2=middle, class_="whisker"))
    if math.isfinite(value):
        parts.append(tag("circle", cx=scale.place(value), cy=middle, r=4.5, class_="open dot" if muted else "dot"))
    return _cell(None, *parts, class_="muted" if muted else "")


def bar_cell(scale: Scale, value: float | None, *, reference: float | None = None) -> Markup:
    """A bar from the scale's left end."""
    parts = _grid(scale)
    if value is not None and math.isfinite(value):
        begin = scale.place(scale.low)
        width = max(0.0, scale.place(value) - begin)
        parts.append(tag("rect", x=begin, y=5, width=width, height=_HEIGHT - 10, rx=2, class_="bar"))
    if reference is not None and math.isfinite(reference):
        at = scale.place(reference)
        parts.append(tag("line", x1=at, x2=at, y1=0, y2=_HEIGHT, class_="reference"))
    return _cell(None, *parts)


def stack_cell(values: Sequence[float], full_scale: float) -> Markup:
    """Pieces of a bar one after another, each in the look of its place."""
    at, parts = 0.0, []
    for number, value in enumerate(values):
        width = _WIDTH * value / full_scale if full_scale else 0.0
        parts.append(tag("rect", x=at, y=4, width=width, height=_HEIGHT - 8, class_=f"piece-{number}"))
        at += width
    return _cell(None, *parts)


def _grid(scale: Scale) -> list[Markup]:
    return [
        tag("line", x1=scale.place(tick), x2=scale.place(tick), y1=0, y2=_HEIGHT, class_="grid") for tick in scale.ticks
    ]


def _cell(name: str | None, *parts: Markup, class_: str = "") -> Markup:
    # The same stands in the row's other cells, so a reader of screens passes over the picture.
    return tag(
        "svg",
        *parts,
        viewBox=f"0 0 {_WIDTH:g} {_HEIGHT:g}",
        class_=f"cell {class_}".strip(),
        role="img" if name else None,
        aria_label=name,
        aria_hidden=None if name else "true",
    )
