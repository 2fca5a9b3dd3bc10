"""calibrate: probabilities that mean what they say, and thresholds."""

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
    """Fit calibration and thresholds on what the ensemble said of validation.

    Args:
        config: What this step reads of the configuration, as JSON.
        classes: The ordered class list.
        usable: The recordings, for their labels.
        ensemble: The supervisor, with what the ensemble said of every validation window.
        decision_rule: Calibration and thresholds, as JSON.
        report: Which calibration was taken, and why.
        metrics: Calibration error before and after.
    """
    from silencio.config import RunConfig
    from silencio.steps.calibrate import calibrate_step

    resolved = RunConfig.of_part(config)
    figures = calibrate_step(resolved, ensemble.path, usable.path, classes.path, decision_rule.path, report.path)
    for name, value in figures.items():
        metrics.log_metric(name, value)
