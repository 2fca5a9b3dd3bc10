"""record_heads: the MLflow runs of heads that others learned from, or that learned from others."""

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def record_heads(
    run_id: str,
    head_1: dsl.Input[dsl.Model],
    head_2: dsl.Input[dsl.Model],
    head_3: dsl.Input[dsl.Model],
    head_4: dsl.Input[dsl.Model],
    head_5: dsl.Input[dsl.Model],
    head_6: dsl.Input[dsl.Model],
):
    """Complete the heads' own runs in MLflow where the server was away, as `register` does for the heads of a bundle.

    Args:
        run_id: The MLflow run, from `open_run`.
        head_1: A trained head; see `fit_ensemble` for the six places.
        head_2: As head_1.
        head_3: As head_1.
        head_4: As head_1.
        head_5: As head_1.
        head_6: As head_1.
    """
    from silencio.steps import record_heads as step

    models = (head_1, head_2, head_3, head_4, head_5, head_6)
    step.run(step.Inputs(run_id=run_id, heads={head.path: head.metadata.get("times", "") for head in models}))
