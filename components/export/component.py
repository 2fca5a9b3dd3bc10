"""export: write the bundle, the unit of release."""

from typing import List

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def export(
    config: dsl.Input[dsl.Artifact],
    parents: dict,
    classes: dsl.Input[dsl.Artifact],
    usable: dsl.Input[dsl.Dataset],
    head_1: dsl.Input[dsl.Model],
    head_2: dsl.Input[dsl.Model],
    head_3: dsl.Input[dsl.Model],
    head_4: dsl.Input[dsl.Model],
    head_5: dsl.Input[dsl.Model],
    head_6: dsl.Input[dsl.Model],
    fusion: dsl.Input[dsl.Model],
    evaluation: dsl.Input[dsl.Artifact],
    development: dsl.Input[List[dsl.Dataset]],
    bundle: dsl.Output[dsl.Model],
):
    """Export one graph, hold it against what training saw, and seal the bundle.

    Args:
        config: The resolved configuration.
        parents: What the bundle is made from: data, split, code, image.
        classes: The ordered class list.
        usable: The recordings, for their licences.
        head_1: A trained head; see `fuse` for the six places.
        head_2: As head_1.
        head_3: As head_1.
        head_4: As head_1.
        head_5: As head_1.
        head_6: As head_1.
        fusion: The supervisor.
        evaluation: All figures.
        development: Waveforms of training and validation; parity clips are validation recordings.
        bundle: The bundle.
    """
    from silencio.config import RunConfig
    from silencio.steps.export import export_step

    heads = [head.path for head in (head_1, head_2, head_3, head_4, head_5, head_6)]
    inputs = {"usable": usable.path, "fusion": fusion.path, "evaluation": evaluation.path, "classes": classes.path}
    bundle.metadata["version"] = export_step(
        RunConfig.load(config.path), parents, heads, inputs, [s.path for s in development], bundle.path
    )
