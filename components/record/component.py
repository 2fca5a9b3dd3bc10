"""record: the bundle that is not released, in the run's record."""

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def record(
    run_id: str,
    name: str,
    bundle: dsl.Input[dsl.Model],
    verdict: dsl.Input[dsl.Artifact],
    evaluation: dsl.Input[dsl.Artifact],
    report: dsl.Input[dsl.HTML],
    page: dsl.Input[dsl.HTML],
    table: dsl.Input[dsl.Artifact],
):
    """Keep a bundle, its metrics and the comparison in MLflow; no version of the model is made of it.

    Args:
        run_id: The MLflow run, from `open_run`.
        name: What the bundle is called there: `ensemble` or `student`.
        bundle: The bundle.
        verdict: Every gate's outcome, as JSON.
        evaluation: Every metric, as JSON.
        report: The report for people.
        page: Both bundles in one table.
        table: The same as JSON.
    """
    from pathlib import Path

    from silencio.steps import record as step

    inputs = step.Inputs(
        run_id=run_id,
        name=name,
        bundle=Path(bundle.path),
        verdict=Path(verdict.path),
        evaluation=Path(evaluation.path),
        report=Path(report.path),
        page=Path(page.path),
        table=Path(table.path),
    )
    step.run(inputs)
