"""Pictures, drawn by matplotlib as SVG."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure as Canvas

from silencio.reports.page import Figure

_GREEN = "#2f6f4f"
_PARTS = ("#2f6f4f", "#d9a441", "#7a4f8f")


def curve(values: Sequence[float], x_name: str, y_name: str) -> Figure:
    """A line over 1, 2, 3, …"""
    canvas = Canvas(figsize=(7, 3), layout="constrained")
    axes = canvas.subplots()
    axes.plot(range(1, len(values) + 1), values, color=_GREEN)
    axes.set_xlabel(x_name)
    axes.set_ylabel(y_name)
    axes.spines[["top", "right"]].set_visible(False)
    return _svg(canvas)


def bars(stacks: Mapping[str, Sequence[float]], names: Sequence[str], x_name: str) -> Figure:
    """Horizontal bars, one a name, made of one piece for each entry of `stacks`."""
    canvas = Canvas(figsize=(8, 0.8 + 0.22 * len(names)), layout="constrained")
    axes = canvas.subplots()
    left = [0.0] * len(names)
    for color, (label, values) in zip(_PARTS, stacks.items(), strict=False):
        axes.barh(list(names), list(values), left=left, label=label, color=color)
        left = [a + b for a, b in zip(left, values, strict=True)]
    axes.invert_yaxis()
    axes.set_xlabel(x_name)
    axes.tick_params(axis="y", labelsize=7)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return _svg(canvas)


def _svg(canvas: Canvas) -> Figure:
    text = io.StringIO()
    canvas.savefig(text, format="svg", metadata={"Date": None})
    return Figure(text.getvalue()[text.getvalue().index("<svg") :])
