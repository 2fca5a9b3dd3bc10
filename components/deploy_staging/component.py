"""deploy_staging: a packaged bundle in the staging environment."""

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def deploy_staging(
    staging: str,
    url: str,
    production: str,
    uri: str,
    recordings_version: str,
    packages: str,
    bundle: dsl.Input[dsl.Model],
) -> str:
    """Have the staging environment serve the bundle, wait until it does, and send what clients send.

    Args:
        staging: `kserve:NAMESPACE/NAME`; empty: there is no staging environment.
        url: The address at which it answers, for pods.
        production: Where the bundle is released later: never the same.
        uri: Where the bundle was packaged.
        recordings_version: Version of the recordings, from `inputs_version`.
        packages: Folder or `s3://` prefix of packaged bundles, where a refusal is noted.
        bundle: The packaged bundle.

    Returns:
        What was found.
    """
    from pathlib import Path

    from serving.canary.steps import deploy_staging as step

    inputs = step.Inputs(
        staging=staging,
        url=url,
        production=production,
        bundle=Path(bundle.path),
        uri=uri,
        recordings_version=recordings_version,
        packages=packages,
    )
    return step.run(inputs)
