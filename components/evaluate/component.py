"""evaluate: the verdict on the test part."""

from typing import List

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def evaluate(
    config: dsl.Input[dsl.Artifact],
    classes: dsl.Input[dsl.Artifact],
    head_1: dsl.Input[dsl.Model],
    head_2: dsl.Input[dsl.Model],
    head_3: dsl.Input[dsl.Model],
    head_4: dsl.Input[dsl.Model],
    head_5: dsl.Input[dsl.Model],
    head_6: dsl.Input[dsl.Model],
    fusion: dsl.Input[dsl.Model],
    development: dsl.Input[List[dsl.Dataset]],
    test: dsl.Input[List[dsl.Dataset]],
    evaluation: dsl.Output[dsl.Artifact],
    report: dsl.Output[dsl.HTML],
    metrics: dsl.Output[dsl.Metrics],
):
    """Judge heads, ensemble and references on the test recordings, which no other step reads.

    Args:
        config: The resolved configuration.
        classes: The ordered class list.
        head_1: A trained head; see `fuse` for the six places.
        head_2: As head_1.
        head_3: As head_1.
        head_4: As head_1.
        head_5: As head_1.
        head_6: As head_1.
        fusion: The supervisor.
        development: Waveforms of training and validation, for references that are fitted.
        test: Waveforms of the test part.
        evaluation: All figures, as JSON.
        report: The table of results.
        metrics: The ensemble's figures.
    """
    from silencio.config import RunConfig
    from silencio.steps.evaluate import evaluate_step

    heads = [head.path for head in (head_1, head_2, head_3, head_4, head_5, head_6)]
    shards = [s.path for s in development], [s.path for s in test]
    judged = evaluate_step(
        RunConfig.load(config.path), heads, fusion.path, *shards, classes.path, evaluation.path, report.path
    )
    for name, value in judged.items():
        metrics.log_metric(name, value)
