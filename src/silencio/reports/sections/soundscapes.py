"""Soundscapes: many animals, far away, as in the field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from silencio.reports.document import Column, Section, prose, side_by_side, table
from silencio.reports.inputs import ReportInputs
from silencio.reports.intervals import Scale, bar_cell
from silencio.reports.markup import Child, Markup, join, tag
from silencio.reports.timelines import key, timeline
from silencio.reports.wording import between, count, decimals, hours, n_species, percent, whole

_MAX_OPEN = 6
_BACKGROUNDS = {
    "made": "made noise, surely without animals",
    "real": "real background, perhaps with unlabelled animals",
}


def soundscapes(inputs: ReportInputs) -> Section | None:
    """Metrics, and each soundscape as a strip."""
    own = inputs.evaluation.soundscapes
    if not own:
        return None
    parts: list[Markup] = []
    if own.get("metrics"):
        parts += _metrics(inputs, own["metrics"])
    if own.get("timeline"):
        parts += _timelines(inputs, own["timeline"])
    return Section("soundscapes", "Soundscapes", join(*parts))


def _metrics(inputs: ReportInputs, metrics: Mapping[str, Any]) -> list[Markup]:
    row_s = inputs.manifest.spec.window_s
    intro = (
        f"Test calls were mixed into backgrounds that were not trained on, at known times and levels: "
        f"{count(metrics['n_soundscapes'], 'soundscape')}, {hours(3600 * metrics['hours'])}, scored in "
        f"{count(metrics['n_rows'], 'row')} of {row_s:g} s. This is closer to what a recorder in the field gets than "
        f"the single recordings above. Mean average precision over {n_species(metrics['n_species'])}: "
        f"{decimals(metrics['macro_map'])} (95 % interval {between(metrics['macro_map_interval'], decimals)}); "
        f"ROC-AUC: {decimals(metrics['macro_roc_auc'])}, where 0.5 is guessing."
    )
    return [prose(intro), _found(metrics), _alarms(metrics)]


def _found(metrics: Mapping[str, Any]) -> Markup:
    scale = Scale.shares()
    rows: list[list[Child]] = []
    for group, bins in (("call", metrics["by_snr"]), ("rows with", metrics["by_overlap"])):
        for one in bins:
            name = one["name"] if group != "call" else f"{one['name']} over the background"
            rows.append(
                [
                    name if group == "call" else f"{group} {name}",
                    f"{one['n_pairs']}",
                    f"{one['n_species']}",
                    bar_cell(scale, one["recall"]),
                    percent(one["recall"]),
                    percent(one["in_top"]),
                    decimals(one["outranks"]),
                ]
            )
    columns = [
        Column("how loud, how many"),
        Column("n", True),
        Column("species", True),
        Column("scale", heading=scale.heading("share that is named, 0 to 100 %")),
        Column("named", True),
        Column("ranked first", True),
        Column("ROC-AUC", True),
    ]
    return table("What is there and is found; n is a species in a row", columns, rows)


def _alarms(metrics: Mapping[str, Any]) -> Markup:
    rows: list[list[Child]] = [
        [
            _BACKGROUNDS.get(one["name"], one["name"]),
            f"{one['n_rows']}",
            hours(3600 * one["hours"]),
            whole(one["per_hour"]),
        ]
        for one in metrics["false_alarms"]
    ]
    columns = [Column("rows without any annotated animal"), Column("rows", True), Column("length", True)]
    return table("False alarms", [*columns, Column("species named an hour", True)], rows)


def _timelines(inputs: ReportInputs, strips: list[Mapping[str, Any]]) -> list[Markup]:
    made = [timeline(one, inputs.classes) for one in strips]
    parts = [
        tag("h3", "Timelines"),
        prose("Each line is a species: above what was there, below what the model named."),
        key(),
        side_by_side(*made[:_MAX_OPEN]),
    ]
    rest = made[_MAX_OPEN:]
    if rest:
        parts.append(tag("details", tag("summary", f"{count(len(rest), 'more soundscape')}"), side_by_side(*rest)))
    return parts
