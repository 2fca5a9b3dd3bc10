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
        shard: Number of the shard.
        bundle: Folder or `s3://` prefix of the bundle.
        n_processes: Processes at once; 0 takes every core.
        truncated: What becomes of a file that ends before its recording does: note or refuse.
        scores: BirdCLEF's rows, detections, and what became of each file.
        metrics: Files by status, and how many times faster than the recordings last they were scored.
    """
    from pathlib import Path

    from silencio.steps import batch_score as step

    inputs = step.Inputs(
        archive=Path(archive.path),
        shard=shard,
        bundle=bundle,
        n_processes=n_processes,
        truncated=truncated,  # type: ignore[arg-type]  # kfp has no literals; the step refuses others
    )
    metrics.metadata.update(step.run(inputs, step.Outputs(scores=Path(scores.path))))
