"""ingest: resolve the configuration and read a source into a table of recordings."""

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def ingest(
    data: str,
    config: str,
    overrides: list,
    compiled_for: dict,
    resolved: dsl.Output[dsl.Artifact],
    recordings: dsl.Output[dsl.Dataset],
    classes: dsl.Output[dsl.Artifact],
    soundscapes: dsl.Output[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
):
    """Read a source into a table of recordings.

    Args:
        data: A folder or `s3://` prefix, Kaggle's zip, a manifest (.csv or .parquet), or `demo`.
        config: The configuration, as YAML.
        overrides: Values laid over it, each like `heads.raw_cnn.epochs=3`.
        compiled_for: What the pipeline has nodes for; a configuration that wants others is refused.
        resolved: The configuration with every default written out, which all later steps read.
        recordings: The table of recordings.
        classes: The ordered class list.
        soundscapes: Unlabelled recordings of the same places, where the source has any.
        metrics: How much there is.
    """
    from silencio.config import resolve
    from silencio.steps.ingest import ingest_source
    from silencio.training.preflight import check_run

    settings = resolve(config, overrides=overrides)
    settings.check_graph(compiled_for)
    check_run(settings)
    settings.save(resolved.path)
    paths = (recordings.path, classes.path, soundscapes.path)
    for name, value in ingest_source(data, *paths, settings.min_recordings).items():
        metrics.log_metric(name, value)
