"""The species that the model knows least."""

from __future__ import annotations

from silencio.reports.document import Column, Section, prose, table
from silencio.reports.inputs import ReportInputs
from silencio.reports.intervals import Scale, bar_cell
from silencio.reports.markup import Child, Markup, join, tag
from silencio.reports.wording import decimals


def worst_species(inputs: ReportInputs) -> Section | None:
    """The worst first; a species with one recording is mostly luck, so their number stands beside it."""
    own = inputs.evaluation.species[: inputs.slices.n_worst]
    if not own:
        return None
    scale = Scale.ratios()
    rows: list[list[Child]] = []
    for row in own:
        species = inputs.classes[inputs.classes.index[row["species"]]]
        n_right = round(row["top-1"] * row["recordings"])
        rows.append(
            [
                _both_names(inputs.name(row["species"]), species.scientific_name),
                f"{n_right} of {row['recordings']}",
                bar_cell(scale, row["average precision"]),
                decimals(row["average precision"]),
                inputs.name(row["taken for"]) if row["taken for"] else "",
            ]
        )
    columns = [
        Column("species"),
        Column("right at first guess", True),
        Column("scale", heading=scale.heading("average precision, 0 to 1")),
        Column("average precision", True),
        Column("mostly taken for"),
    ]
    intro = (
        "Average precision is 1 when all recordings of the species rank above all others. With one or two recordings "
        "it is mostly luck, good or bad."
    )
    n_tested = len(inputs.evaluation.species)
    if len(own) == n_tested:
        title = caption = "All tested species, the worst first" if n_tested > 1 else "The tested species"
    else:
        title = f"The {len(own)} worst species" if len(own) > 1 else "The worst species"
        caption = f"{title} of {n_tested} tested"
    return Section("species", title, join(prose(intro), table(caption, columns, rows)))


def _both_names(common: str, scientific: str) -> Markup:
    return join(common, " ", tag("i", scientific, class_="latin")) if common != scientific else tag("i", scientific)
