"""split: whole recordings go to train, validation or test."""

from typing import NamedTuple

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def split(
    config: str,
    usable: dsl.Input[dsl.Dataset],
    previous: str,
    assignment: dsl.Output[dsl.Dataset],
    split_history: dsl.Output[dsl.Dataset],
    report: dsl.Output[dsl.HTML],
    metrics: dsl.Output[dsl.Metrics],
) -> NamedTuple("Divided", [("split_sha256", str)]):
    """Divide recordings by source recording, stratified by species, and plan the shards.

    Args:
        config: What this step reads of the configuration, as JSON.
        usable: The recordings that can be used.
        previous: Ledger of an earlier run, or the bundle that holds it: its recordings keep their parts.
        assignment: Part and shard of every recording.
        split_history: Part of every recording that this or an earlier run ever had; handed to the next run.
        report: Recordings by species and part, and the species too small for three parts.
        metrics: How many recordings each part has.

    Returns:
        Identity of the assignment.
    """
    from silencio.data.config import DataConfig
    from silencio.steps.split import divide_recordings

    divided = divide_recordings(
        DataConfig.of_part(config), usable.path, previous, assignment.path, split_history.path, report.path
    )
    for name, value in divided.counts.items():
        metrics.log_metric(name, value)
    return (divided.split_sha256,)
