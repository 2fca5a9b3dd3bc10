"""ingest: read a source into a table of recordings."""

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def ingest(
    data: str,
    config: str,
    recordings: dsl.Output[dsl.Dataset],
    classes: dsl.Output[dsl.Artifact],
    soundscapes: dsl.Output[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
):
    """Read a source into a table of recordings.

    Args:
        data: A folder or `s3://` prefix, Kaggle's zip, a manifest (.csv or .parquet), or `demo`.
        config: What this step reads of the configuration, as JSON.
        recordings: The table of recordings.
        classes: The ordered class list.
        soundscapes: Unlabelled recordings of the same places, where the source has any.
        metrics: How much there is.
    """
    from pathlib import Path

    from silencio.data.config import DataConfig
    from silencio.steps import ingest as step

    inputs = step.Inputs(data=data, min_recordings=DataConfig.of_part(config).min_recordings)
    outputs = step.Outputs(
        recordings=Path(recordings.path), classes=Path(classes.path), soundscapes=Path(soundscapes.path)
    )
    metrics.metadata.update(step.run(inputs, outputs))
