"""compare_bundles: the ensemble's bundle and the student's in one table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from silencio.bundle.load import Bundle
from silencio.bundle.manifest import DATA
from silencio.config import STUDENT, RunConfig
from silencio.data.frames import read_frame
from silencio.errors import DataError
from silencio.evaluation.bootstrap import Bootstrap, interval
from silencio.evaluation.costs import example_recordings, measure_costs
from silencio.evaluation.results import Evaluation
from silencio.reports.document import Section, document, prose
from silencio.reports.markup import join, tag
from silencio.reports.sections.bundles import BundleRow, bundles_table
from silencio.reports.wording import between, points
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
        config: The resolved configuration.
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
    recordings = example_recordings(read_frame(Path(bundles[released]) / DATA))
    costs = measure_costs({name: Path(path) for name, path in bundles.items()}, recordings)
    rows = [
        BundleRow(
            name=name,
            manifest=manifest,
            evaluation=judged[name],
            costs=costs[name],
            passed=bool(manifest.verdict.get("passed")),
            released=name == released,
        )
        for name, manifest in manifests.items()
    ]
    difference = _difference(judged[STUDENT], judged["ensemble"], config.evaluation.n_resamples)
    _write_page(rows, difference, Path(page_path))
    facts = {"bundles": [row.to_dict() for row in rows], "student_minus_ensemble": difference}
    write_atomically(Path(table_path), json.dumps(facts, indent=1))
    names = ("top1", "macro_map", "times_real_time", "graph_bytes", "bundle_bytes")
    return {f"{row.name}_{name}": round(float(row.to_dict()[name]), 4) for row in rows for name in names}


def _difference(ours: Evaluation, other: Evaluation, n_resamples: int) -> dict[str, Any]:
    """Of top-1, paired by recording, with its interval; and how much faster."""
    right = [
        {answer["recording_id"]: answer["predicted"] == answer["primary_label"] for answer in one.answers}
        for one in (ours, other)
    ]
    if right[0].keys() != right[1].keys():
        raise DataError("the bundles were judged on different test recordings: run evaluate again for both")
    gain = np.array([float(right[0][name]) - float(right[1][name]) for name in sorted(right[0])])
    drawn = Bootstrap(len(gain), n_resamples).mean(gain)
    return {"top1": float(gain.mean()), "top1_interval": list(interval(drawn))}


def _write_page(rows: Sequence[BundleRow], difference: Mapping[str, Any], path: Path) -> None:
    released = next(row for row in rows if row.released)
    what = "is registered" if released.passed else "would be registered, but the gates refused it"
    words = (
        f"The student against the ensemble that taught it: {points(difference['top1'])} right at first guess (95 % "
        f"interval {between(difference['top1_interval'], points)}). The {released.name} {what}; the other is kept in "
        "the run's record."
    )
    section = Section("bundles", "Two bundles of one run", join(prose(words), bundles_table(rows)))
    write_atomically(path, document("Bundles of this run", tag("h1", "Bundles of this run"), [section]))
