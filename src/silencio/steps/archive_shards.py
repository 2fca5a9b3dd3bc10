"""archive_shards: the shards of an archive, as the list that a loop runs over."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from silencio.storage.parquet import read_parquet


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        archive: The table that `list_archive` wrote.
    """

    archive: Path


def run(inputs: Inputs) -> list[int]:
    """Numbers of the shards that hold recordings."""
    shards = read_parquet(inputs.archive, columns=["shard"])["shard"].to_pylist()
    return sorted({*shards} - {-1})
