"""package: a bundle where servers fetch it."""

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def package(packages: str, bundle: dsl.Input[dsl.Model]) -> str:
    """Copy the bundle to a place that its content names, read it back and verify it.

    Args:
        packages: Folder or `s3://` prefix of packaged bundles.
        bundle: The bundle.

    Returns:
        Where it lies, with a slash at its end.
    """
    from pathlib import Path

    from silencio.steps import package as step

    return step.run(step.Inputs(bundle=Path(bundle.path), packages=packages))
