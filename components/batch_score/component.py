"""batch_score: one shard of an archive becomes rows and detections."""

from kfp import dsl

from components.image import STEP


@dsl.component(**STEP)
def batch_score(
    archive: dsl.Input[dsl.Dataset],
    shard: int,
    bundle: str,
    n_processes: int,
    truncated: str,
    scores: dsl.Output[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
):
    """Score the recordings of one shard with a bundle, without a server.

    Args:
        archive: Every file with its shard.
        shard: Which one.
        bundle: Folder or `s3://` prefix of the bundle.
        n_processes: At once; 0 takes every core.
        truncated: What becomes of a file that ends before its recording does: note or refuse.
        scores: BirdCLEF's rows, detections, and what became of each file.
        metrics: Files by status, and how many times faster than the recordings last they were scored.
    """
    from silencio.steps.batch_score import batch_score

    for name, value in batch_score(archive.path, shard, bundle, n_processes, scores.path, truncated).items():
        metrics.log_metric(name, value)
