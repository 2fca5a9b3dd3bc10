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
    """Open the soundscapes of the half that no model is judged on, and add them for `featurize`.

    Args:
        config: What this step reads of the configuration, as JSON.
        usable: The labelled recordings.
        assignment: Their parts and shards.
        soundscapes: Unlabelled recordings of the same places.
        recordings: Labelled and unlabelled ones.
        extended_assignment: Their parts and shards.
        metrics: How much was added.

    Returns:
        Identity of what was added.
    """
    from silencio.data.config import DataConfig
    from silencio.steps.pool_unlabelled import pool_soundscapes

    inputs = usable.path, assignment.path, soundscapes.path
    added, identity = pool_soundscapes(DataConfig.of_part(config), *inputs, recordings.path, extended_assignment.path)
    for name, value in added.items():
        metrics.log_metric(name, value)
    return (identity,)
