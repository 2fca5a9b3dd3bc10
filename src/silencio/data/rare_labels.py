"""Labels with too few recordings to be learned and tested: left out of a source, and named."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from silencio.data.faults import Fault, fault_table
from silencio.data.recordings import Source
from silencio.errors import DataError
from silencio.taxonomy import ClassList


def without_rare_labels(source: Source, min_recordings: int) -> Source:
    """Leave out the recordings of labels that have fewer than so many, and their classes.

    A label with one or two recordings stands in no three splits: it is learned and never tested, or tested
    and never learned, and all the same draws answers to itself.

    Args:
        source: As it was read; the same sound under two names counts twice, for no sound was read yet.
        min_recordings: Fewest recordings of a primary label.

    Returns:
        The same source where no label is rarer. Otherwise each recording that was left out is a fault `rare_label`, and
        where a label stands as a secondary one it has no class any more.

    Raises:
        DataError: No label has so many.
    """
    counts = source.recordings["primary_label"].value_counts()
    kept = set(counts.index[counts >= min_recordings])
    if not kept:
        raise DataError(
            f"min_recordings={min_recordings} leaves no label: the most frequent one, {counts.index[0]!r}, has "
            f"{counts.iloc[0]} recordings"
        )
    stays = source.recordings["primary_label"].isin(kept)
    if stays.all():
        return source
    faults = [
        Fault(name, "rare_label", f"{label}: {counts[label]} of {min_recordings}")
        for name, label in source.recordings.loc[~stays, ["recording_id", "primary_label"]].to_numpy(str)
    ]
    recordings = source.recordings[stays].reset_index(drop=True)
    secondary = recordings["secondary_labels"].explode().dropna()
    unknown = secondary[~secondary.isin(kept)].value_counts()
    return replace(
        source,
        recordings=recordings,
        classes=ClassList.of(one for one in source.classes if one.code in kept),
        unknown_secondary_labels={str(label): int(n) for label, n in unknown.items()},
        faults=_joined(source.faults, faults),
    )


def _joined(known: pd.DataFrame, faults: list[Fault]) -> pd.DataFrame:
    before = [Fault(*row) for row in known[["recording_id", "kind", "detail"]].to_numpy(str)]
    return fault_table([*before, *faults])
