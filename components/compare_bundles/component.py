"""compare_bundles: the bundles of one run in one table."""

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def compare_bundles(
    config: str,
    released: str,
    ensemble: dsl.Input[dsl.Model],
    ensemble_evaluation: dsl.Input[dsl.Artifact],
    student: dsl.Input[dsl.Model],
    student_evaluation: dsl.Input[dsl.Artifact],
    page: dsl.Output[dsl.HTML],
    table: dsl.Output[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
):
    """Compare both bundles: how good, how fast and how large they are, and what may be done with them.

    Args:
        config: What this step reads of the configuration, as JSON.
        released: The bundle that is registered if it passed: `ensemble` or `student`.
        ensemble: The ensemble's sealed bundle.
        ensemble_evaluation: The ensemble's evaluation on the test recordings.
        student: The student's sealed bundle.
        student_evaluation: The student's evaluation on the same recordings.
        page: The table for people.
        table: The same as JSON.
        metrics: Every metric of both.
    """
    from pathlib import Path

    from silencio.config import RunConfig
    from silencio.steps import compare_bundles as step

    inputs = step.Inputs(
        config=RunConfig.of_part(config),
        released=released,
        ensemble=Path(ensemble.path),
        ensemble_evaluation=Path(ensemble_evaluation.path),
        student=Path(student.path),
        student_evaluation=Path(student_evaluation.path),
    )
    metrics.metadata.update(step.run(inputs, step.Outputs(page=Path(page.path), table=Path(table.path))))
