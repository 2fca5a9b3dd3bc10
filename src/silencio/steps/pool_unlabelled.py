"""pool_unlabelled: unlabelled soundscapes beside the labelled recordings."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from silencio.data.config import DataConfig
from silencio.data.frames import read_frame
from silencio.data.recordings import read_recordings, write_recordings, write_table
from silencio.data.shards import plan_shards
from silencio.data.unlabelled_pool import POOL, soundscape_pool


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        config: Its part of the configuration.
        usable: The labelled recordings.
        assignment: Their splits and shards.
        soundscapes: The source's unlabelled recordings.
    """

    config: DataConfig
    usable: Path
    assignment: Path
    soundscapes: Path


@dataclass(frozen=True)
class Outputs:
    """What the step writes.

    Attributes:
        recordings: Labelled and unlabelled recordings in one table.
        extended_assignment: Their splits and shards; those of the labelled recordings are as before.
    """

    recordings: Path
    extended_assignment: Path


@dataclass(frozen=True)
class Outcome:
    """What came of it.

    Attributes:
        metrics: For the run's page: how much was added.
        pool_sha256: Identity of what was added.
    """

    metrics: dict[str, float]
    pool_sha256: str


def run(inputs: Inputs, outputs: Outputs) -> Outcome:
    """Add the soundscapes that may be learned from to what `featurize` reads, as split `pool`.

    What other steps read of recordings and splits stays as it was: soundscapes have no labels to be evaluated by.

    Raises:
        DataError: There is no soundscape that can be used.
    """
    config, usable, assignment = inputs.config, read_recordings(inputs.usable), read_frame(inputs.assignment)
    pool = soundscape_pool(read_frame(inputs.soundscapes), usable, config.validation)
    first = int(assignment["shard"].max()) + 1
    planned = plan_shards(pool.drop(columns="split"), pool, config.seconds_per_shard)
    shard_of = {name: first + number for number, plan in enumerate(planned) for name in plan.recording_ids}
    assigned = pool[["recording_id", "group_id", "primary_label", "split"]]
    assigned = assigned.assign(shard=assigned["recording_id"].map(shard_of))
    write_recordings(pd.concat([usable, pool[usable.columns]], ignore_index=True), outputs.recordings)
    write_table(pd.concat([assignment, assigned], ignore_index=True), outputs.extended_assignment)
    identity = hashlib.sha256("\n".join(sorted(pool["sha256"])).encode()).hexdigest()
    return Outcome({POOL: len(pool), "hours": round(pool["duration_s"].sum() / 3600, 3)}, identity)
