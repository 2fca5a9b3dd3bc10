"""delivery_due: whether there is anything to deliver."""

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def delivery_due(
    trigger: str,
    place: str,
    recordings_version: str,
    packages: str,
    champion: dsl.Input[dsl.Model],
    challenger: dsl.Input[dsl.Model],
    page: dsl.Output[dsl.Markdown],
) -> bool:
    """Look whether this bundle was held against these recordings before, and whether a release could begin.

    Args:
        trigger: `new`: a bundle that never was; `by hand`: also one that was.
        place: Where it would be released: `kserve:NAMESPACE/NAME`, or the state folder of `silencio serve --canary`.
        recordings_version: Version of the recordings, from `inputs_version`.
        packages: Folder or `s3://` prefix of packaged bundles, where deliveries are noted.
        champion: The bundle that serves.
        challenger: The bundle that would be delivered.
        page: Why it is due or not.

    Returns:
        Whether it is due.
    """
    from pathlib import Path

    from serving.canary.steps import delivery_due as step

    inputs = step.Inputs(
        trigger=trigger,
        place=place,
        champion=Path(champion.path),
        challenger=Path(challenger.path),
        recordings_version=recordings_version,
        packages=packages,
    )
    return step.run(inputs, step.Outputs(page=Path(page.path)))
