"""preflight: whether every head can be made as configured, before a recording is opened."""

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def preflight(config: str):
    """Find the weights of encoders and backbones, and make and run every head once.

    Args:
        config: Features, encoders, heads and student, as `configure` gives them.
    """
    from silencio.config import RunConfig
    from silencio.steps import preflight as step

    step.run(step.Inputs(config=RunConfig.of_part(config)))
