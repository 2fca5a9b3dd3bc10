"""Recordings whose labels somebody should listen to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from silencio.reports.document import Column, Section, prose, table
from silencio.reports.inputs import ReportInputs
from silencio.reports.markup import Child, Markup, join
from silencio.reports.wording import count, decimals, percent

_MAX_SHOWN = 12


def mislabelled(inputs: ReportInputs) -> Section | None:
    """Whether wrong labels are found when some are put in on purpose, and which are suspected."""
    own = inputs.mislabelled
    if not own:
        return None
    parts = [
        prose(
            "Labels of validation recordings, which the heads were not trained on. A label is doubted when another "
            "species is ten times as probable; a doubt is a reason to listen, no proof."
        )
    ]
    if own.get("metrics"):
        parts.append(_metrics(own["metrics"]))
    if own.get("suspects"):
        parts.append(_suspects(inputs, own["suspects"]))
    return Section("mislabelled", "Labels to listen to", join(*parts)) if len(parts) > 1 else None


def _metrics(metrics: Mapping[str, Any]) -> Markup:
    return prose(
        f"Do such doubts find errors? {metrics['n_swapped']} of {count(metrics['n_recordings'], 'label')} were swapped "
        f"on purpose, {count(metrics['n_repeats'], 'time')}: {percent(metrics['recall'])} of the swapped ones were "
        f"doubted, and {percent(metrics['precision'])} of the doubted ones were swapped."
    )


def _suspects(inputs: ReportInputs, rows: list[Mapping[str, Any]]) -> Markup:
    cells: list[list[Child]] = [
        [
            str(one["recording_id"]),
            inputs.name(one["label"]),
            decimals(one["label_probability"]),
            inputs.name(one["suggested"]),
            decimals(one["suggested_probability"]),
            "yes" if one["is_doubted"] else "a little",
        ]
        for one in rows[:_MAX_SHOWN]
    ]
    columns = [Column("recording"), Column("label"), Column("its probability", True), Column("rather")]
    columns += [Column("its probability", True), Column("doubted")]
    return table("Suspected labels, the most doubtful first", columns, cells)
