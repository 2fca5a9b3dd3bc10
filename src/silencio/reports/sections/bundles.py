"""What a bundle is worth and what it costs; several bundles in one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from silencio.bundle.manifest import BundleManifest
from silencio.evaluation.costs import BundleCosts
from silencio.evaluation.results import Evaluation
from silencio.evaluation.row_names import row_names
from silencio.reports.document import Column, Section, prose, table
from silencio.reports.inputs import ReportInputs
from silencio.reports.markup import Child, Markup, join
from silencio.reports.wording import between, count, decimals, on_test_set, percent


@dataclass(frozen=True)
class BundleRow:
    """One bundle of the table.

    Attributes:
        name: What it is called there.
        manifest: Manifest of the bundle.
        evaluation: Its metrics of the test set.
        costs: What it costs.
        passed: The gates' verdict.
        released: Whether it is the one that is registered if it passed.
        title: What the page calls it, if not by its name.
    """

    name: str
    manifest: BundleManifest
    evaluation: Evaluation
    costs: BundleCosts
    passed: bool
    released: bool = True
    title: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        metrics = self.evaluation.metrics
        return {
            "name": self.name,
            "version": self.manifest.version,
            "released": self.released,
            "passed": self.passed,
            "top1": metrics.top1,
            "macro_map": metrics.macro_map,
            "intervals": metrics.intervals,
            "n_recordings": metrics.n_recordings,
            "test_set": self.evaluation.test_set,
            "precision": self.manifest.precision,
            "licence": self.manifest.licences.get("verdict", "unknown"),
            **self.costs.to_dict(),
        }


def bundles(inputs: ReportInputs) -> Section | None:
    """Accuracy, speed, size and licence of this bundle."""
    if inputs.costs is None:
        return None
    passed = inputs.verdict.passed
    row = BundleRow(
        row_names(inputs.evaluation)[inputs.evaluation.bundle_row],
        inputs.manifest,
        inputs.evaluation,
        inputs.costs,
        passed,
    )
    return Section("costs", "Worth and costs", bundles_table([row]))


def bundles_table(rows: Sequence[BundleRow]) -> Markup:
    """One row a bundle: accuracy, times real time, MB, licence; all tested on the same recordings."""
    costs = rows[0].costs
    words = (
        f"Times real time: seconds of sound scored in one second, from the file's bytes to probabilities, on one "
        f"thread of this machine; measured on {count(costs.n_timed, 'validation recording')} ({costs.audio_s:.0f} s)."
    )
    columns = [Column("bundle"), Column("right at first guess", True), Column("95 % interval", True)]
    columns += [Column("mean average precision", True), Column("95 % interval", True)]
    columns += [Column("times real time", True), Column("graph", True), Column("whole bundle", True)]
    columns += [Column("numbers inside"), Column("licence"), Column("gates")]
    first = rows[0].evaluation
    caption = f"Worth and costs on {on_test_set(first.metrics.n_recordings, first.test_set, first.n_folds)}"
    classes = ["strong" if one.released and len(rows) > 1 else "" for one in rows]
    return join(prose(words), table(caption, columns, [_cells(one) for one in rows], classes))


def _cells(row: BundleRow) -> list[Child]:
    metrics = row.evaluation.metrics
    top1, macro_map = (metrics.intervals.get(name) for name in ("top1", "macro_map"))
    return [
        f"{row.title or row.name} {row.manifest.version}",
        percent(metrics.top1),
        between(top1),
        decimals(metrics.macro_map),
        between(macro_map, decimals),
        f"{row.costs.times_real_time:.0f}",
        f"{row.costs.graph_bytes / 1e6:.1f} MB",
        f"{row.costs.bundle_bytes / 1e6:.1f} MB",
        row.manifest.precision,
        str(row.manifest.licences.get("verdict", "unknown")),
        "passed" if row.passed else "refused",
    ]
