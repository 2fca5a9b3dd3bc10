"""compare_bundles: the ensemble's bundle and the student's in one table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        config: Its part of the configuration.
        released: The bundle that the graph hands to `register`: `ensemble` or `student`.
        ensemble: Folder of the ensemble's sealed bundle.
        ensemble_evaluation: The ensemble's evaluation.
        student: Folder of the student's sealed bundle.
        student_evaluation: The student's evaluation.
    """

    config: RunConfig
    released: str
    ensemble: Path
    ensemble_evaluation: Path
    student: Path
    student_evaluation: Path


@dataclass(frozen=True)
class Outputs:
    """What the step writes.

    Attributes:
        page: The table for people.
        table: The same as JSON.
    """

    page: Path
    table: Path


def run(inputs: Inputs, outputs: Outputs) -> dict[str, float]:
    """Put what the bundles are worth and what they cost side by side.

    Returns:
        For the run's page: every metric as `<bundle>_<metric>`.

    Raises:
        DataError: The bundles were evaluated on different recordings.
    """
    bundles = {ENSEMBLE: inputs.ensemble, STUDENT: inputs.student}
    evaluations = {
        ENSEMBLE: Evaluation.load(inputs.ensemble_evaluation),
        STUDENT: Evaluation.load(inputs.student_evaluation),
    }
    manifests = {name: Bundle(path).manifest for name, path in bundles.items()}
    # Both are made from the same data.
    recordings = example_recordings(read_data_table(bundles[inputs.released] / DATA))
    costs = measure_costs(bundles, recordings)
    rows = [
        BundleRow(
            name=name,
            manifest=manifest,
            evaluation=evaluations[name],
            costs=costs[name],
            passed=bool(manifest.verdict.get("passed")),
            released=name == inputs.released,
            title=bundle_name(evaluations[name].bundle_row, evaluations[name]),
        )
        for name, manifest in manifests.items()
    ]
    found = compare_answers(
        ENSEMBLE, evaluations[STUDENT].answers, evaluations[ENSEMBLE].answers, inputs.config.evaluation.n_resamples
    )
    difference = {"top1": found.difference, "top1_interval": list(found.interval), "n_recordings": found.n_recordings}
    _write_page(rows, bundle_name(ENSEMBLE, evaluations[ENSEMBLE]), difference, outputs.page)
    facts = {"bundles": [row.to_dict() for row in rows], "student_minus_ensemble": difference}
    write_atomically(outputs.table, json.dumps(facts, indent=1))
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
