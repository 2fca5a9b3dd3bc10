"""Failure modes: what becomes of the metrics when recordings get worse, and what is named where nothing is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from silencio.reports.document import Column, Section, bullets, prose, table
from silencio.reports.inputs import ReportInputs
from silencio.reports.intervals import Scale, bar_cell, interval_cell
from silencio.reports.markup import Child, Markup, join, tag
from silencio.reports.wording import count, decimals, hours, minus, percent, points, signed, whole


def failure_modes(inputs: ReportInputs) -> Section | None:
    """Noise, gain, clipping; two animals at once; silence, backgrounds, foreign animals."""
    own = inputs.evaluation.failure_modes
    if not own:
        return None
    parts: list[Markup] = []
    if own.get("clean"):
        parts += [_intro(own), _conditions(own)]
    if own.get("overlaid"):
        parts += _overlaid(own["overlaid"])
    if own.get("nothing_to_name"):
        parts += _nothing(own["nothing_to_name"])
    if own.get("not_tried"):
        parts += [tag("h3", "Not tried"), bullets(own["not_tried"])]
    return Section("failure-modes", "When the sound gets worse", join(*parts)) if parts else None


def _intro(own: Mapping[str, Any]) -> Markup:
    return prose(
        f"The same {count(own['clean']['n_recordings'], 'test recording')} were made worse, each time in one way. "
        "Decibels of noise are how far the call stands above it: at 0 dB both are equally loud."
    )


def _conditions(own: Mapping[str, Any]) -> Markup:
    scale, clean = Scale.shares(), own["clean"]
    rows: list[list[Child]] = [
        [
            minus(one["name"]),
            f"{one['n_recordings']}",
            bar_cell(scale, one["top1"], reference=clean["top1"]),
            percent(one["top1"]),
            "" if one is clean else points(one["top1_change"]),
            decimals(one["macro_map"]),
            "" if one is clean else signed(one["macro_map_change"]),
            percent(one["named"]),
        ]
        for one in (clean, *own.get("conditions", ()))
    ]
    columns = [
        Column("sound"),
        Column("n", True),
        Column("scale", heading=scale.heading("right at first guess, 0 to 100 %")),
        Column("right at first guess", True),
        Column("change", True),
        Column("mean average precision", True),
        Column("change", True),
        Column("named", True),
    ]
    return table("Right at first guess when the sound gets worse", columns, rows, ["strong"] + [""] * (len(rows) - 1))


def _overlaid(found: Mapping[str, Any]) -> list[Markup]:
    scale = Scale.shares()
    lines = (
        ("one of the two comes first", "one_is_first"),
        ("both are the first two", "both_in_top2"),
        ("both are among the first five", "both_in_top5"),
        ("both are named", "both_named"),
        ("for comparison: each alone, right at first guess", "alone_top1"),
    )
    rows: list[list[Child]] = [
        [words, f"{found['n_pairs']}", bar_cell(scale, found[name]), percent(found[name])]
        for words, name in lines
        if found[name] is not None
    ]
    columns = [Column("outcome"), Column("n", True), Column("scale", heading=scale.heading("share, 0 to 100 %"))]
    return [
        tag("h3", "Two animals at once"),
        table("Two species, equally loud, one over the other", [*columns, Column("share", True)], rows),
    ]


def _nothing(found: Sequence[Mapping[str, Any]]) -> list[Markup]:
    scale = Scale.ratios()
    rows: list[list[Child]] = []
    for one in found:
        top = one["top_probability"]
        rows.append(
            [
                minus(one["name"]),
                f"{one['n_windows']}",
                hours(3600 * one["hours"]),
                whole(one["false_alarms_per_hour"]),
                percent(one["windows_named"]),
                interval_cell(scale, top["q50"], (top["q05"], top["q95"])),
                decimals(top["q50"]),
                decimals(one["separation_auc"]),
            ]
        )
    columns = [
        Column("sound"),
        Column("windows", True),
        Column("length", True),
        Column("species named an hour", True),
        Column("windows with a name", True),
        Column("scale", heading=scale.heading("highest probability, 0 to 1")),
        Column("middle", True),
        Column("told apart", True),
    ]
    words = (
        "Here the right answer is no name at all. The line holds nine of ten windows' highest probabilities. Told "
        "apart is the chance that a window of a real recording has a higher one: 0.5 means that the model cannot tell."
    )
    broken = sum(one["n_not_finite"] for one in found)
    parts = [
        tag("h3", "Where there is nothing to name"),
        prose(words),
        table("Sound without a listed species", columns, rows),
    ]
    if broken:
        parts.append(prose(tag("b", f"{broken} probabilities were no numbers at all."), class_="alarm"))
    return parts
