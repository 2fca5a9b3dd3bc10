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
):
    """Train one head on the training split and judge it on validation.

    Args:
        config: What this step reads of the configuration, as JSON.
        head: Name of the head in the configuration.
        classes: The ordered class list.
        shards: Waveforms of training and validation; no test recording is among them.
        soundscapes: Unlabelled recordings, of whose training half something may be mixed in.
        model: The trained head and what it said of every validation window.
        report: The course of training.
        metrics: Validation figures.
    """
    from silencio.config import RunConfig
    from silencio.steps.train_head import train_step

    paths = classes.path, model.path, report.path
    settings, more = RunConfig.of_part(config), {"soundscapes_path": soundscapes.path}
    trained, model.metadata["times"] = train_step(settings, head, [s.path for s in shards], *paths, **more)
    model.metadata["head"] = head
    for name, value in trained.items():
        metrics.log_metric(name, value)
