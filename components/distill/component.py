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
    """Train one head on an ensemble's probabilities, and evaluate it on validation.

    A component beside `train_head`, because KFP has no optional artifacts.

    Args:
        config: What this step reads of the configuration, as JSON.
        head: Name of the head in it.
        record_as: Name of the head's own MLflow run.
        classes: The ordered class list.
        soft_labels: Targets from `pseudo_label`; of recordings that they have, they take the place of the labels.
        shards: Waveforms of training, validation and pool; no test recording is among them.
        soundscapes: Unlabelled recordings, of whose training half something may be mixed in.
        model: The trained head and its probabilities for every validation window.
        report: The course of training.
        metrics: Metrics on validation.
    """
    from pathlib import Path

    from silencio.config import RunConfig
    from silencio.steps import distill as step

    inputs = step.Inputs(
        config=RunConfig.of_part(config),
        head=head,
        record_as=record_as,
        classes=Path(classes.path),
        soft_labels=Path(soft_labels.path),
        shards=[Path(shard.path) for shard in shards],
        soundscapes=Path(soundscapes.path),
    )
    outcome = step.run(inputs, step.Outputs(model=Path(model.path), report=Path(report.path)))
    model.metadata.update(outcome.metadata)
    metrics.metadata.update(outcome.metrics)
