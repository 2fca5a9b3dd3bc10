"""integration_test: the serving pair on a bundle, sent what clients send."""

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def integration_test(recordings_version: str, packages: str, bundle: dsl.Input[dsl.Model]) -> str:
    """Start predictor and transformer on the bundle, replay its parity clips, send a recording and what is none.

    Args:
        recordings_version: Version of the recordings, from `inputs_version`.
        packages: Folder or `s3://` prefix of packaged bundles, where a refusal is noted.
        bundle: The bundle.

    Returns:
        What was found.
    """
    from pathlib import Path

    from serving.canary.steps import integration_test as step

    inputs = step.Inputs(bundle=Path(bundle.path), recordings_version=recordings_version, packages=packages)
    return step.run(inputs)
