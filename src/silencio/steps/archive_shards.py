"""archive_shards: the shards of an archive, as the list that a loop runs over."""

from __future__ import annotations

from silencio.storage.parquet import read_parquet


def shards_of_archive(archive_path: str) -> list[int]:
    """Numbers of the shards that hold recordings."""
    shards = read_parquet(archive_path, columns=["shard"])["shard"].to_pylist()
    return sorted({*shards} - {-1})
