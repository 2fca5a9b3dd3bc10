"""canary_step: one share of visitors, watched."""

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def canary_step(
    place: str,
    release_id: str,
    share_percent: float,
    comparison: dsl.Input[dsl.Artifact],
    page: dsl.Output[dsl.HTML],
) -> str:
    """Show one share of visitors when the judge has left it, upwards or back; nothing is decided here.

    Args:
        place: `kserve:NAMESPACE/NAME`, or the state folder of `silencio serve --canary`.
        release_id: The release, from `stage`.
        share_percent: The challenger's share of this step.
        comparison: Both bundles' answers side by side, from `replay`.
        page: The release's page, as it stood when this share was left.

    Returns:
        The release's state.
    """
    from pathlib import Path

    from serving.canary.steps import canary_step as step

    inputs = step.Inputs(
        place=place, release_id=release_id, share_percent=share_percent, comparison=Path(comparison.path)
    )
    return step.run(inputs, step.Outputs(page=Path(page.path)))
