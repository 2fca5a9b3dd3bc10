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
    """Export one graph and hold it against what training saw; the test set has no say in it.

    Args:
        config: What this step reads of the configuration, as JSON.
        data_fingerprint: Identity of the recordings that it is made from.
        split_sha256: Identity of their parts.
        pool_sha256: Identity of the soundscapes that were added; empty: none.
        config_sha256: Identity of the settings that it is made with.
        classes: The ordered class list.
        usable: The recordings.
        assignment: Their parts.
        split_history: What the next run is handed.
        head_1: A trained head; see `fit_ensemble` for the six places.
        head_2: As head_1.
        head_3: As head_1.
        head_4: As head_1.
        head_5: As head_1.
        head_6: As head_1.
        ensemble: The supervisor.
        decision_rule: Calibration and thresholds.
        development: Waveforms of training and validation; parity clips are validation recordings.
        candidate: The bundle, not judged yet.
        variants: Sizes, times and metrics of fp32 and int8.
    """
    from silencio.config import RunConfig
    from silencio.provenance import what_runs
    from silencio.steps.export import export_step

    heads = [head.path for head in (head_1, head_2, head_3, head_4, head_5, head_6)]
    inputs = {"usable": usable.path, "assignment": assignment.path, "ledger": split_history.path}
    inputs |= {"fusion": ensemble.path, "decisions": decision_rule.path, "classes": classes.path}
    parents = {"data_fingerprint": data_fingerprint, "split_sha256": split_sha256, "pool_sha256": pool_sha256}
    parents = {name: one for name, one in parents.items() if one} | {"config_sha256": config_sha256} | what_runs()
    paths = ([shard.path for shard in development], candidate.path, variants.path)
    candidate.metadata["version"] = export_step(RunConfig.of_part(config), parents, heads, inputs, *paths)
