"""distill: one head learns from soft labels, on its own node."""

from typing import List

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def distill(
    config: str,
    head: str,
    record_as: str,
    classes: dsl.Input[dsl.Artifact],
    soft_labels: dsl.Input[dsl.Dataset],
    shards: dsl.Input[List[dsl.Dataset]],
    soundscapes: dsl.Input[dsl.Dataset],
    model: dsl.Output[dsl.Model],
    report: dsl.Output[dsl.HTML],
    metrics: dsl.Output[dsl.Metrics],
):
    """Train one head with what a teacher says of recordings, and judge it on validation.

    A component beside `train_head`, because KFP has no optional artifacts.

    Args:
        config: What this step reads of the configuration, as JSON.
        head: Name of the head in it.
        record_as: Name of the head's own MLflow run.
        classes: The ordered class list.
        soft_labels: The soft labels; of recordings that they speak of, they take the place of the labels.
        shards: Waveforms of training, validation and pool; no test recording is among them.
        soundscapes: Unlabelled recordings, of whose training half something may be mixed in.
        model: The trained head and what it said of every validation window.
        report: The course of training.
        metrics: Validation figures.
    """
    from silencio.config import RunConfig
    from silencio.steps.distill import teach_step

    paths = soft_labels.path, classes.path, model.path, report.path
    settings, named = RunConfig.of_part(config), (record_as, soundscapes.path)
    taught, model.metadata["times"] = teach_step(settings, head, [s.path for s in shards], *paths, *named)
    model.metadata["head"] = head
    for name, value in taught.items():
        metrics.log_metric(name, value)
