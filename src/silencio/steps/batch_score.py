"""batch_score: the recordings of one shard of an archive, scored with a bundle, without any server."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import pyarrow.compute as pc

from silencio.audio import Truncated
from silencio.bundle import Bundle
from silencio.bundle.manifest import BundleManifest
from silencio.bundle.scoring_pool import ScoredFile, score_files
from silencio.detections import recording_document
from silencio.detections.score_tables import ScoreTables, row_names
from silencio.errors import ConfigError
from silencio.settings import Settings
from silencio.storage import download_folder, is_local
from silencio.storage.parquet import read_parquet


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        archive: The table that `list_archive` wrote.
        shard: Which one of its shards.
        bundle: Folder or `s3://` prefix of the bundle.
        n_processes: At once, each with one thread; 0: as many as this machine's settings give threads.
        truncated: What becomes of a file that ends before its recording does: `note` or `refuse`.
    """

    archive: Path
    shard: int
    bundle: str
    n_processes: int = 0
    truncated: Truncated = "note"


@dataclass(frozen=True)
class Outputs:
    """What the step writes.

    Attributes:
        scores: Folder of the shard's tables (`silencio.detections.score_tables`).
    """

    scores: Path


def run(inputs: Inputs, outputs: Outputs) -> dict[str, float]:
    """Score the recordings of one shard.

    Returns:
        For the run's page: files by status, seconds of audio, and how many of them a second of work scored.

    Raises:
        ConfigError: `truncated` is neither `note` nor `refuse`.
        BundleError: The bundle is not what was exported.
        StorageError: A place does not answer.
    """
    if inputs.truncated not in get_args(Truncated):
        raise ConfigError(f"truncated={inputs.truncated!r}: note or refuse is needed")
    files = read_parquet(inputs.archive)
    # By masks: an expression would be worked off by threads (`silencio.storage.parquet`).
    # A row's name must be unique in the archive, not in the shard alone.
    names = row_names(files.filter(pc.greater_equal(files["shard"], 0))["file"].to_pylist())
    own = files.filter(pc.equal(files["shard"], inputs.shard)).to_pylist()
    with tempfile.TemporaryDirectory(prefix="silencio-bundle-") as fetched:
        folder = Path(inputs.bundle)
        if not is_local(inputs.bundle):
            folder = Path(fetched) / "bundle"
            download_folder(inputs.bundle, folder)
        manifest = Bundle(folder).manifest
        begun_s, audio_s = time.perf_counter(), 0.0
        with ScoreTables(outputs.scores, manifest.classes.codes) as tables:
            n_processes = inputs.n_processes or Settings().n_threads
            scored = score_files(folder, [row["uri"] for row in own], n_processes, inputs.truncated)
            for row, result in zip(own, scored, strict=True):
                _write(tables, row["file"], names[row["file"]], result, manifest)
                audio_s += result.duration_s
    took_s = time.perf_counter() - begun_s
    return {**tables.counts, "audio_s": round(audio_s, 1), "times_real_time": round(audio_s / took_s, 1)}


def _write(tables: ScoreTables, file: str, row_name: str, result: ScoredFile, manifest: BundleManifest) -> None:
    if result.recording is None:
        tables.not_scored(file, "failed", result.reason)
        return
    document = recording_document(
        result.recording.starts_s,
        result.recording.probabilities,
        window_s=manifest.spec.window_s,
        hop_s=manifest.spec.hop_s,
        classes=manifest.classes,
        thresholds=manifest.thresholds,
        top_k=1,
        duration_s=result.duration_s,
        notes=result.recording.notes,
        bundle_version=manifest.version,
    )
    tables.scored(
        file,
        row_name,
        document.row_ends_s,
        result.recording.probabilities,
        document.detections,
        result.duration_s,
        [note.text for note in document.notes],
        manifest.version,
    )
