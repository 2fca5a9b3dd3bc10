"""open_run: the MLflow run that all later steps write to."""

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def open_run(name: str, key: str) -> str:
    """Open an MLflow run, or end here in one sentence where the tracking server does not answer.

    Args:
        name: Shown in MLflow's list of runs.
        key: The pipeline run's identity: with the same key the same MLflow run is taken up.

    Returns:
        The MLflow run's id.
    """
    from silencio.steps import open_run as step

    return step.run(step.Inputs(name=name, key=key))
