"""plan: the shards of one split, as the list that a loop runs over."""

from typing import List

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def plan(split: str, assignment: dsl.Input[dsl.Dataset]) -> List[int]:
    """List the shards of a split.

    A step of its own because `kfp.local` loops over a task's only output and over nothing else.

    Args:
        split: `development` (training and validation) or `test`.
        assignment: Split and shard of every recording.

    Returns:
        Numbers of the shards.
    """
    from pathlib import Path

    from silencio.steps import plan as step

    return step.run(step.Inputs(split=split, assignment=Path(assignment.path)))
