"""The source `class folders`: one folder a class, recordings at any depth in it."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from silencio.data.birdclef import SOUNDSCAPES, TAXONOMY_COLUMNS
from silencio.data.file_names import is_audio, names_below
from silencio.data.recordings import Source, make_source
from silencio.data.schemas import TAXONOMY, read_table
from silencio.errors import SourceError
from silencio.storage import StoredObject, join
from silencio.taxonomy import clean_name


def read_class_folders(root: str, files: list[StoredObject]) -> Source:
    """Take the first folder below `root` as the label of every recording in it.

    A `taxonomy.csv` in `root`, in BirdCLEF's form, names the species; without it a class is its own scientific and
    common name, of taxon class `unknown`. `train_soundscapes/` is never a class.

    Args:
        root: The folder, prefix or zip.
        files: Everything below it.

    Raises:
        SourceError: No class folder with a recording.
        SchemaError: The taxonomy is broken, or has not one of the classes.
    """
    uris = names_below(root, files)
    names = list(uris)
    audio = [name for name in names if is_audio(name)]
    labelled = [name for name in audio if "/" in name and not name.startswith(f"{SOUNDSCAPES}/")]
    if not labelled:
        raise SourceError(f"{root} holds no folder with recordings in it, and {len(audio)} recordings in no folder")
    rows = pd.DataFrame({"recording_id": labelled}, dtype=object)
    rows["path"] = [uris[name] for name in labelled]
    # Folders that differ in nothing but how their accents or blanks are written are one class.
    rows["primary_label"] = [clean_name(name.split("/", 1)[0]) for name in labelled]
    rows["secondary_labels"] = [[] for _ in labelled]
    loose = sum("/" not in name for name in audio)
    others = len(names) - len(audio) - names.count("taxonomy.csv")
    return make_source(
        rows,
        taxonomy_of(root, names, sorted(set(rows["primary_label"]))),
        soundscapes=[uris[name] for name in audio if name.startswith(f"{SOUNDSCAPES}/")],
        taken_as=f"one folder a class in {root}{not_taken({'recordings in no folder': loose, 'other files': others})}",
    )


def not_taken(counts: Mapping[str, int]) -> str:
    """What of a source is no recording of it, in brackets; empty where all was taken."""
    left = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    return f" (not taken: {left})" if left else ""


def taxonomy_of(root: str, names: list[str], labels: list[str], class_name: str = "unknown") -> pd.DataFrame:
    """The species of a source without a table of recordings: those of its `taxonomy.csv`, or the labels themselves.

    Args:
        root: The folder, prefix or zip.
        names: Names of everything below it.
        labels: Those that recordings have.
        class_name: Taxon class, where no table says it.

    Returns:
        `scientific_name`, `common_name`, `class_name` by label.

    Raises:
        SchemaError: The table is broken.
    """
    if "taxonomy.csv" in names:
        return read_table(join(root, "taxonomy.csv"), TAXONOMY).set_index("primary_label")[TAXONOMY_COLUMNS]
    return pd.DataFrame(
        {"scientific_name": labels, "common_name": labels, "class_name": class_name}, index=labels, dtype=object
    )
