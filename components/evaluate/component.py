"""evaluate: the verdict on the test set."""

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
    """Judge candidate, heads, references and champion on the test recordings, which serve evaluation only.

    Args:
        config: What this step reads of the configuration, as JSON.
        classes: The ordered class list.
        head_1: A trained head; see `fit_ensemble` for the six places.
        head_2: As head_1.
        head_3: As head_1.
        head_4: As head_1.
        head_5: As head_1.
        head_6: As head_1.
        ensemble: The supervisor.
        decision_rule: Calibration and thresholds.
        candidate: The bundle that is judged, by its own graph.
        soundscapes: Unlabelled recordings of the same places: backgrounds for test calls.
        development: Waveforms of training and validation, for references that are fitted.
        test: Waveforms of the test set.
        champion: The bundle that serves now, from `fetch_champion`.
        evaluation: All figures, as JSON.
        metrics: The bundle's figures.
        teacher: Figures of the ensemble that taught the heads, where they are a student.
    """
    from silencio.config import RunConfig
    from silencio.steps.evaluate import evaluate_step

    heads = [head.path for head in (head_1, head_2, head_3, head_4, head_5, head_6)]
    inputs = {"bundle": candidate.path, "fusion": ensemble.path, "decisions": decision_rule.path}
    inputs |= {"classes": classes.path, "soundscapes": soundscapes.path}
    parts = ([shard.path for shard in development], [shard.path for shard in test])
    paths = (champion.path, evaluation.path, teacher.path if teacher else "")
    for name, value in evaluate_step(RunConfig.of_part(config), heads, inputs, *parts, *paths).items():
        metrics.log_metric(name, value)
