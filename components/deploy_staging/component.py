"""deploy_staging: a packaged bundle in the staging environment."""

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def deploy_staging(
    staging: str,
    url: str,
    uri: str,
    bundle: dsl.Input[dsl.Model],
) -> str:
    """Have the staging environment serve the bundle, wait until it does, and send what clients send.

    Args:
        staging: `kserve:NAMESPACE/NAME`; empty: there is no staging environment.
        url: The address at which it answers, for pods.
        uri: Where the bundle was packaged.
        bundle: The packaged bundle.

    Returns:
        What was found.
    """
    import os
    from pathlib import Path

    from serving.canary.steps import deploy_staging as step

    api_key = os.environ.get("SILENCIO_API_KEY", "")
    return step.run(step.Inputs(staging=staging, url=url, api_key=api_key, bundle=Path(bundle.path), uri=uri))
