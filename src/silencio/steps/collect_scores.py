"""collect_scores: the tables of all shards as one, with every file of the archive accounted for."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from silencio.detections.score_tables import FILES, append_files, joined
from silencio.errors import PipelineError
from silencio.storage.parquet import read_parquet


def collect_scores(archive_path: str, shards: Sequence[str], directory: str) -> dict[str, int]:
    """Join the tables of the shards, add what was skipped, and count.

    Args:
        archive_path: The table that `list_archive` wrote.
        shards: Folders that `batch_score` wrote.
        directory: Gets `birdclef.csv`, `detections.parquet` and `files.csv`.

    Returns:
        Files by status.

    Raises:
        PipelineError: A file of the archive is in no shard's tables, or in two.
    """
    archive = read_parquet(archive_path).to_pylist()
    joined(sorted((Path(shard) for shard in shards), key=_first_file), Path(directory))
    append_files(Path(directory), [(row["file"], "skipped", row["reason"]) for row in archive if row["shard"] < 0])
    with (Path(directory) / FILES).open(encoding="utf-8", newline="") as file:
        accounted = [(row["file"], row["status"]) for row in csv.DictReader(file)]
    listed = sorted(row["file"] for row in archive)
    if sorted(name for name, _ in accounted) != listed:
        odd = sorted(set(listed) ^ {name for name, _ in accounted})
        raise PipelineError(
            f"{len(listed)} files are in the archive, {len(accounted)} are accounted for, such as {odd[:1]}: "
            "start the run again with another --out"
        )
    counts = dict.fromkeys(("scored", "failed", "skipped"), 0)
    for _, status in accounted:
        counts[status] += 1
    return {"files": len(listed), **counts}


def _first_file(shard: Path) -> str:
    """Shards in the order of the archive, in whatever order a loop hands them over."""
    with (shard / FILES).open(encoding="utf-8", newline="") as file:
        return next((row["file"] for row in csv.DictReader(file)), "")
