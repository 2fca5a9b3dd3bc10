"""All recordings of a source as one table, made without opening one of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from silencio.audio import MAX_AUDIO_S, Steps, claimed_duration_s
from silencio.data.recordings import Source, notes, soundscape_table
from silencio.data.schemas import TRAIN, read_table
from silencio.data.source import is_listed, open_source, root_of
from silencio.errors import StorageError
from silencio.storage import exists, is_local, join, name_of, read_bytes
from silencio.tables import parse_number

COLUMNS = (
    "recording_id",
    "path",
    "code",
    "common_name",
    "scientific_name",
    "class_name",
    "secondary_labels",
    "site",
    "recorded_at",
    "latitude",
    "longitude",
    "author",
    "license",
    "rating",
)
# In place of the taxon class of recordings that nobody has labelled.
UNLABELLED = "not labelled"
# Headers of one file: more pages than a day of Ogg has.
_MAX_STEPS = 200_000


@dataclass(frozen=True)
class Collection:
    """A source's recordings.

    Attributes:
        table: One row a recording, soundscapes at the end: the columns of `COLUMNS`.
        faults: What its tables show against themselves (`silencio.data.faults.fault_table`).
        taken_as: What it was taken for.
        notes: What its tables and names leave open, a sentence each.
    """

    table: pd.DataFrame
    faults: pd.DataFrame
    taken_as: str
    notes: tuple[str, ...]


def open_collection(data: str) -> Collection:
    """Read a source's tables.

    Args:
        data: As `--data` of every command.

    Raises:
        SourceError: It is no source of recordings.
        SchemaError: A table is broken.
        StorageError: The place does not answer.
    """
    source = open_source(data)
    labelled = _labelled(source).assign(rating=_ratings(data, source.recordings["recording_id"]))
    table = pd.concat([labelled[list(COLUMNS)], _soundscapes(source)[list(COLUMNS)]], ignore_index=True)
    return Collection(table, source.faults, source.taken_as, tuple(notes(source)))


def _labelled(source: Source) -> pd.DataFrame:
    names = pd.DataFrame(
        [(one.code, one.common_name, one.scientific_name, one.class_name) for one in source.classes],
        columns=["code", "common_name", "scientific_name", "class_name"],
    )
    rows = source.recordings.rename(columns={"primary_label": "code"})
    return rows.merge(names, on="code", how="left", validate="many_to_one")


def _soundscapes(source: Source) -> pd.DataFrame:
    rows = soundscape_table(source.soundscapes)
    empty = dict.fromkeys(("code", "common_name", "scientific_name", "author", "license"), "")
    unknown = dict.fromkeys(("latitude", "longitude", "rating"), np.nan)
    return rows.assign(
        recording_id=[name_of(uri) for uri in rows["path"]],
        class_name=UNLABELLED,
        secondary_labels=pd.Series([[]] * len(rows), index=rows.index, dtype=object),
        **empty,
        **unknown,
    )


def _ratings(data: str, recording_ids: pd.Series[str]) -> pd.Series[float]:
    """Of xeno-canto, 0.5 to 5, from BirdCLEF's train.csv; there, 0 is a recording that nobody has rated."""
    unknown = pd.Series(np.nan, index=recording_ids.index, dtype="float64")
    if not is_listed(data):
        return unknown
    place = join(root_of(data), "train.csv")
    if not exists(place):
        return unknown
    train = read_table(place, TRAIN)
    if "rating" not in train:
        return unknown
    ids = [name.replace("\\", "/") for name in train["filename"]]
    values = [parse_number(str(value)) for value in train["rating"]]
    rated = pd.Series([value or np.nan for value in values], index=ids, dtype="float64")
    return recording_ids.map(rated)


def claimed_durations_s(table: pd.DataFrame) -> pd.Series[float]:
    """Seconds by the headers of local files, for thousands of them in seconds; NaN where headers do not tell.

    Recordings elsewhere are NaN as well: each would be a download.
    """
    return pd.Series([_claimed_s(uri) for uri in table["path"]], index=table.index, dtype="float64")


def _claimed_s(uri: str) -> float:
    if not is_local(uri):
        return np.nan
    try:
        claimed = claimed_duration_s(read_bytes(uri), MAX_AUDIO_S, Steps(_MAX_STEPS))
    except StorageError:  # a fault of its own kind, which checking the recordings names
        return np.nan
    return np.nan if claimed is None else claimed
