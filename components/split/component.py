"""split: whole recordings go to train, validation or test."""

from typing import NamedTuple

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def split(
    config: dsl.Input[dsl.Artifact],
    usable: dsl.Input[dsl.Dataset],
    assignment: dsl.Output[dsl.Dataset],
    report: dsl.Output[dsl.HTML],
    metrics: dsl.Output[dsl.Metrics],
) -> NamedTuple("Divided", [("split_sha256", str)]):
    """Divide recordings by source recording, stratified by species, and plan the shards.

    Args:
        config: The resolved configuration.
        usable: The recordings that can be used.
        assignment: Part and shard of every recording; kept for later runs.
        report: Recordings by species and part, and the species too small for three parts.
        metrics: How many recordings each part has.

    Returns:
        Identity of the assignment.
    """
    from silencio.config import RunConfig
    from silencio.steps.split import divide_recordings

    divided = divide_recordings(RunConfig.load(config.path), usable.path, assignment.path, report.path)
    for name, value in divided.counts.items():
        metrics.log_metric(name, value)
    return (divided.split_sha256,)
