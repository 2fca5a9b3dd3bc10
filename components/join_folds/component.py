"""join_folds: a head that was trained on everything, with the same head trained without each fold."""

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def join_folds(
    whole: dsl.Input[dsl.Model],
    fold_1: dsl.Input[dsl.Model],
    fold_2: dsl.Input[dsl.Model],
    fold_3: dsl.Input[dsl.Model],
    fold_4: dsl.Input[dsl.Model],
    fold_5: dsl.Input[dsl.Model],
    fold_6: dsl.Input[dsl.Model],
    fold_7: dsl.Input[dsl.Model],
    fold_8: dsl.Input[dsl.Model],
    fold_9: dsl.Input[dsl.Model],
    fold_10: dsl.Input[dsl.Model],
    model: dsl.Output[dsl.Model],
    metrics: dsl.Output[dsl.Metrics],
):
    """Put a head and its folds together: what ships, and what evaluates every recording without having seen it.

    Args:
        whole: The head, trained on all recordings.
        fold_1: The same head, trained without the first fold, with its predictions of that fold. KFP has no list of
            artifacts of different tasks, so there are ten places; with fewer folds the last stands in the places that
            are left, and counts once.
        fold_2: As fold_1, without the second fold.
        fold_3: As fold_2.
        fold_4: As fold_2.
        fold_5: As fold_2.
        fold_6: As fold_2.
        fold_7: As fold_2.
        fold_8: As fold_2.
        fold_9: As fold_2.
        fold_10: As fold_2.
        model: The head with its folds.
        metrics: How many folds there are, and how many recordings they predict.
    """
    from pathlib import Path

    from silencio.steps import join_folds as step

    folds = [fold_1, fold_2, fold_3, fold_4, fold_5, fold_6, fold_7, fold_8, fold_9, fold_10]
    inputs = step.Inputs(whole=Path(whole.path), folds=[Path(fold.path) for fold in folds])
    metrics.metadata.update(step.run(inputs, step.Outputs(model=Path(model.path))))
    model.metadata.update(whole.metadata)
