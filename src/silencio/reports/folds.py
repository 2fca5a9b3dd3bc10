"""A picture of cross-fitting: which model learned from which recordings, and which it is evaluated on."""

from __future__ import annotations

from silencio.reports.markup import Markup, tag

_CELL, _GAP, _LEFT, _TOP = 44.0, 6.0, 150.0, 30.0


def folds(n_folds: int) -> Markup:
    """A row a model, a column a fold of the recordings; the last row is the model that ships."""
    step = _CELL + _GAP
    width, height = _LEFT + n_folds * step, _TOP + (n_folds + 1) * step + _GAP
    parts = [
        tag("text", f"part {number + 1}", x=_LEFT + number * step + _CELL / 2, y=_TOP - 10, text_anchor="middle")
        for number in range(n_folds)
    ]
    for row in range(n_folds + 1):
        ships = row == n_folds
        y = _TOP + row * step + (_GAP if ships else 0)
        name = "model that ships" if ships else f"model without {row + 1}"
        parts.append(tag("text", name, x=_LEFT - 12, y=y + _CELL / 2 + 5, text_anchor="end"))
        for column in range(n_folds):
            x, is_evaluated = _LEFT + column * step, column == row
            look = "piece-1" if is_evaluated else "piece-0"
            parts.append(tag("rect", x=x, y=y, width=_CELL, height=_CELL, class_=look))
            if is_evaluated:
                place = {"x": x + _CELL / 2, "y": y + _CELL / 2 + 5}
                parts.append(tag("text", "tested", **place, text_anchor="middle"))
    words = (
        f"The recordings are dealt to {n_folds} parts. Each of {n_folds} models learns from all parts but one, and is "
        "tested on that one; the model that ships learns from all."
    )
    return tag("svg", *parts, viewBox=f"0 0 {width:g} {height:g}", class_="wide", role="img", aria_label=words)
