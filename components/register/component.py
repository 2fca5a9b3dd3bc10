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
    head_1: dsl.Input[dsl.Model],
    head_2: dsl.Input[dsl.Model],
    head_3: dsl.Input[dsl.Model],
    head_4: dsl.Input[dsl.Model],
    head_5: dsl.Input[dsl.Model],
    head_6: dsl.Input[dsl.Model],
    registration: dsl.Output[dsl.Artifact],
) -> NamedTuple("Registered", [("version", str)]):
    """Record configuration, metrics, files and verdict in MLflow; register the bundle as challenger if it passed.

    Args:
        run_id: The MLflow run, from `open_run`.
        config: The whole configuration with every default written out, as YAML.
        bundle: The bundle.
        verdict: Every gate's outcome, as JSON.
        evaluation: Every metric, as JSON.
        report: The report for people.
        head_1: A trained head, whose own run is completed where the server was away; see `fit_ensemble` for the places.
        head_2: As head_1.
        head_3: As head_1.
        head_4: As head_1.
        head_5: As head_1.
        head_6: As head_1.
        registration: What came of it, as JSON.

    Returns:
        The version's number; empty where the bundle was refused.
    """
    from pathlib import Path

    from silencio.steps import register as step

    models = (head_1, head_2, head_3, head_4, head_5, head_6)
    inputs = step.Inputs(
        run_id=run_id,
        config=config,
        bundle=Path(bundle.path),
        verdict=Path(verdict.path),
        evaluation=Path(evaluation.path),
        report=Path(report.path),
        heads={head.path: head.metadata.get("times", "") for head in models},
    )
    registration.metadata["version"] = step.run(inputs, step.Outputs(registration=Path(registration.path)))
    return (registration.metadata["version"],)
