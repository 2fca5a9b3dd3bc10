"""integration_test: the serving pair on a bundle, sent what clients send."""

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def integration_test(bundle: dsl.Input[dsl.Model]) -> str:
    """Start predictor and transformer on the bundle, replay its parity clips, send a recording and what is none.

    Args:
        bundle: The bundle.

    Returns:
        What was found.
    """
    from pathlib import Path

    from serving.canary.steps import integration_test as step

    return step.run(step.Inputs(bundle=Path(bundle.path)))
