"""fetch_champion: the bundle with which candidates are compared."""

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def fetch_champion(champion: str, bundle: dsl.Output[dsl.Model]) -> str:
    """Fetch and verify the champion while there is no work to lose; later steps need neither its place nor MLflow.

    Args:
        champion: Folder or S3 prefix of the bundle that serves now; `registry` fetches MLflow's; `none` compares with
            nothing.
        bundle: The champion, or a folder that says that there is none.

    Returns:
        What the bundle is, by its content; empty where there is none.
    """
    from pathlib import Path

    from silencio.steps import fetch_champion as step

    return step.run(step.Inputs(champion=champion), step.Outputs(bundle=Path(bundle.path)))
