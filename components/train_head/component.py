"""train_head: one head, on its own node."""

from typing import List

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def train_head(
    config: str,
    head: str,
    classes: dsl.Input[dsl.Artifact],
    shards: dsl.Input[List[dsl.Dataset]],
    soundscapes: dsl.Input[dsl.Dataset],
    model: dsl.Output[dsl.Model],
    report: dsl.Output[dsl.HTML],
    metrics: dsl.Output[dsl.Metrics],
    fold: int = -1,
):
    """Train one head on the training recordings and evaluate it on validation.

    Args:
        config: What this step reads of the configuration, as JSON.
        head: Name of the head in the configuration.
        classes: The ordered class list.
        shards: Waveforms of training and validation; no test recording is among them.
        soundscapes: Unlabelled recordings, of whose training half something may be mixed in.
        model: The trained head and its probabilities for every validation window.
        report: The course of training.
        metrics: Metrics on validation.
        fold: Fold, from 0, that it is trained without and evaluated on; -1: it is trained on all of the training split.
    """
    from pathlib import Path

    from silencio.config import RunConfig
    from silencio.steps import train_head as step

    inputs = step.Inputs(
        config=RunConfig.of_part(config),
        head=head,
        classes=Path(classes.path),
        shards=[Path(shard.path) for shard in shards],
        soundscapes=Path(soundscapes.path),
        fold=fold,
    )
    outcome = step.run(inputs, step.Outputs(model=Path(model.path), report=Path(report.path)))
    model.metadata.update(outcome.metadata)
    metrics.metadata.update(outcome.metrics)
