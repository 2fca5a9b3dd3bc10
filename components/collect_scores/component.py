"""collect_scores: the tables of all shards as one."""

from typing import List

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def collect_scores(
    archive: dsl.Input[dsl.Dataset],
    shards: dsl.Input[List[dsl.Dataset]],
    scores: dsl.Output[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
):
    """Join the shards' tables, with every file of the archive accounted for.

    Args:
        archive: Every file with its shard, or the reason why it is skipped.
        shards: The tables of each shard.
        scores: BirdCLEF's rows, detections, and what became of each file.
        metrics: Files by status.
    """
    from pathlib import Path

    from silencio.steps import collect_scores as step

    inputs = step.Inputs(archive=Path(archive.path), shards=[Path(shard.path) for shard in shards])
    metrics.metadata.update(step.run(inputs, step.Outputs(scores=Path(scores.path))))
