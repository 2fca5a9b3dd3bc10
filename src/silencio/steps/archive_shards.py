"""archive_shards: the shards of an archive, as the list that a loop runs over."""

from __future__ import annotations

import pyarrow.parquet as pq


def shards_of_archive(archive_path: str) -> list[int]:
    """Numbers of the shards that hold recordings."""
    shards = pq.read_table(archive_path, columns=["shard"])["shard"].to_pylist()
    return sorted({*shards} - {-1})
