"""ingest: from a source's name to a table of recordings."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from silencio.data.rare_labels import without_rare_labels
from silencio.data.recordings import notes, soundscape_table, write_class_list, write_recordings, write_table
from silencio.data.source import open_source


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        data: Name of the source: a folder, an `s3://` prefix, a zip, a table, or one that comes with the library.
        min_recordings: Labels with fewer are left out, and named on the page that `validate` writes.
    """

    data: str
    min_recordings: int = 1


@dataclass(frozen=True)
class Outputs:
    """What the step writes.

    Attributes:
        recordings: The table of recordings (Parquet); where the source's tables contradict themselves travels with it,
            to the page that `validate` writes.
        classes: The ordered class list (JSON).
        soundscapes: Unlabelled recordings of the same places (Parquet).
    """

    recordings: Path
    classes: Path
    soundscapes: Path


def run(inputs: Inputs, outputs: Outputs) -> dict[str, float]:
    """Read a source into tables.

    Returns:
        For the run's page: what there is.
    """
    source = without_rare_labels(open_source(inputs.data), inputs.min_recordings)
    for line in (f"{inputs.data} was taken as {source.taken_as}", *notes(source)):
        sys.stderr.write(f"{line}\n")
    write_recordings(source.recordings, outputs.recordings, source.faults)
    write_class_list(source.classes, outputs.classes)
    write_table(soundscape_table(source.soundscapes), outputs.soundscapes)
    found = source.faults["kind"].value_counts()
    return {
        "recordings": len(source.recordings),
        "species": len(source.classes),
        "soundscapes": len(source.soundscapes),
        "labels_not_in_taxonomy": int(found.get("unknown_label", 0)),
        "species_without_recordings": int(found.get("no_recordings", 0)),
        "secondary_labels_without_class": sum(source.unknown_secondary_labels.values()),
        "without_time": int((source.recordings["recorded_at"] == "").sum()),
        "without_site": int((source.recordings["site"] == "").sum()),
    }
