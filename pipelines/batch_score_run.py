"""Run `batch_score` on this machine."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from pipelines.batch_score import batch_score_pipeline
from pipelines.local.identity import local_image, run_identity
from pipelines.local.launcher import StepLauncher
from pipelines.local.log import StepTime
from pipelines.local.run import run_local
from silencio.data.source import absolute, check_is_there
from silencio.detections.score_tables import FILES
from silencio.errors import SourceError
from silencio.storage import is_local, local_path

# Places at the top of a run's folder, by output of the pipeline.
PUBLISHED = {"scores": "scores"}


@dataclass(frozen=True)
class BatchScored:
    """What a run leaves.

    Attributes:
        scores: Folder with `birdclef.csv`, `detections.parquet` and `files.csv`.
        counts: Files by status; `files` is their sum.
        failed: Those that could not be scored, each with its reason.
        audio_s: Seconds of sound that were scored.
        log: Everything that the steps printed.
        times: How long each step took.
    """

    scores: Path
    counts: dict[str, int]
    failed: list[tuple[str, str]]
    audio_s: float
    log: Path
    times: list[StepTime]


def run_batch_score(
    data: str,
    bundle: str,
    out: Path,
    n_shards: int = 0,
    truncated: str = "note",
    *,
    launcher: StepLauncher | None = None,
) -> BatchScored:
    """Run `batch_score` on this machine, or take up a run that was stopped.

    Args:
        data: A folder, an `s3://` prefix or a zip.
        bundle: Folder or `s3://` prefix of the bundle.
        out: Gets `scores`, `run.log` and the artifacts of every step.
        n_shards: 0 leaves it to the size of the archive.
        truncated: What becomes of a file that ends before its recording does: `note` or `refuse`.
        launcher: See `run_local`.

    Raises:
        SourceError: A place of this machine that is named is not there; nothing has run.
        StorageError: `out` cannot be written.
        PipelineError: Another run is at work in `out`.
        FailedStepError: A step failed; shards that others finished are kept.
        RunStopped: By a signal.
    """
    out = out.resolve()
    check_is_there(data)
    if is_local(bundle) and not local_path(bundle).is_dir():
        raise SourceError(f"--bundle {bundle} is not there: name the folder of a bundle, or its s3:// prefix")
    arguments = {"data": absolute(data), "bundle": absolute(bundle), "n_shards": n_shards, "n_processes": 0}
    arguments["truncated"] = truncated
    pipeline, identity = batch_score_pipeline(local=True), run_identity(local_image())
    run = run_local(pipeline, arguments, identity, out, PUBLISHED, launcher=launcher)
    with (out / "scores" / FILES).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    counts = {"files": len(rows)} | {
        status: sum(row["status"] == status for row in rows) for status in ("scored", "failed", "skipped")
    }
    failed = [(row["file"], row["reason"]) for row in rows if row["status"] == "failed"]
    audio_s = sum(float(row["duration_s"] or 0) for row in rows)
    return BatchScored(out / "scores", counts, failed, audio_s, run.log, run.times)
