"""pseudo_label: what the ensemble says of recordings, for heads that learn from it."""

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
        learner: `student` is taught training recordings and pool; `heads` the pool alone.
        classes: The ordered class list.
        usable: The recordings; where labels were hidden, they are compared with what was guessed.
        head_1: A trained head; see `fit_ensemble` for the six places.
        head_2: As head_1.
        head_3: As head_1.
        head_4: As head_1.
        head_5: As head_1.
        head_6: As head_1.
        ensemble: The supervisor.
        development: Waveforms of training, validation and pool; no test recording is among them.
        soft_labels: The soft labels.
        metrics: How much was labelled.
    """
    from silencio.config import RunConfig
    from silencio.steps.pseudo_label import label_step

    heads = [head.path for head in (head_1, head_2, head_3, head_4, head_5, head_6)]
    inputs = {"fusion": ensemble.path, "classes": classes.path, "usable": usable.path}
    shards = [shard.path for shard in development]
    said = label_step(RunConfig.of_part(config), learner, heads, shards, inputs, soft_labels.path)
    for name, value in said.items():
        metrics.log_metric(name, value)
