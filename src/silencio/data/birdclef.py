"""The source `birdclef`: Kaggle's layout, which the demo recordings share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from silencio.data.recordings import COLUMNS
from silencio.data.schemas import TAXONOMY, TRAIN, parse_secondary_labels, read_table
from silencio.errors import SchemaError, SourceError
from silencio.taxonomy import ClassList, Species


@dataclass(frozen=True)
class Source:
    """What a source hands over.

    Attributes:
        recordings: The columns of `silencio.data.recordings.COLUMNS`, sorted by recording_id.
        classes: The species of which there are recordings, sorted by code.
        unknown_secondary_labels: Secondary labels without recordings of their own, each with how often it stood
            there; no model output exists for them.
    """

    recordings: pd.DataFrame
    classes: ClassList
    unknown_secondary_labels: dict[str, int]


def read_birdclef(root: Path) -> Source:
    """Read `train.csv`, `taxonomy.csv` and the list of files under `train_audio/`.

    Args:
        root: The folder that holds them.

    Raises:
        SourceError: The folder is not there.
        SchemaError: A table is broken; the message names column and row.
    """
    root = Path(root)
    if not root.is_dir():
        raise SourceError(f"{root} is not a folder: --data takes a folder in BirdCLEF's layout, or demo")
    taxonomy = read_table(root / "taxonomy.csv", TAXONOMY).set_index("primary_label")
    train = read_table(root / "train.csv", TRAIN)
    if train.empty:
        raise SchemaError(f"{root / 'train.csv'} lists no recordings")
    unknown = ~train["primary_label"].isin(taxonomy.index)
    if unknown.any():
        row = unknown.idxmax()
        raise SchemaError(
            f"{root / 'train.csv'}: column 'primary_label', row {row}: {train.at[row, 'primary_label']!r} is not in "
            f"taxonomy.csv ({int(unknown.sum())} such rows)"
        )
    recordings = _recordings(root, train)
    classes = ClassList.of(
        Species(
            code=code,
            scientific_name=str(taxonomy.at[code, "scientific_name"]),
            common_name=str(taxonomy.at[code, "common_name"]),
            class_name=str(taxonomy.at[code, "class_name"]),
        )
        for code in sorted(set(train["primary_label"]))
    )
    secondary = recordings["secondary_labels"].explode().dropna()
    counts = secondary[~secondary.isin(classes.codes)].value_counts()
    return Source(recordings, classes, {str(label): int(n) for label, n in counts.items()})


def _recordings(root: Path, train: pd.DataFrame) -> pd.DataFrame:
    empty = pd.Series("", index=train.index)
    recordings = pd.DataFrame(
        {
            "recording_id": train["filename"],
            "path": [str(root.resolve() / "train_audio" / name) for name in train["filename"]],
            "primary_label": train["primary_label"],
            "secondary_labels": [parse_secondary_labels(text) for text in train["secondary_labels"]],
            "author": train.get("author", empty),
            "latitude": pd.to_numeric(train.get("latitude", empty), errors="coerce"),
            "longitude": pd.to_numeric(train.get("longitude", empty), errors="coerce"),
            "license": train.get("license", empty),
            "url": train.get("url", empty),
        }
    )
    return recordings[list(COLUMNS)].sort_values("recording_id", ignore_index=True)
