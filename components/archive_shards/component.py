"""archive_shards: the shards of an archive, as the list that a loop runs over."""

from typing import List

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def archive_shards(archive: dsl.Input[dsl.Dataset]) -> List[int]:
    """List the archive's shards.

    A step of its own because `kfp.local` loops over a task's only output and over nothing else.

    Args:
        archive: Every file with its shard.

    Returns:
        Numbers of the shards.
    """
    from pathlib import Path

    from silencio.steps import archive_shards as step

    return step.run(step.Inputs(archive=Path(archive.path)))
