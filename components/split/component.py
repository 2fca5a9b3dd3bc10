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
        previous: Split history of an earlier run, or the bundle that holds it: its recordings keep their splits.
        assignment: Split and shard of every recording.
        split_history: Split of every recording that this or an earlier run ever had; handed to the next run.
        report: Recordings by species and split, and the species too small for three splits.
        metrics: How many recordings each split has.

    Returns:
        Identity of the assignment.
    """
    from pathlib import Path

    from silencio.data.config import DataConfig
    from silencio.steps import split as step

    inputs = step.Inputs(config=DataConfig.of_part(config), usable=Path(usable.path), previous=previous)
    outputs = step.Outputs(
        assignment=Path(assignment.path), split_history=Path(split_history.path), report=Path(report.path)
    )
    outcome = step.run(inputs, outputs)
    metrics.metadata.update(outcome.metrics)
    return (outcome.split_sha256,)
