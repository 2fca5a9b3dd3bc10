"""preflight: whether every head can be made as configured, before a recording is opened."""

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def preflight(config: str):
    """Find the weights of encoders and backbones, and make and run every head once.

    Args:
        config: Features, encoders, heads and student, as `configure` says them.
    """
    from silencio.steps.preflight import preflight_step

    preflight_step(config)
