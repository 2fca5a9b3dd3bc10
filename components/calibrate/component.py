"""calibrate: calibrated probabilities, and thresholds."""

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def calibrate(
    config: str,
    classes: dsl.Input[dsl.Artifact],
    usable: dsl.Input[dsl.Dataset],
    ensemble: dsl.Input[dsl.Model],
    decision_rule: dsl.Output[dsl.Artifact],
    report: dsl.Output[dsl.HTML],
    metrics: dsl.Output[dsl.Metrics],
):
    """Fit calibration and thresholds on the ensemble's predictions for validation.

    Args:
        config: What this step reads of the configuration, as JSON.
        classes: The ordered class list.
        usable: The recordings, for their labels.
        ensemble: The fitted ensemble, with its probabilities for every validation window.
        decision_rule: Calibration and thresholds, as JSON.
        report: Which calibration was chosen, and why.
        metrics: Calibration error before and after.
    """
    from pathlib import Path

    from silencio.config import RunConfig
    from silencio.steps import calibrate as step

    inputs = step.Inputs(
        config=RunConfig.of_part(config),
        ensemble=Path(ensemble.path),
        usable=Path(usable.path),
        classes=Path(classes.path),
    )
    outputs = step.Outputs(decision_rule=Path(decision_rule.path), report=Path(report.path))
    metrics.metadata.update(step.run(inputs, outputs))
