"""compare_bundles: the ensemble's bundle and the student's in one table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from silencio.bundle.load import Bundle
from silencio.bundle.manifest import DATA
from silencio.config import STUDENT, RunConfig
from silencio.data.versions import read_data_table
from silencio.evaluation.costs import example_recordings, measure_costs
from silencio.evaluation.results import ENSEMBLE, Evaluation
from silencio.evaluation.row_names import bundle_name
from silencio.evaluation.teacher import compare_answers
from silencio.reports.document import Section, document, prose
from silencio.reports.markup import join, tag
from silencio.reports.sections.bundles import BundleRow, bundles_table
from silencio.reports.wording import between, count, points
from silencio.storage import write_atomically


def compare_bundles_step(
    config: RunConfig,
    released: str,
    bundles: Mapping[str, str],
    evaluations: Mapping[str, str],
    page_path: str,
    table_path: str,
) -> dict[str, float]:
    """Put what the bundles are worth and what they cost side by side.

    Args:
        config: What this step reads of the configuration.
        released: The bundle that the graph hands to `register`.
        bundles: Folders of the sealed bundles, `ensemble` and `student`.
        evaluations: Their figures, by the same names.
        page_path: Gets the table for people.
        table_path: Gets the same as JSON.

    Returns:
        Every figure as `<bundle>_<figure>`, for the run's page.

    Raises:
        DataError: The bundles were judged on different recordings.
    """
    judged = {name: Evaluation.load(Path(path)) for name, path in evaluations.items()}
    manifests = {name: Bundle(Path(path)).manifest for name, path in bundles.items()}
    # Both are made from the same data.
    recordings = example_recordings(read_data_table(Path(bundles[released]) / DATA))
    costs = measure_costs({name: Path(path) for name, path in bundles.items()}, recordings)
    rows = [
        BundleRow(
            name=name,
            manifest=manifest,
            evaluation=judged[name],
            costs=costs[name],
            passed=bool(manifest.verdict.get("passed")),
            released=name == released,
            title=bundle_name(judged[name].bundle_row, judged[name]),
        )
        for name, manifest in manifests.items()
    ]
    found = compare_answers(ENSEMBLE, judged[STUDENT].answers, judged[ENSEMBLE].answers, config.evaluation.n_resamples)
    difference = {"top1": found.difference, "top1_interval": list(found.interval), "n_recordings": found.n_recordings}
    _write_page(rows, bundle_name(ENSEMBLE, judged[ENSEMBLE]), difference, Path(page_path))
    facts = {"bundles": [row.to_dict() for row in rows], "student_minus_ensemble": difference}
    write_atomically(Path(table_path), json.dumps(facts, indent=1))
    names = ("top1", "macro_map", "times_real_time", "graph_bytes", "bundle_bytes")
    return {f"{row.name}_{name}": round(float(row.to_dict()[name]), 4) for row in rows for name in names}


def _write_page(rows: Sequence[BundleRow], teacher: str, difference: Mapping[str, Any], path: Path) -> None:
    released = next(row for row in rows if row.released)
    what = "is registered" if released.passed else "would be registered, but the gates refused it"
    words = (
        f"The student against its teacher ({teacher}): {points(difference['top1'])} right at first guess (95 % "
        f"interval {between(difference['top1_interval'], points)}, {count(difference['n_recordings'], 'recording')}). "
        f"The {released.name} {what}; the other is kept in the run's record."
    )
    section = Section("bundles", "Two bundles of one run", join(prose(words), bundles_table(rows)))
    write_atomically(path, document("Bundles of this run", tag("h1", "Bundles of this run"), [section]))
