"""pool_unlabelled: unlabelled soundscapes beside the labelled recordings."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd

from silencio.data.config import DataConfig
from silencio.data.frames import read_frame
from silencio.data.recordings import read_recordings, write_recordings, write_table
from silencio.data.shards import plan_shards
from silencio.data.unlabelled_pool import POOL, soundscape_pool


def pool_soundscapes(
    config: DataConfig,
    usable_path: str,
    assignment_path: str,
    soundscapes_path: str,
    recordings_path: str,
    extended_path: str,
) -> tuple[dict[str, float], str]:
    """Add the soundscapes that may be learned from to what `featurize` reads, as part `pool`.

    What other steps read of recordings and parts stays as it was: soundscapes have no labels to be judged by.

    Args:
        config: What this step reads of the configuration.
        usable_path: The labelled recordings.
        assignment_path: Their parts and shards.
        soundscapes_path: The source's unlabelled recordings.
        recordings_path: Gets both kinds in one table.
        extended_path: Gets their parts and shards; those of the labelled recordings are as before.

    Returns:
        How much there is, for the run's page; and the identity of the pool.

    Raises:
        DataError: There is no soundscape that can be used.
    """
    usable, assignment = read_recordings(Path(usable_path)), read_frame(assignment_path)
    pool = soundscape_pool(read_frame(soundscapes_path), usable, config.validation)
    first = int(assignment["shard"].max()) + 1
    planned = plan_shards(pool.drop(columns="split"), pool, config.seconds_per_shard)
    shard_of = {name: first + number for number, plan in enumerate(planned) for name in plan.recording_ids}
    assigned = pool[["recording_id", "group_id", "primary_label", "split"]]
    assigned = assigned.assign(shard=assigned["recording_id"].map(shard_of))
    write_recordings(pd.concat([usable, pool[usable.columns]], ignore_index=True), Path(recordings_path))
    write_table(pd.concat([assignment, assigned], ignore_index=True), Path(extended_path))
    identity = hashlib.sha256("\n".join(sorted(pool["sha256"])).encode()).hexdigest()
    return {POOL: len(pool), "hours": round(pool["duration_s"].sum() / 3600, 3)}, identity
