"""ingest: resolve the configuration and read a source into a table of recordings."""

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def ingest(
    data: str,
    config: str,
    overrides: list,
    resolved: dsl.Output[dsl.Artifact],
    recordings: dsl.Output[dsl.Dataset],
    classes: dsl.Output[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
):
    """Read a source into a table of recordings.

    Args:
        data: A folder in BirdCLEF's layout, or `demo`.
        config: The configuration, as YAML.
        overrides: Values laid over it, each like `heads.raw_cnn.epochs=3`.
        resolved: The configuration with every default written out, which all later steps read.
        recordings: The table of recordings.
        classes: The ordered class list.
        metrics: How much there is.
    """
    from silencio.config import resolve
    from silencio.steps.ingest import ingest_source

    resolve(config, overrides=overrides).save(resolved.path)
    for name, value in ingest_source(data, recordings.path, classes.path).items():
        metrics.log_metric(name, value)
