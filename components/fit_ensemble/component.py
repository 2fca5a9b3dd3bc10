"""fit_ensemble: fit the supervisor on the heads' predictions for validation."""

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def fit_ensemble(
    config: str,
    classes: dsl.Input[dsl.Artifact],
    usable: dsl.Input[dsl.Dataset],
    head_1: dsl.Input[dsl.Model],
    head_2: dsl.Input[dsl.Model],
    head_3: dsl.Input[dsl.Model],
    head_4: dsl.Input[dsl.Model],
    head_5: dsl.Input[dsl.Model],
    head_6: dsl.Input[dsl.Model],
    ensemble: dsl.Output[dsl.Model],
    metrics: dsl.Output[dsl.Metrics],
):
    """Fit the supervisor.

    Args:
        config: What this step reads of the configuration, as JSON.
        classes: The ordered class list.
        usable: The recordings, for their labels.
        head_1: A trained head. KFP has no list of artifacts of different tasks, so there are six places; with fewer
            heads the last stands in the places that are left, and counts once.
        head_2: As head_1.
        head_3: As head_1.
        head_4: As head_1.
        head_5: As head_1.
        head_6: As head_1.
        ensemble: The fitted ensemble: the supervisor's weights, and its probabilities for every validation window.
        metrics: The heads' weights, and the ensemble's metrics on validation.
    """
    from pathlib import Path

    from silencio.config import RunConfig
    from silencio.steps import fit_ensemble as step

    inputs = step.Inputs(
        config=RunConfig.of_part(config),
        heads=[Path(head.path) for head in (head_1, head_2, head_3, head_4, head_5, head_6)],
        usable=Path(usable.path),
        classes=Path(classes.path),
    )
    metrics.metadata.update(step.run(inputs, step.Outputs(ensemble=Path(ensemble.path))))
