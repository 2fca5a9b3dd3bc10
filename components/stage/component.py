"""stage: a release begins, and is watched until the first visitors."""

from typing import NamedTuple

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def stage(
    place: str,
    champion_uri: str,
    challenger_uri: str,
    files: str,
    policy: str,
    by: str,
    champion: dsl.Input[dsl.Model],
    challenger: dsl.Input[dsl.Model],
    comparison: dsl.Input[dsl.Artifact],
    page: dsl.Output[dsl.HTML],
) -> NamedTuple("Staged", [("release_id", str), ("state", str)]):
    """Begin a release, which the judge carries out; show it when the first visitors meet the challenger.

    Args:
        place: `kserve:NAMESPACE/NAME`, or the state folder of `silencio serve --canary`.
        champion_uri: Where the champion is served from.
        challenger_uri: Where the challenger is served from.
        files: Folder from which the judge reads the comparison.
        policy: YAML of a policy; empty: the one that ships.
        by: Who begins it.
        champion: The bundle that serves.
        challenger: The bundle that is offered.
        comparison: Both bundles' answers side by side, from `replay`.
        page: The release's page.

    Returns:
        The release's id, and its state.
    """
    from pathlib import Path

    from serving.canary.steps import stage as step

    inputs = step.Inputs(
        place=place,
        champion=Path(champion.path),
        challenger=Path(challenger.path),
        champion_uri=champion_uri,
        challenger_uri=challenger_uri,
        comparison=Path(comparison.path),
        files=files,
        policy=policy,
        by=by,
    )
    return step.run(inputs, step.Outputs(page=Path(page.path)))
