"""featurize: one planned shard's recordings become waveforms."""

from __future__ import annotations

from pathlib import Path

from silencio.data.config import DataConfig
from silencio.data.embeddings import open_encoders
from silencio.data.frames import read_frame
from silencio.data.recordings import read_recordings
from silencio.data.shards import write_shard
from silencio.data.unlabelled_pool import without_labels


def featurize_shard(config: DataConfig, shard: int, usable_path: str, assignment_path: str, directory: str) -> None:
    """Write the waveforms of one planned shard, and what the encoders of the run say of them.

    Recordings of the pool come without their labels: what trains on the shard cannot look.
    """
    assignment = read_frame(assignment_path)
    mine = assignment[assignment["shard"] == shard]
    recordings = read_recordings(Path(usable_path)).merge(
        mine[["recording_id", "split", "group_id"]], on="recording_id", validate="one_to_one"
    )
    encoders = open_encoders(config.encoders, config.features)
    write_shard(without_labels(recordings), config.features, Path(directory), encoders)
