"""The source `birdclef`: Kaggle's layout, in a folder, an S3 prefix or Kaggle's zip. The demo recordings share it."""

from __future__ import annotations

from pathlib import Path

from silencio.data.faults import other_forms
from silencio.data.file_names import is_audio, names_below
from silencio.data.listing import list_source
from silencio.data.recordings import Source, make_source
from silencio.data.schemas import TAXONOMY, TRAIN, parse_secondary_labels, read_table
from silencio.errors import SchemaError, SourceError, StorageError
from silencio.storage import FileFinder, is_local, is_missing, join, local_path

TAXONOMY_COLUMNS = ["scientific_name", "common_name", "class_name"]
SOUNDSCAPES = "train_soundscapes"


def read_birdclef(root: str | Path) -> Source:
    """Read `train.csv`, `taxonomy.csv` and the names under `train_soundscapes/`.

    Args:
        root: The folder or prefix that holds them.

    Raises:
        SourceError: The folder is not there.
        SchemaError: A table is broken; the message names column and row.
        StorageError: The place does not answer.
    """
    root = str(root)
    if is_local(root):
        if not local_path(root).is_dir():
            raise SourceError(f"{root} is not a folder: --data takes a folder in BirdCLEF's layout, or demo")
        root = str(Path(root).resolve())
    taxonomy = read_table(join(root, "taxonomy.csv"), TAXONOMY).set_index("primary_label")
    train = read_table(join(root, "train.csv"), TRAIN)
    if train.empty:
        raise SchemaError(f"{join(root, 'train.csv')} lists no recordings")
    ids = [name.replace("\\", "/") for name in train["filename"]]
    named = [join(root, "train_audio", name) for name in train["filename"]]
    found = FileFinder(join(root, "train_audio")).find_all(named)
    rows = train.assign(
        recording_id=ids, path=found, secondary_labels=train["secondary_labels"].map(parse_secondary_labels)
    )
    twice = rows["recording_id"].duplicated()
    if twice.any():
        row = twice.idxmax()
        raise SchemaError(
            f"{join(root, 'train.csv')}: column 'filename', row {row}: {train.at[row, 'filename']!r} is listed before"
        )
    return make_source(
        rows,
        taxonomy[TAXONOMY_COLUMNS],
        soundscapes=soundscapes_of(root),
        taken_as=f"BirdCLEF's layout in {root}",
        faults=other_forms(ids, found),
    )


def soundscapes_of(root: str) -> list[str]:
    """URIs of the recordings under `train_soundscapes/`; none where there is no such folder."""
    try:
        found = list_source(join(root, SOUNDSCAPES))
    except StorageError as error:
        if is_missing(error):
            return []
        raise
    return [uri for name, uri in names_below(join(root, SOUNDSCAPES), found).items() if is_audio(name)]
