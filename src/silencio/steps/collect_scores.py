"""collect_scores: the tables of all shards as one, with every file of the archive accounted for."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from silencio.detections.score_tables import FILES, append_files, joined
from silencio.errors import PipelineError
from silencio.storage.parquet import read_parquet


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        archive: The table that `list_archive` wrote.
        shards: Folders that `batch_score` wrote, in any order.
    """

    archive: Path
    shards: Sequence[Path]


@dataclass(frozen=True)
class Outputs:
    """What the step writes.

    Attributes:
        scores: Folder; gets `birdclef.csv`, `detections.parquet` and `files.csv`.
    """

    scores: Path


def run(inputs: Inputs, outputs: Outputs) -> dict[str, int]:
    """Put the tables of the shards together, add what was skipped, and count.

    Returns:
        For the run's page: files by status.

    Raises:
        PipelineError: A file of the archive is in no shard's tables, or in two.
    """
    archive = read_parquet(inputs.archive).to_pylist()
    joined(sorted(inputs.shards, key=_first_file), outputs.scores)
    append_files(outputs.scores, [(row["file"], "skipped", row["reason"]) for row in archive if row["shard"] < 0])
    with (outputs.scores / FILES).open(encoding="utf-8", newline="") as file:
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
