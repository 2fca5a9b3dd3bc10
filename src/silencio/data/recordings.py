"""The table of recordings: one row a recording, the form in which every source hands over its data."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pandas as pd

from silencio.taxonomy import ClassList

COLUMNS = (
    "recording_id",  # stable across machines: the file's path inside its source
    "path",  # where the encoded bytes are
    "primary_label",
    "secondary_labels",  # list of codes
    "author",
    "latitude",
    "longitude",
    "license",
    "url",
)


def write_recordings(recordings: pd.DataFrame, path: Path) -> None:
    """Keep a table of recordings as Parquet."""
    recordings.to_parquet(path, index=False)


def read_recordings(path: Path) -> pd.DataFrame:
    """The inverse of `write_recordings`."""
    recordings = pd.read_parquet(path)
    recordings["secondary_labels"] = [list(labels) for labels in recordings["secondary_labels"]]
    return recordings


def write_class_list(classes: ClassList, path: Path) -> None:
    """Keep a class list as JSON."""
    path.write_text(classes.model_dump_json(indent=1), encoding="utf-8")


def read_class_list(path: Path) -> ClassList:
    """The inverse of `write_class_list`."""
    return ClassList.model_validate_json(path.read_text(encoding="utf-8"))


def data_fingerprint(recordings: pd.DataFrame) -> str:
    """Identity of a data set: which recordings, with which bytes, under which labels.

    Args:
        recordings: Validated recordings (with `sha256`), in any order.
    """
    rows = sorted(
        (row["recording_id"], row["sha256"], row["primary_label"], sorted(row["secondary_labels"]))
        for row in recordings.to_dict("records")
    )
    return hashlib.sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest()
