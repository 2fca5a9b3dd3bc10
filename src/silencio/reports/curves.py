"""Curves in a square of shares: precision over recall, and how often a probability comes true."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from silencio.reports.markup import Markup, tag
from silencio.reports.wording import percent

_WIDTH, _HEIGHT = 360.0, 320.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 50.0, 20.0, 26.0, 46.0
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


def precision_recall(curve: Mapping[str, Any]) -> Markup:
    """Precision over recall, and the point at which the thresholds stand."""
    line = _path(sorted(zip(curve["recall"], curve["precision"], strict=True), key=lambda one: (one[0], -one[1])))
    recall, precision = curve["named_recall"], curve["named_precision"]
    x, y = _x(recall), _y(precision)
    # Below the point, where the curve seldom is; above it at the very bottom.
    label = tag("text", "thresholds", x=x, y=y + 22 if precision > 0.1 else y - 13, text_anchor="middle", class_="halo")
    point = tag("path", d=f"M{x:.1f} {y - 7:.1f}l7 7l-7 7l-7 -7z", class_="mark")
    words = (
        f"Precision over recall. At the thresholds {percent(precision)} of the names are right, and {percent(recall)} "
        "of the species that are there are named."
    )
    return _square(words, "share of what is there that is named", "share of names that are right", line, point, label)


def reliability(calibration: Mapping[str, Any]) -> Markup:
    """How often the most probable species is the right one, over its probability, before and after calibration."""
    parts = [_path([(0.0, 0.0), (1.0, 1.0)], "reference")]
    for name in ("before", "after"):
        bins = calibration[name]
        parts.append(_path([(one["mean_probability"], one["right_share"]) for one in bins], name))
        parts += [
            tag(
                "circle",
                cx=_x(one["mean_probability"]),
                cy=_y(one["right_share"]),
                r=3 + 9 * math.sqrt(one["recordings_share"]),
                class_=f"bin {name}",
            )
            for one in bins
        ]
    words = (
        "Share of answers that are right over the probability that was given, before and after calibration. The "
        f"calibration error is {percent(calibration['error_before'])} before and {percent(calibration['error_after'])} "
        "after."
    )
    legend = [
        tag("circle", cx=_x(0.05), cy=13, r=5, class_="bin before"),
        tag("text", "before", x=_x(0.05) + 10, y=17),
        tag("circle", cx=_x(0.33), cy=13, r=5, class_="bin after"),
        tag("text", "after", x=_x(0.33) + 10, y=17),
        tag("line", x1=_x(0.58), x2=_x(0.66), y1=13, y2=13, class_="reference"),
        tag("text", "as it should be", x=_x(0.68), y=17),
    ]
    return _square(words, "probability that the model gives", "share that is right", *parts, *legend)


def _square(words: str, x_name: str, y_name: str, *parts: Markup) -> Markup:
    axes = []
    for tick in _TICKS:
        axes.append(tag("line", x1=_x(tick), x2=_x(tick), y1=_y(0), y2=_y(1), class_="grid"))
        axes.append(tag("line", x1=_x(0), x2=_x(1), y1=_y(tick), y2=_y(tick), class_="grid"))
        axes.append(tag("text", percent(tick), x=_x(tick), y=_y(0) + 17, text_anchor="middle", class_="tick"))
        axes.append(tag("text", percent(tick), x=_x(0) - 7, y=_y(tick) + 4, text_anchor="end", class_="tick"))
    middle = (_y(0) + _y(1)) / 2
    names = [
        tag("text", x_name, x=(_x(0) + _x(1)) / 2, y=_HEIGHT - 8, text_anchor="middle"),
        tag("text", y_name, transform=f"translate(11 {middle:.0f}) rotate(-90)", text_anchor="middle"),
    ]
    return tag(
        "svg",
        *axes,
        *parts,
        *names,
        viewBox=f"0 0 {_WIDTH:g} {_HEIGHT:g}",
        class_="curve",
        role="img",
        aria_label=words,
    )


def _path(points: Sequence[tuple[float, float]], class_: str = "line") -> Markup:
    return tag("path", d="M" + "L".join(f"{_x(x):.1f} {_y(y):.1f}" for x, y in points), class_=class_)


def _x(share: float) -> float:
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _y(share: float) -> float:
    return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)
