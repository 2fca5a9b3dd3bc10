"""What was evaluated, side by side, and the paired differences."""

from __future__ import annotations

from collections.abc import Mapping

from silencio.evaluation.comparisons import CHAMPION, Comparison
from silencio.evaluation.metrics import Metrics
from silencio.evaluation.results import ENSEMBLE
from silencio.evaluation.row_names import bundle_name, row_names
from silencio.reports.document import Column, Section, prose, table
from silencio.reports.inputs import ReportInputs
from silencio.reports.intervals import Scale, interval_cell
from silencio.reports.markup import Child, Markup, join
from silencio.reports.wording import METRIC_NAMES, between, count, decimals, on_test_set, percent, points, signed

_SHOWN = {"macro_map": signed, "top1": points}


def comparison(inputs: ReportInputs) -> Section:
    """The bundle beside its teacher, heads, the simple methods that it has to beat, and the champion."""
    intro = (
        f"{_what(inputs)} Two simple methods show what can be had for nothing: always "
        "naming the most frequent species, and a regression on the average spectrum. Mean average precision is 1 when "
        "every recording of a species ranks above all others; it weighs rare species like frequent ones."
    )
    parts = [prose(intro), _rows(inputs), *_beside_champion(inputs)]
    if inputs.evaluation.comparisons:
        parts += [
            prose(
                "A difference is taken recording by recording, so what is hard for both does not blur it. Where the "
                "line does not cross zero, the difference is more than chance."
            ),
            *(_differences(inputs, name) for name in _SHOWN),
        ]
    return Section("comparison", "Against its parts and simple methods", join(*parts))


def _what(inputs: ReportInputs) -> str:
    evaluation = inputs.evaluation
    name = bundle_name(evaluation.bundle_row, evaluation)
    if evaluation.bundle_row != ENSEMBLE:
        teacher = f" from its teacher ({bundle_name(ENSEMBLE, evaluation)})" if ENSEMBLE in evaluation.rows else ""
        return f"The model is a {name}: one head that learned{teacher}."
    return f"The model is the {name}; heads are its parts." if name.startswith(ENSEMBLE) else f"The model is {name}."


def _rows(inputs: ReportInputs) -> Markup:
    evaluation = inputs.evaluation
    caption = f"Metrics on {on_test_set(inputs.metrics.n_recordings, evaluation.test_set, evaluation.n_folds)}"
    return _table(inputs, caption, evaluation.rows)


def _beside_champion(inputs: ReportInputs) -> list[Markup]:
    """Both on the same recordings: a champion's metrics of others mean nothing here."""
    rows = inputs.evaluation.champion_rows
    if not rows:
        return []
    n, n_all = rows[CHAMPION].n_recordings, inputs.metrics.n_recordings
    which = "all" if n == n_all else f"{n} of the"
    caption = f"Beside the champion, on {which} {count(n_all, 'test recording')}"
    words = "" if n == n_all else "; the champion learned from the others, or does not know their species"
    return [_table(inputs, caption + words, rows)]


def _table(inputs: ReportInputs, caption: str, metrics_by_row: Mapping[str, Metrics]) -> Markup:
    scale, names = Scale.shares(), row_names(inputs.evaluation)
    rows: list[list[Child]] = []
    for name, metrics in metrics_by_row.items():
        top1, macro_map = (metrics.intervals.get(one) for one in ("top1", "macro_map"))
        rows.append(
            [
                names[name],
                interval_cell(scale, metrics.top1, top1),
                percent(metrics.top1),
                between(top1),
                decimals(metrics.macro_map),
                between(macro_map, decimals),
                percent(metrics.top5),
                decimals(metrics.macro_roc_auc),
            ]
        )
    columns = [
        Column("model"),
        Column("scale", heading=scale.heading("right at first guess, 0 to 100 %")),
        Column("right at first guess", True),
        Column("95 % interval", True),
        Column("mean average precision", True),
        Column("95 % interval", True),
        Column("in first five", True),
        Column("ROC-AUC", True),
    ]
    classes = ["strong" if name == inputs.evaluation.bundle_row else "" for name in metrics_by_row]
    return table(caption, columns, rows, classes)


def _differences(inputs: ReportInputs, metric: str) -> Markup:
    own = [one for one in inputs.evaluation.comparisons if one.metric == metric]
    names = row_names(inputs.evaluation)
    scale = Scale.differences([value for one in own for value in one.interval])
    show = _SHOWN[metric]
    rows: list[list[Child]] = [
        [
            names[one.other],
            interval_cell(scale, one.difference, one.interval),
            show(one.difference),
            between(one.interval, show),
            f"{one.n_recordings}",
            _reading(one),
        ]
        for one in own
    ]
    columns = [Column("against"), Column("scale", heading=scale.heading(f"difference in {METRIC_NAMES[metric]}"))]
    columns += [
        Column("difference", True),
        Column("95 % interval", True),
        Column("recordings", True),
        Column("reading"),
    ]
    return table(f"Difference in {METRIC_NAMES[metric]}, the model minus the other", columns, rows)


def _reading(one: Comparison) -> str:
    low, high = one.interval
    if low > 0:
        return "better"
    return "worse" if high < 0 else "not to be told apart"
