"""evaluate: metrics on the test recordings."""

from typing import List

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def evaluate(
    config: str,
    classes: dsl.Input[dsl.Artifact],
    head_1: dsl.Input[dsl.Model],
    head_2: dsl.Input[dsl.Model],
    head_3: dsl.Input[dsl.Model],
    head_4: dsl.Input[dsl.Model],
    head_5: dsl.Input[dsl.Model],
    head_6: dsl.Input[dsl.Model],
    ensemble: dsl.Input[dsl.Model],
    decision_rule: dsl.Input[dsl.Artifact],
    candidate: dsl.Input[dsl.Model],
    soundscapes: dsl.Input[dsl.Dataset],
    development: dsl.Input[List[dsl.Dataset]],
    test: dsl.Input[List[dsl.Dataset]],
    champion: dsl.Input[dsl.Model],
    evaluation: dsl.Output[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
    teacher: dsl.Input[dsl.Artifact] = None,
):
    """Evaluate candidate, heads, references and champion on the test recordings, which serve nothing else.

    Args:
        config: What this step reads of the configuration, as JSON.
        classes: The ordered class list.
        head_1: A trained head; see `fit_ensemble` for the six places.
        head_2: As head_1.
        head_3: As head_1.
        head_4: As head_1.
        head_5: As head_1.
        head_6: As head_1.
        ensemble: The fitted ensemble.
        decision_rule: Calibration and thresholds.
        candidate: The bundle that is evaluated, by its own graph.
        soundscapes: Unlabelled recordings of the same places: backgrounds for test calls.
        development: Waveforms of training and validation, for references that are fitted.
        test: Waveforms of the test recordings.
        champion: The bundle that serves now, from `fetch_champion`.
        evaluation: Every metric, as JSON.
        metrics: The bundle's metrics.
        teacher: Evaluation of the ensemble that the head learned from, where it is a student.
    """
    from pathlib import Path

    from silencio.config import RunConfig
    from silencio.steps import evaluate as step
    from silencio.steps.artifacts import path_if_given

    inputs = step.Inputs(
        config=RunConfig.of_part(config),
        classes=Path(classes.path),
        heads=[Path(head.path) for head in (head_1, head_2, head_3, head_4, head_5, head_6)],
        ensemble=Path(ensemble.path),
        decision_rule=Path(decision_rule.path),
        candidate=Path(candidate.path),
        soundscapes=Path(soundscapes.path),
        development=[Path(shard.path) for shard in development],
        test=[Path(shard.path) for shard in test],
        champion=Path(champion.path),
        teacher=path_if_given(teacher),
    )
    metrics.metadata.update(step.run(inputs, step.Outputs(evaluation=Path(evaluation.path))))
