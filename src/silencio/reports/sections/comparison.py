"""What was judged, side by side, and the paired differences."""

from __future__ import annotations

from silencio.evaluation.comparisons import Comparison
from silencio.evaluation.held_out import ENSEMBLE
from silencio.reports.document import Column, Section, prose, table
from silencio.reports.intervals import Scale, interval_cell
from silencio.reports.judged import Judged
from silencio.reports.markup import Child, Markup, join
from silencio.reports.wording import FIGURES, between, count, decimals, percent, points, signed

_SHOWN = {"macro_map": signed, "top1": points}


def comparison(judged: Judged) -> Section:
    """The ensemble beside its heads and the simple methods that it has to beat."""
    intro = (
        "The ensemble is the model; heads are its parts. Two simple methods show what can be had for nothing: always "
        "naming the most frequent species, and a regression on the average spectrum. Mean average precision is 1 when "
        "every recording of a species ranks above all others; it weighs rare species like frequent ones."
    )
    parts = [prose(intro), _rows(judged)]
    if judged.evaluation.comparisons:
        parts += [
            prose(
                "A difference is taken recording by recording, so what is hard for both does not blur it. Where the "
                "line does not cross zero, the difference is more than chance."
            ),
            *(_differences(judged, name) for name in _SHOWN),
        ]
    return Section("comparison", "Against its parts and simple methods", join(*parts))


def label(judged: Judged, name: str) -> str:
    """What was judged, in words."""
    if name == ENSEMBLE:
        return "the model (ensemble)"
    if name == "champion":
        return f"champion {judged.evaluation.champion}".strip()
    heads = {head.name for head in judged.manifest.heads}
    return f"head {name}" if name in heads else name


def _rows(judged: Judged) -> Markup:
    scale = Scale.shares()
    rows: list[list[Child]] = []
    for name, figures in judged.evaluation.rows.items():
        top1, macro_map = (figures.intervals.get(one) for one in ("top1", "macro_map"))
        rows.append(
            [
                label(judged, name),
                interval_cell(scale, figures.top1, top1),
                percent(figures.top1),
                between(top1),
                decimals(figures.macro_map),
                between(macro_map, decimals),
                percent(figures.top5),
                decimals(figures.macro_roc_auc),
            ]
        )
    columns = [
        Column("judged"),
        Column("scale", heading=scale.heading("right at first guess, 0 to 100 %")),
        Column("right at first guess", True),
        Column("95 % interval", True),
        Column("mean average precision", True),
        Column("95 % interval", True),
        Column("in first five", True),
        Column("ROC-AUC", True),
    ]
    classes = ["strong" if name == ENSEMBLE else "" for name in judged.evaluation.rows]
    return table(f"Figures on {count(judged.figures.n_recordings, 'test recording')}", columns, rows, classes)


def _differences(judged: Judged, figure: str) -> Markup:
    own = [one for one in judged.evaluation.comparisons if one.figure == figure]
    scale = Scale.differences([value for one in own for value in one.interval])
    show = _SHOWN[figure]
    rows: list[list[Child]] = [
        [
            label(judged, one.other),
            interval_cell(scale, one.difference, one.interval),
            show(one.difference),
            between(one.interval, show),
            f"{one.n_recordings}",
            _reading(one),
        ]
        for one in own
    ]
    columns = [Column("against"), Column("scale", heading=scale.heading(f"difference in {FIGURES[figure]}"))]
    columns += [
        Column("difference", True),
        Column("95 % interval", True),
        Column("recordings", True),
        Column("reading"),
    ]
    return table(f"Difference in {FIGURES[figure]}, the model minus the other", columns, rows)


def _reading(one: Comparison) -> str:
    low, high = one.interval
    if low > 0:
        return "better"
    return "worse" if high < 0 else "not to be told apart"
