"""promote: the bake, watched until the end."""

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def promote(
    place: str,
    release_id: str,
    comparison: dsl.Input[dsl.Artifact],
    page: dsl.Output[dsl.HTML],
) -> str:
    """Show the bake, and how the release ended; nothing is decided here.

    Args:
        place: `kserve:NAMESPACE/NAME`, or the state folder of `silencio serve --canary`.
        release_id: The release, from `stage`.
        comparison: Both bundles' answers side by side, from `replay`.
        page: The release's page at its end.

    Returns:
        How the release ended.
    """
    from pathlib import Path

    from serving.canary.steps import promote as step

    inputs = step.Inputs(place=place, release_id=release_id, comparison=Path(comparison.path))
    return step.run(inputs, step.Outputs(page=Path(page.path)))
