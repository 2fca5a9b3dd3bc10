"""register: the run's record, and a version of the model if the gates let it pass."""

from typing import NamedTuple

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def register(
    run_id: str,
    config: str,
    bundle: dsl.Input[dsl.Model],
    verdict: dsl.Input[dsl.Artifact],
    evaluation: dsl.Input[dsl.Artifact],
    report: dsl.Input[dsl.HTML],
    registration: dsl.Output[dsl.Artifact],
) -> NamedTuple("Registered", [("version", str)]):
    """Record configuration, figures, files and verdict in MLflow; register the bundle as challenger if it passed.

    Args:
        run_id: The MLflow run, from `open_run`.
        config: The whole configuration with every default written out, as YAML.
        bundle: The bundle.
        verdict: What the gates said, as JSON.
        evaluation: All figures.
        report: The report for people.
        registration: What came of it, as JSON.

    Returns:
        The version's number; empty where the bundle was refused.
    """
    from silencio.steps.register import register_step

    inputs = {"bundle": bundle.path, "verdict": verdict.path, "evaluation": evaluation.path}
    inputs |= {"report": report.path}
    version = register_step(run_id, config, inputs, registration.path)
    registration.metadata["version"] = version
    return (version,)
