"""ingest: from a source's name to a table of recordings."""

from __future__ import annotations

import sys
from pathlib import Path

from silencio.data.rare_labels import without_rare_labels
from silencio.data.recordings import notes, soundscape_table, write_class_list, write_recordings, write_table
from silencio.data.source import open_source


def ingest_source(
    data: str, recordings_path: str, classes_path: str, soundscapes_path: str, min_recordings: int = 1
) -> dict[str, float]:
    """Read a source and write its recordings and soundscapes (Parquet) and its class list (JSON).

    What the source's tables say against themselves travels with the recordings, to the page that `validate` writes.

    Args:
        data: Its name.
        recordings_path: Gets the recordings.
        classes_path: Gets the class list.
        soundscapes_path: Gets the soundscapes.
        min_recordings: Labels with fewer are left out, and named on that page.

    Returns:
        What there is, for the run's page.
    """
    source = without_rare_labels(open_source(data), min_recordings)
    for line in (f"{data} was taken as {source.taken_as}", *notes(source)):
        sys.stderr.write(f"{line}\n")
    write_recordings(source.recordings, Path(recordings_path), source.faults)
    write_class_list(source.classes, Path(classes_path))
    write_table(soundscape_table(source.soundscapes), Path(soundscapes_path))
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
