"""featurize: one planned shard's recordings become waveforms."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from silencio.data.config import DataConfig
from silencio.data.embeddings import open_encoders
from silencio.data.frames import read_frame
from silencio.data.recordings import read_recordings
from silencio.data.shards import write_shard
from silencio.data.split import placed
from silencio.data.unlabelled_pool import without_labels


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        config: Its part of the configuration.
        shard: Number of the shard.
        usable: The recordings that can be used.
        assignment: Split and shard of every recording.
    """

    config: DataConfig
    shard: int
    usable: Path
    assignment: Path


@dataclass(frozen=True)
class Outputs:
    """What the step writes.

    Attributes:
        waveforms: Folder of the shard.
    """

    waveforms: Path


def run(inputs: Inputs, outputs: Outputs) -> None:
    """Write the waveforms of one planned shard, and what the encoders of the run make of them.

    Recordings of the pool come without their labels: what trains on the shard cannot look.
    """
    config, assignment = inputs.config, read_frame(inputs.assignment)
    mine = assignment[assignment["shard"] == inputs.shard]
    recordings = read_recordings(inputs.usable).merge(
        mine[placed(mine)],
        on="recording_id",
        validate="one_to_one",
    )
    encoders = open_encoders(config.encoders, config.features)
    write_shard(without_labels(recordings), config.features, outputs.waveforms, encoders)
