"""pool_unlabelled: unlabelled soundscapes to learn from."""

from typing import NamedTuple

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def pool_unlabelled(
    config: str,
    usable: dsl.Input[dsl.Dataset],
    assignment: dsl.Input[dsl.Dataset],
    soundscapes: dsl.Input[dsl.Dataset],
    recordings: dsl.Output[dsl.Dataset],
    extended_assignment: dsl.Output[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
) -> NamedTuple("Pooled", [("pool_sha256", str)]):
    """Open the soundscapes of the half that no model is evaluated on, and add them for `featurize`.

    Args:
        config: What this step reads of the configuration, as JSON.
        usable: The labelled recordings.
        assignment: Their splits and shards.
        soundscapes: Unlabelled recordings of the same places.
        recordings: Labelled and unlabelled ones.
        extended_assignment: Their splits and shards.
        metrics: How much was added.

    Returns:
        Identity of what was added.
    """
    from pathlib import Path

    from silencio.data.config import DataConfig
    from silencio.steps import pool_unlabelled as step

    inputs = step.Inputs(
        config=DataConfig.of_part(config),
        usable=Path(usable.path),
        assignment=Path(assignment.path),
        soundscapes=Path(soundscapes.path),
    )
    outcome = step.run(
        inputs,
        step.Outputs(recordings=Path(recordings.path), extended_assignment=Path(extended_assignment.path)),
    )
    metrics.metadata.update(outcome.metrics)
    return (outcome.pool_sha256,)
