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
        shard: Which one.
        usable: The recordings that can be used.
        assignment: Part and shard of every recording.
        waveforms: The shard: int16 waveforms and their table.
    """
    from silencio.data.config import DataConfig
    from silencio.steps.featurize import featurize_shard

    featurize_shard(DataConfig.of_part(config), shard, usable.path, assignment.path, waveforms.path)
