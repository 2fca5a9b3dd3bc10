"""The pipeline `batch_score`: a whole archive scored with a bundle, every file accounted for."""

from typing import Any, NamedTuple

from kfp import dsl

from components.archive_shards import archive_shards
from components.batch_score import batch_score
from components.collect_scores import collect_scores
from components.image import VERSION
from components.inputs_version import inputs_version
from components.list_archive import list_archive
from pipelines import resources
from pipelines.cache_keys import keyed
from pipelines.named_groups import NamedLoop

NAME = "batch-score"
# On a cluster.
_PODS_AT_ONCE = 16
_CORES_OF_A_POD = 4


class _Scored(NamedTuple):
    """What a run leaves."""

    scores: dsl.Dataset


def batch_score_pipeline(*, local: bool = False) -> Any:
    """Make the graph.

    Args:
        local: One shard at a time has every core.
    """

    @dsl.pipeline(  # type: ignore[untyped-decorator]
        name=f"silencio-{NAME}",
        display_name="Silencio: score an archive",
        description=f"Recordings and a bundle to rows, detections and an account of every file. Silencio {VERSION}.",
    )
    def pipeline(
        data: str = "/data",
        bundle: str = "/data/bundle",
        n_shards: int = 0,
        n_processes: int = _CORES_OF_A_POD,
        truncated: str = "note",
        run_key: str = "",
    ) -> _Scored:
        """Score every recording below a place.

        Args:
            data: A folder, an `s3://` prefix or a zip.
            bundle: Folder or `s3://` prefix of the bundle.
            n_shards: How many parts are scored by a step of their own; 0 leaves it to the size of the archive.
            n_processes: In each part, at once; 0 takes every core that the step may use.
            truncated: A file that ends before its recording does is scored as far as it goes (note), or fails (refuse).
            run_key: The run's identity; nothing here needs it.
        """
        # A cache sees the name of a place and not what lies there: everything after this step is keyed by what it says.
        read = inputs_version(data=data, beside=bundle)
        read.set_caching_options(False)
        key = {"inputs_version": read.output}
        listed = keyed(list_archive, key)(data=data, n_shards=n_shards)
        archive = listed.outputs["archive"]
        sharded = key | {"n_shards": n_shards}
        shards = keyed(archive_shards, sharded)(archive=archive)
        with NamedLoop(shards.output, "score-shards", 1 if local else _PODS_AT_ONCE) as shard:
            arguments = {"archive": archive, "shard": shard, "bundle": bundle, "n_processes": n_processes}
            scored = keyed(batch_score, sharded)(**arguments, truncated=truncated)
            resources.request(resources.with_recordings(scored), resources.EVALUATE)
        answered = sharded | {"n_processes": n_processes, "truncated": truncated}
        collected = keyed(collect_scores, answered)(archive=archive, shards=dsl.Collected(scored.outputs["scores"]))
        for task in (read, listed, shards, collected):
            resources.request(task, resources.SMALL)
        for task in (read, listed):
            resources.with_recordings(task)
        return _Scored(collected.outputs["scores"])

    return pipeline
