"""list_archive: every file of an archive, divided into shards."""

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def list_archive(data: str, n_shards: int, archive: dsl.Output[dsl.Dataset], metrics: dsl.Output[dsl.Metrics]):
    """List the files below a place, and choose which shard scores each.

    Args:
        data: A folder, an `s3://` prefix or a zip.
        n_shards: How many; 0 leaves it to the size of the archive.
        archive: Every file with its shard, or the reason why it is skipped.
        metrics: How many there are.
    """
    from pathlib import Path

    from silencio.steps import list_archive as step

    outputs = step.Outputs(archive=Path(archive.path))
    metrics.metadata.update(step.run(step.Inputs(data=data, n_shards=n_shards), outputs))
