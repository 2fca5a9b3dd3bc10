"""The recordings that the model was made from and tested on."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from silencio.reports.document import Column, Section, figure, prose, table
from silencio.reports.folds import folds
from silencio.reports.inputs import ReportInputs
from silencio.reports.intervals import stack_cell
from silencio.reports.markup import Child, Markup, join, tag
from silencio.reports.wording import count, hours, n_species, taxon

SPLITS = ("train", "validation", "test")
_BY_FOLDS = (
    "The model that ships learned from all of them. How good it is, is told by models that were made by the same "
    "recipe without a part of the recordings."
)
_BINS = ((0, 0), (1, 3), (4, 9), (10, 29), (30, None))


def recordings(inputs: ReportInputs) -> Section | None:
    """How much there is, by taxon class and split."""
    if inputs.data is None or inputs.data.empty:
        return None
    data = inputs.data.assign(
        # Recordings whose labels were hidden to be learned from without them.
        split=inputs.data["split"].replace("pool", "train"),
        taxon=inputs.data["primary_label"].map({one.code: one.class_name for one in inputs.classes}).fillna("other"),
    )
    how_much = (
        f"{count(len(data), 'recording')} of {n_species(data['primary_label'].nunique())}, "
        f"{hours(data['duration_s'].sum())} of sound."
    )
    if inputs.n_folds:
        aside = int((data["split"] == "test").sum())
        if aside:
            how_much += f" {count(aside, 'recording')} of them never train: releases replay them."
        return Section("recordings", "Recordings", join(prose(f"{how_much} {_BY_FOLDS}"), *_of_folds(inputs, data)))
    intro = (
        f"{how_much} The model learned from the training split; the validation split "
        "chose weights, calibration and thresholds; the test set was kept aside for evaluation only."
    )
    body = join(prose(intro), _by_taxon(data), prose(_legend(), class_="legend"), _by_frequency(inputs, data))
    return Section("recordings", "Recordings", body)


def _of_folds(inputs: ReportInputs, data: pd.DataFrame) -> list[Markup]:
    caption = (
        "Each column is a part of the recordings. Metrics on these pages are of the squares that say tested: all "
        "recordings, and none by a model that had learned from it. Weights, calibration and thresholds of each row "
        "were fitted without its tested part, too."
    )
    return [figure(folds(inputs.n_folds), caption), _by_taxon(data, ()), _by_frequency(inputs, data)]


def _by_taxon(data: pd.DataFrame, splits: Sequence[str] = SPLITS) -> Markup:
    groups = [(name, some) for name, some in data.groupby("taxon")]
    groups.sort(key=lambda one: (-len(one[1]), str(one[0])))
    full_scale = max(len(some) for _, some in groups)
    rows = [_row(taxon(str(name)), some, full_scale, splits) for name, some in groups]
    rows.append(_row("all", data, 0, splits))
    columns = [Column("kind"), Column("species", True), Column("recordings", True), Column("length", True)]
    columns += [Column(one, True) for one in splits] + [Column("by split" if splits else "share")]
    title = "Recordings by kind and split" if splits else "Recordings by kind"
    return table(title, columns, rows, [""] * len(groups) + ["sum"])


def _row(name: str, some: pd.DataFrame, full_scale: int, splits: Sequence[str]) -> list[Child]:
    counts = [int((some["split"] == one).sum()) for one in splits]
    picture = stack_cell(counts or [len(some)], full_scale) if full_scale else ""
    species, length = some["primary_label"].nunique(), hours(some["duration_s"].sum())
    return [name, f"{species}", f"{len(some)}", length, *(f"{n}" for n in counts), picture]


def _legend() -> Markup:
    pieces = (
        (
            tag(
                "svg",
                tag("rect", width=12, height=12, class_=f"piece-{number}"),
                viewBox="0 0 12 12",
                aria_hidden="true",
            ),
            f" {split} ",
        )
        for number, split in enumerate(SPLITS)
    )
    return join(*(child for piece in pieces for child in piece))


def _by_frequency(inputs: ReportInputs, data: pd.DataFrame) -> Markup:
    training_counts = data.loc[data["split"] == "train", "primary_label"].value_counts()
    n_training = [int(training_counts.get(code, 0)) for code in inputs.classes.codes]
    rows: list[list[Child]] = []
    for low, high in _BINS:
        n_species = sum(low <= n and (high is None or n <= high) for n in n_training)
        if n_species:
            words = f"{low} and more" if high is None else f"{low}" if low == high else f"{low} to {high}"
            rows.append([words, f"{n_species}", stack_cell([n_species], len(n_training))])
    columns = [Column("training recordings"), Column("species", True), Column("share of species")]
    return table("How many recordings a species was learned from", columns, rows)
