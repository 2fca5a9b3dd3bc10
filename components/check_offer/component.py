"""check_offer: whether a challenger may be offered at all."""

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def check_offer(
    recordings_version: str,
    packages: str,
    policy: str,
    champion: dsl.Input[dsl.Model],
    challenger: dsl.Input[dsl.Model],
    comparison: dsl.Input[dsl.Artifact],
) -> str:
    """Hold the challenger against its own gates, the rule `replay` and what an offer is refused for.

    Args:
        recordings_version: Version of the recordings, from `inputs_version`.
        packages: Folder or `s3://` prefix of packaged bundles, where a refusal is noted.
        policy: YAML of the release's policy; empty: the one that ships.
        champion: The bundle that serves.
        challenger: The bundle that would be delivered.
        comparison: Both bundles' answers side by side, from `replay`.

    Returns:
        What the rule says.
    """
    from pathlib import Path

    from silencio.release.policy_check import policy_of_text
    from silencio.steps import check_offer as step

    inputs = step.Inputs(
        champion=Path(champion.path),
        challenger=Path(challenger.path),
        comparison=Path(comparison.path),
        recordings_version=recordings_version,
        packages=packages,
        policy=policy_of_text(policy),
    )
    return step.run(inputs)
