"""configure: the configuration taken apart, by the steps that read it."""

from typing import NamedTuple

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def configure(config: str, overrides: list, compiled_for: dict) -> NamedTuple(
    "Configured",
    [
        ("resolved", str),
        ("preflight", str),
        ("ingest", str),
        ("validate", str),
        ("split", str),
        ("pool_unlabelled", str),
        ("featurize", str),
        ("fit_ensemble", str),
        ("pseudo_label", str),
        ("calibrate", str),
        ("export", str),
        ("evaluate", str),
        ("apply_gates", str),
        ("compare_bundles", str),
        ("head_1", str),
        ("head_2", str),
        ("head_3", str),
        ("head_4", str),
        ("head_5", str),
        ("head_6", str),
        ("student", str),
        ("fit_ensemble_student", str),
        ("export_student", str),
        ("evaluate_student", str),
        ("before_validate", str),
        ("before_split", str),
        ("before_pool_unlabelled", str),
        ("before_featurize", str),
        ("before_train_head", str),
        ("before_fit_ensemble", str),
        ("before_calibrate", str),
        ("before_export", str),
        ("before_evaluate", str),
        ("before_apply_gates", str),
        ("before_pseudo_label", str),
        ("before_distill", str),
        ("before_fit_ensemble_student", str),
        ("before_calibrate_student", str),
        ("before_export_student", str),
        ("before_evaluate_student", str),
        ("before_apply_gates_student", str),
        ("before_compare_bundles", str),
        ("config_sha256", str),
        ("config_sha256_student", str),
    ],
):
    """Resolve the configuration and hand each step what it reads of it, so that it is done again for that alone.

    Args:
        config: The configuration, as YAML or JSON.
        overrides: Values laid over it, each like `heads.raw_cnn.epochs=3`.
        compiled_for: What the pipeline has nodes for; a configuration that wants others is refused.

    Returns:
        By step what it reads, as JSON; as `before_STEP` a digest of all settings that what the step is handed was made
        with; as `config_sha256` the identity of all settings that the bundle is made with; and as `resolved` the whole
        with every default written out.
    """
    from silencio.steps import configure as step

    return tuple(step.run(step.Inputs(config=config, overrides=overrides, compiled_for=compiled_for)).values())
