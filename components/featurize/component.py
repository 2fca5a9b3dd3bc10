"""featurize: one shard of recordings becomes waveforms at the spec's rate."""

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def featurize(
    config: str,
    shard: int,
    usable: dsl.Input[dsl.Dataset],
    assignment: dsl.Input[dsl.Dataset],
    waveforms: dsl.Output[dsl.Dataset],
):
    """Decode and resample the recordings of one shard.

    Args:
        config: What this step reads of the configuration, as JSON.
        shard: Number of the shard.
        usable: The recordings that can be used.
        assignment: Split and shard of every recording.
        waveforms: The shard: int16 waveforms and their table.
    """
    from pathlib import Path

    from silencio.data.config import DataConfig
    from silencio.steps import featurize as step

    inputs = step.Inputs(
        config=DataConfig.of_part(config), shard=shard, usable=Path(usable.path), assignment=Path(assignment.path)
    )
    step.run(inputs, step.Outputs(waveforms=Path(waveforms.path)))
