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
    """Keep a bundle, its figures and the comparison in MLflow; no version of the model is made of it.

    Args:
        run_id: The MLflow run, from `open_run`.
        name: What the bundle is called there: `ensemble` or `student`.
        bundle: The bundle.
        verdict: What the gates said, as JSON.
        evaluation: All figures.
        report: The report for people.
        page: Both bundles in one table.
        table: The same as JSON.
    """
    from silencio.steps.record import record_step

    inputs = {"bundle": bundle.path, "verdict": verdict.path, "evaluation": evaluation.path}
    inputs |= {"report": report.path, "page": page.path, "table": table.path}
    record_step(run_id, name, inputs)
