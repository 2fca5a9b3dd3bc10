"""pseudo_label: the ensemble's probabilities for recordings, for heads that learn from it."""

from typing import List

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def pseudo_label(
    config: str,
    learner: str,
    classes: dsl.Input[dsl.Artifact],
    usable: dsl.Input[dsl.Dataset],
    head_1: dsl.Input[dsl.Model],
    head_2: dsl.Input[dsl.Model],
    head_3: dsl.Input[dsl.Model],
    head_4: dsl.Input[dsl.Model],
    head_5: dsl.Input[dsl.Model],
    head_6: dsl.Input[dsl.Model],
    ensemble: dsl.Input[dsl.Model],
    development: dsl.Input[List[dsl.Dataset]],
    soft_labels: dsl.Output[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
):
    """Label every window of the recordings that the learner will be trained on.

    Args:
        config: What this step reads of the configuration, as JSON.
        learner: `student` learns training recordings and pool; `heads` the pool alone.
        classes: The ordered class list.
        usable: The recordings; where labels were hidden, the predicted ones are compared with them.
        head_1: A trained head; see `fit_ensemble` for the six places.
        head_2: As head_1.
        head_3: As head_1.
        head_4: As head_1.
        head_5: As head_1.
        head_6: As head_1.
        ensemble: The fitted ensemble.
        development: Waveforms of training, validation and pool; no test recording is among them.
        soft_labels: The soft labels.
        metrics: How much was labelled.
    """
    from pathlib import Path

    from silencio.config import RunConfig
    from silencio.steps import pseudo_label as step

    inputs = step.Inputs(
        config=RunConfig.of_part(config),
        learner=learner,
        classes=Path(classes.path),
        usable=Path(usable.path),
        heads=[Path(head.path) for head in (head_1, head_2, head_3, head_4, head_5, head_6)],
        ensemble=Path(ensemble.path),
        development=[Path(shard.path) for shard in development],
    )
    metrics.metadata.update(step.run(inputs, step.Outputs(soft_labels=Path(soft_labels.path))))
