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
    """Say of both bundles how good, how fast and how large they are, and what may be done with them.

    Args:
        config: What this step reads of the configuration, as JSON.
        released: The bundle that is registered if it passed: `ensemble` or `student`.
        ensemble: The ensemble's bundle, judged.
        ensemble_evaluation: Its figures on the test set.
        student: The student's bundle, judged.
        student_evaluation: Its figures on the same recordings.
        page: The table for people.
        table: The same as JSON.
        metrics: Every figure of both.
    """
    from silencio.config import RunConfig
    from silencio.steps.compare_bundles import compare_bundles_step

    bundles = {"ensemble": ensemble.path, "student": student.path}
    evaluations = {"ensemble": ensemble_evaluation.path, "student": student_evaluation.path}
    settings = RunConfig.of_part(config)
    figures = compare_bundles_step(settings, released, bundles, evaluations, page.path, table.path)
    for name, value in figures.items():
        metrics.log_metric(name, value)
