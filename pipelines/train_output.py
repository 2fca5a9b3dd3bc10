"""What the terminal shows of a finished run of `train`."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.table import Column, Table

from pipelines.train_run import TrainedRun
from silencio.evaluation.row_names import results_table

# What a run leaves at the top of its folder, by output of the pipeline.
PAGES = {
    "bundle": "Bundle",
    "evaluation": "Figures",
    "verdict": "Verdict",
    "report": "Report",
    "other_bundle": "Other bundle",
    "other_report": "Report of the other bundle",
    "bundles_page": "Both bundles in one table",
    "bundles_table": "Both bundles as JSON",
}
# `champion 1452e0a87c11` is never broken: a version is there to be copied.
_MIN_NAME_CELLS = 21
_FIGURE_CELLS = len("0.625")
_WHOLE = ("model", "recordings", "macro mAP", "top-1")
_BORDER_CELLS = 3


def evaluated_table(run: TrainedRun, width: int) -> Table:
    """Everything that was evaluated on the test recordings: of a run with two bundles, both.

    The number of recordings is a row's own where rows differ in it. Taxon classes for which there is no room are left
    out; the report has them.

    Args:
        run: Finished.
        width: Cells that there are.
    """
    results = results_table(run.evaluation, run.other_rows())
    if results["recordings"].nunique() == 1:
        results = results.drop(columns="recordings")
    while results.columns[-1] not in _WHOLE and _min_width(list(results.columns)) > width:
        results = results.iloc[:, :-1]
    shown = [[_cell(value) for value in row] for row in results.itertuples(index=False)]
    headings = ["\n".join(str(name).split()) for name in results.columns]
    others = sum(max(map(len, heading.split("\n"))) for heading in headings[1:]) + _BORDER_CELLS * len(headings) + 1
    max_name_cells = max(len(row[0]) for row in shown)
    name_cells = max(_MIN_NAME_CELLS, min(max_name_cells, width - others))
    numbers = [Column(heading, justify="right", overflow="fold") for heading in headings[1:]]
    part = f", test set {run.evaluation.test_set}" if run.evaluation.test_set else ""
    which = "recordings without their fold" if run.evaluation.n_folds else "test recordings"
    title = f"{run.evaluation.metrics.n_recordings} {which}{part}"
    table = Table(Column(headings[0], overflow="fold", width=name_cells), *numbers, title=title)
    for row in shown:
        table.add_row(*row)
    return table


def _min_width(names: Sequence[str]) -> int:
    """Headings of taxon classes may be folded, metrics not."""
    cells = {"model": _MIN_NAME_CELLS, "recordings": len("recordings")}
    return 1 + sum(cells.get(name, _FIGURE_CELLS) + _BORDER_CELLS for name in names)


def _cell(value: str | int | float) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.3f}"
    return str(value)
