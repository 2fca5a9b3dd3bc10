"""plan: which shards a split has."""

from __future__ import annotations

from silencio.data.frames import read_frame


def shards_of(split: str, assignment_path: str) -> list[int]:
    """Numbers of the shards of `development` or `test`."""
    assignment = read_frame(assignment_path)
    is_test = assignment["split"] == "test"
    return sorted({int(shard) for shard in assignment.loc[is_test == (split == "test"), "shard"]})
