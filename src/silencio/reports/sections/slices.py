"""Slices: parts of the test recordings on which a good average may hide a bad model."""

from __future__ import annotations

from silencio.evaluation.slices import SliceConfig, SliceMetrics
from silencio.reports.document import Column, Section, prose, table
from silencio.reports.inputs import ReportInputs
from silencio.reports.intervals import Scale, interval_cell
from silencio.reports.markup import Child, Markup, join
from silencio.reports.wording import between, decimals, percent, points, taxon

_TAXON = "taxon class "


def slices(inputs: ReportInputs) -> Section | None:
    """Every slice with its interval; grey where too few recordings are in it."""
    own = inputs.evaluation.slices
    if not own:
        return None
    intro = (
        "The line is the 95 % interval, the dashed line all test recordings together. A slice with an open grey dot "
        f"has fewer than {inputs.slices.counts_from} recordings: it is shown and decides nothing. Slices overlap."
    )
    parts = [prose(intro), _forest(inputs, own)]
    if any(one.change is not None for one in own):
        parts.append(_changes(inputs, own))
    return Section("slices", "Where it is better and worse", join(*parts))


def meaning(name: str, config: SliceConfig) -> str:
    """A slice in plain words."""
    if name.startswith(_TAXON):
        return taxon(name.removeprefix(_TAXON)).capitalize()
    return {
        "rare species": f"Species with at most {config.rare_recordings} training recordings",
        "low signal-to-noise ratio": f"Noisy recordings (signal less than {config.low_snr_db:g} dB over noise)",
        "several species": "Recordings in which several species are labelled",
        "confusable pairs": "Species that validation takes for each other",
        "night": f"Recorded at night ({config.night_from_h} to {config.night_to_h} h)",
        "new recordist": "By a recordist of whom training has none of this species",
        "new site": "At a site from which training has none of this species",
    }.get(name, name.capitalize())


def _forest(inputs: ReportInputs, own: list[SliceMetrics]) -> Markup:
    scale, overall = Scale.shares(), inputs.metrics
    rows: list[list[Child]] = [
        [
            "All test recordings",
            f"{overall.n_recordings}",
            f"{overall.n_species}",
            interval_cell(scale, overall.top1, overall.intervals.get("top1"), reference=overall.top1),
            percent(overall.top1),
            between(overall.intervals.get("top1")),
            decimals(overall.macro_map),
            between(overall.intervals.get("macro_map"), decimals),
        ]
    ]
    for one in own:
        rows.append(
            [
                meaning(one.name, inputs.slices) + ("" if one.counted else " (too few)"),
                f"{one.n_recordings}",
                f"{one.n_species}",
                interval_cell(scale, one.top1, one.top1_interval, muted=not one.counted, reference=overall.top1),
                percent(one.top1),
                between(one.top1_interval),
                decimals(one.macro_map),
                between(one.macro_map_interval, decimals),
            ]
        )
    columns = [
        Column("slice"),
        Column("recordings", True),
        Column("species", True),
        Column("scale", heading=scale.heading("right at first guess, 0 to 100 %")),
        Column("right at first guess", True),
        Column("95 % interval", True),
        Column("mean average precision", True),
        Column("95 % interval", True),
    ]
    classes = ["strong", *("" if one.counted else "muted" for one in own)]
    return table("Right at first guess by slice", columns, rows, classes)


def _changes(inputs: ReportInputs, own: list[SliceMetrics]) -> Markup:
    known = [one for one in own if one.change is not None and one.change_interval is not None]
    scale = Scale.differences([value for one in known for value in one.change_interval or ()])
    rows: list[list[Child]] = [
        [
            meaning(one.name, inputs.slices) + ("" if one.counted else " (too few)"),
            interval_cell(scale, one.change or 0.0, one.change_interval, muted=not one.counted),
            points(one.change),
            between(one.change_interval, points),
            points(one.simultaneous_upper),
            f"{one.n_compared or one.n_recordings}",
        ]
        for one in known
    ]
    columns = [Column("slice"), Column("scale", heading=scale.heading("difference in right at first guess"))]
    columns += [Column("change", True), Column("95 % interval", True)]
    columns += [Column("at most, all slices taken together", True), Column("recordings", True)]
    classes = ["" if one.counted else "muted" for one in known]
    return table(f"Against the champion {inputs.evaluation.champion}, on the same recordings", columns, rows, classes)
