"""plan: which shards a split has."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from silencio.data.frames import read_frame


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        split: `development` (training, validation and pool) or `test`.
        assignment: Split and shard of every recording.
    """

    split: str
    assignment: Path


def run(inputs: Inputs) -> list[int]:
    """Numbers of the split's shards."""
    assignment = read_frame(inputs.assignment)
    is_test = assignment["split"] == "test"
    return sorted({int(shard) for shard in assignment.loc[is_test == (inputs.split == "test"), "shard"]})
