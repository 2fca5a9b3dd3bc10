"""replay: both bundles on recordings that neither learned from."""

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def replay(
    recordings: str,
    prediction_log: str,
    policy: str,
    champion: dsl.Input[dsl.Model],
    challenger: dsl.Input[dsl.Model],
    comparison: dsl.Output[dsl.Artifact],
    page: dsl.Output[dsl.HTML],
    metrics: dsl.Output[dsl.Metrics],
):
    """Compare champion and challenger on labelled recordings that neither learned from.

    Args:
        recordings: A folder, an `s3://` prefix or a table of labelled recordings.
        prediction_log: Folder or `s3://` prefix of the champion's prediction log; empty: there is none.
        policy: YAML of the release's policy, whose bounds the page has; empty: the one that ships.
        champion: The bundle that serves.
        challenger: The bundle that is offered.
        comparison: Every answer side by side, as JSON.
        page: Slices, negative flips, species and windows of disagreement.
        metrics: How many were replayed and left out, top-1 of both, negative flips.
    """
    from pathlib import Path

    from silencio.release.policy_check import policy_of_text
    from silencio.steps import replay as step

    inputs = step.Inputs(
        champion=Path(champion.path),
        challenger=Path(challenger.path),
        recordings=recordings,
        prediction_log=prediction_log,
        policy=policy_of_text(policy),
    )
    metrics.metadata.update(step.run(inputs, step.Outputs(comparison=Path(comparison.path), page=Path(page.path))))
