"""ingest: from a source's name to a table of recordings."""

from __future__ import annotations

from pathlib import Path

from silencio.data.birdclef import read_birdclef
from silencio.data.recordings import write_class_list, write_recordings

DEMO = "demo"


def data_folder(data: str) -> Path:
    """The folder that `data` names; `demo` fetches the demo recordings first, where they are not there yet."""
    if data != DEMO:
        return Path(data)
    from silencio.data.demo import default_demo_directory, fetch_demo

    return fetch_demo(default_demo_directory())


def ingest_source(data: str, recordings_path: str, classes_path: str) -> dict[str, float]:
    """Read a source and write its table of recordings (Parquet) and class list (JSON).

    Returns:
        What there is, for the run's page.
    """
    source = read_birdclef(data_folder(data))
    write_recordings(source.recordings, Path(recordings_path))
    write_class_list(source.classes, Path(classes_path))
    return {
        "recordings": len(source.recordings),
        "species": len(source.classes),
        "secondary_labels_without_class": sum(source.unknown_secondary_labels.values()),
    }
