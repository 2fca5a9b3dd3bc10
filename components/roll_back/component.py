"""roll_back: a release that was not promoted."""

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def roll_back(
    place: str,
    release_id: str,
    comparison: dsl.Input[dsl.Artifact],
    page: dsl.Output[dsl.HTML],
) -> str:
    """Show why a release was taken back, and that no visitor is left at the challenger.

    Args:
        place: `kserve:NAMESPACE/NAME`, or the state folder of `silencio serve --canary`.
        release_id: The release, from `stage`.
        comparison: Both bundles' answers side by side, from `replay`.
        page: The release's page, with the rule that took it back.

    Returns:
        One sentence: why it was taken back.
    """
    from pathlib import Path

    from serving.canary.steps import roll_back as step

    inputs = step.Inputs(place=place, release_id=release_id, comparison=Path(comparison.path))
    return step.run(inputs, step.Outputs(page=Path(page.path)))
