"""Recordings whose labels somebody should listen to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from silencio.reports.document import Column, Section, prose, table
from silencio.reports.inputs import Judged
from silencio.reports.markup import Child, Markup, join
from silencio.reports.wording import count, decimals, percent

_MAX_SHOWN = 12


def mislabelled(judged: Judged) -> Section | None:
    """Whether wrong labels are found when some are put in on purpose, and which are suspected."""
    own = judged.mislabelled
    if not own:
        return None
    parts = [
        prose(
            "Labels of validation recordings, which the heads were not trained on. A label is doubted when another "
            "species is ten times as probable; a doubt is a reason to listen, no proof."
        )
    ]
    if own.get("figures"):
        parts.append(_figures(own["figures"]))
    if own.get("suspects"):
        parts.append(_suspects(judged, own["suspects"]))
    return Section("mislabelled", "Labels to listen to", join(*parts)) if len(parts) > 1 else None


def _figures(figures: Mapping[str, Any]) -> Markup:
    return prose(
        f"Do such doubts find errors? {figures['n_swapped']} of {count(figures['n_recordings'], 'label')} were swapped "
        f"on purpose, {count(figures['n_repeats'], 'time')}: {percent(figures['recall'])} of the swapped ones were "
        f"doubted, and {percent(figures['precision'])} of the doubted ones were swapped."
    )


def _suspects(judged: Judged, rows: list[Mapping[str, Any]]) -> Markup:
    cells: list[list[Child]] = [
        [
            str(one["recording_id"]),
            judged.name(one["label"]),
            decimals(one["label_probability"]),
            judged.name(one["suggested"]),
            decimals(one["suggested_probability"]),
            "yes" if one["is_doubted"] else "a little",
        ]
        for one in rows[:_MAX_SHOWN]
    ]
    columns = [Column("recording"), Column("label"), Column("its probability", True), Column("rather")]
    columns += [Column("its probability", True), Column("doubted")]
    return table("Suspected labels, the most doubtful first", columns, cells)
