"""export: write the bundle, the unit of release."""

from typing import List

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def export(
    config: str,
    data_fingerprint: str,
    split_sha256: str,
    pool_sha256: str,
    config_sha256: str,
    classes: dsl.Input[dsl.Artifact],
    usable: dsl.Input[dsl.Dataset],
    assignment: dsl.Input[dsl.Dataset],
    split_history: dsl.Input[dsl.Dataset],
    head_1: dsl.Input[dsl.Model],
    head_2: dsl.Input[dsl.Model],
    head_3: dsl.Input[dsl.Model],
    head_4: dsl.Input[dsl.Model],
    head_5: dsl.Input[dsl.Model],
    head_6: dsl.Input[dsl.Model],
    ensemble: dsl.Input[dsl.Model],
    decision_rule: dsl.Input[dsl.Artifact],
    development: dsl.Input[List[dsl.Dataset]],
    candidate: dsl.Output[dsl.Model],
    variants: dsl.Output[dsl.Artifact],
):
    """Export one graph and compare it with the heads as trained; no test recording is read.

    Args:
        config: What this step reads of the configuration, as JSON.
        data_fingerprint: Identity of the recordings that it is made from.
        split_sha256: Identity of their splits.
        pool_sha256: Identity of the soundscapes that were added; empty: none.
        config_sha256: Identity of the settings that it is made with.
        classes: The ordered class list.
        usable: The recordings.
        assignment: Their splits.
        split_history: Split of every recording that this or an earlier run ever had; handed to the next run.
        head_1: A trained head; see `fit_ensemble` for the six places.
        head_2: As head_1.
        head_3: As head_1.
        head_4: As head_1.
        head_5: As head_1.
        head_6: As head_1.
        ensemble: The fitted ensemble.
        decision_rule: Calibration and thresholds.
        development: Waveforms of training and validation; parity clips are validation recordings.
        candidate: The bundle, not evaluated yet.
        variants: Sizes, times and metrics of fp32 and int8.
    """
    from pathlib import Path

    from silencio.config import RunConfig
    from silencio.steps import export as step

    inputs = step.Inputs(
        config=RunConfig.of_part(config),
        data_fingerprint=data_fingerprint,
        split_sha256=split_sha256,
        pool_sha256=pool_sha256,
        config_sha256=config_sha256,
        classes=Path(classes.path),
        usable=Path(usable.path),
        assignment=Path(assignment.path),
        split_history=Path(split_history.path),
        heads=[Path(head.path) for head in (head_1, head_2, head_3, head_4, head_5, head_6)],
        ensemble=Path(ensemble.path),
        decision_rule=Path(decision_rule.path),
        development=[Path(shard.path) for shard in development],
    )
    outputs = step.Outputs(candidate=Path(candidate.path), variants=Path(variants.path))
    candidate.metadata["version"] = step.run(inputs, outputs)
