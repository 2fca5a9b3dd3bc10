"""record_delivery: that a bundle was offered."""

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def record_delivery(
    recordings_version: str,
    packages: str,
    place: str,
    release_id: str,
    challenger: dsl.Input[dsl.Model],
) -> str:
    """Note the delivery, so that nothing but a hand delivers this bundle with these recordings again.

    Args:
        recordings_version: Version of the recordings, from `inputs_version`.
        packages: Folder or `s3://` prefix of packaged bundles, where it is noted.
        place: Where the packaged bundle is.
        release_id: The release by which it is offered.
        challenger: The bundle as it was chosen.

    Returns:
        What was noted.
    """
    from pathlib import Path

    from silencio.steps import record_delivery as step

    inputs = step.Inputs(
        challenger=Path(challenger.path),
        recordings_version=recordings_version,
        packages=packages,
        place=place,
        release_id=release_id,
    )
    return step.run(inputs)
