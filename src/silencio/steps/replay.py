"""replay: champion and challenger on labelled recordings that neither learned from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from silencio.audio import WaveformReader, audio_statistics
from silencio.bundle.load import Bundle
from silencio.bundle.manifest import DATA, BundleManifest
from silencio.bundle.scoring_pool import score_files
from silencio.data.recordings import COLUMNS, read_recordings
from silencio.data.source import open_source
from silencio.data.validate import validate_recordings
from silencio.data.versions import read_data_table
from silencio.errors import ConfigError, DataError
from silencio.evaluation.champion import learned_from
from silencio.evaluation.slices import SliceConfig, slice_masks
from silencio.features import FeatureSpec, FrontEnd
from silencio.prediction_log import read_log
from silencio.release.answers import BundleAnswers, RecordingAnswer
from silencio.release.class_change import USAGE_COLUMNS, USAGE_DAYS, LogUsage, class_change, log_usage
from silencio.release.comparison import AnswerComparison, compare_answers
from silencio.release.comparison_file import comparison_facts
from silencio.release.policy import ReleasePolicy
from silencio.reports.release.comparison_page import comparison_html
from silencio.settings import Settings
from silencio.storage import is_local, local_path, read_bytes, write_atomically
from silencio.taxonomy import ClassList

# Of the prediction log: who would miss a class or a specification.


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        champion: Folder of the bundle that serves.
        challenger: Folder of the bundle that is offered.
        recordings: Labelled recordings: a table of `ingest` or `validate` or a bundle's `data.parquet`, or whatever
            `--data` may be. Those that either bundle learned from are left out.
        retrained: Folders of two retrainings of the champion's own recipe, for the churn floor; or none.
        policy: The release's, whose bounds the page has; fewer recordings than it asks for are said, and compared all
            the same.
        slices: Bounds of the slices.
        prediction_log: Folder or `s3://` prefix of the champion's prediction log: who uses classes and features that
            the challenger does not have; empty: there is none.
        until: End of the log's last 30 days, with a time zone; None: now.
        n_processes: At once, each with one thread; 0: as many as this machine's settings give threads.
    """

    champion: Path
    challenger: Path
    recordings: str
    retrained: Sequence[Path] = ()
    policy: ReleasePolicy = field(default_factory=ReleasePolicy.shipped)
    slices: SliceConfig = field(default_factory=SliceConfig)
    prediction_log: str = ""
    until: datetime | None = None
    n_processes: int = 0


@dataclass(frozen=True)
class Outputs:
    """What the step writes.

    Attributes:
        comparison: The comparison, as JSON (`silencio.release.comparison_file`).
        page: Slices, negative flips, species and windows for people; None: no page is wanted.
    """

    comparison: Path
    page: Path | None = None


def run(inputs: Inputs, outputs: Outputs) -> dict[str, float]:
    """Score what neither bundle learned from with both, and lay the answers side by side.

    Returns:
        For the run's page: recordings that were replayed, how many were left out, whether they are fewer than the
        policy asks for, top-1 of both, and negative flips.

    Raises:
        ConfigError: One retraining was given, or more than two.
        BundleError: A bundle is not what was exported.
        DataError: There is no usable recording.
        StorageError: A place does not answer.
        ReleaseError: The bundles have no class in common.
    """
    comparison = compare(inputs)
    write_atomically(outputs.comparison, json.dumps(comparison_facts(comparison), indent=1))
    if outputs.page is not None:
        write_atomically(outputs.page, comparison_html(comparison, inputs.policy))
    replay = comparison.replay
    assert replay is not None
    n = len(replay.champion_right)
    metrics: dict[str, float] = {
        "replayed": n,
        "left_out": sum(comparison.left_out.values()),
        "fewer_than_min_replay": int(n < inputs.policy.min_replay),
        "negative_flips": len(comparison.negative_flips),
    }
    if n:
        metrics["champion_top1"] = round(float(replay.champion_right.mean()), 4)
        metrics["challenger_top1"] = round(float(replay.challenger_right.mean()), 4)
    return metrics


def compare(inputs: Inputs) -> AnswerComparison:
    """The comparison itself; raises as `run` does."""
    if len(inputs.retrained) not in (0, 2):
        raise ConfigError(
            f"retrained names {len(inputs.retrained)} bundles: the churn floor is what two retrainings of the "
            "champion's recipe differ by, so give two, or none"
        )
    champion, challenger = (Bundle(path).manifest for path in (inputs.champion, inputs.challenger))
    table, left_out = _new_to_both(_with_fingerprints(inputs.recordings), inputs)
    n_processes = inputs.n_processes or Settings().n_threads
    answers = [
        _answers(path, manifest, table, n_processes)
        for path, manifest in ((inputs.champion, champion), (inputs.challenger, challenger))
    ]
    scored = table["recording_id"].isin(set(answers[0].recordings) & set(answers[1].recordings))
    if not scored.all():
        left_out["it could not be scored"] = int((~scored).sum())
    table = table[scored].reset_index(drop=True)
    labels = dict(zip(table["recording_id"], table["primary_label"], strict=True))
    return compare_answers(
        answers[0],
        answers[1],
        (champion, challenger),
        classes=class_change(champion, challenger, _usage(inputs)),
        labels=labels,
        slices=_slices(table, inputs, champion),
        retrained=_retrained(inputs, table, n_processes),
        left_out=left_out,
    )


def _with_fingerprints(data: str) -> pd.DataFrame:
    """The table of recordings, by which they can be recognised: also a copy under another name, in another format."""
    recordings = _own_table(local_path(data)) if is_local(data) and local_path(data).is_file() else None
    if recordings is None:
        recordings = open_source(data).recordings
    known = ("sha256", "decoded_sha256")
    if any(name not in recordings or recordings[name].isna().any() for name in known):
        recordings = validate_recordings(recordings.drop(columns=[n for n in _FACTS if n in recordings])).usable
    if recordings.empty:
        raise DataError(f"{data} holds no recording: name labelled recordings that neither bundle learned from")
    return recordings.reset_index(drop=True)


# What validation adds to a table.
_FACTS = ("sha256", "size_bytes", "duration_s", "sample_rate_hz", "decoded_sha256", "rms_db")


def _own_table(path: Path) -> pd.DataFrame | None:
    """A table of our own steps, whatever its name is; None: it is another file, such as a manifest."""
    try:
        names = pq.read_schema(pa.BufferReader(path.read_bytes())).names
    except pa.ArrowInvalid:
        return None
    return read_recordings(path) if set(COLUMNS) <= set(names) else None


def _new_to_both(table: pd.DataFrame, inputs: Inputs) -> tuple[pd.DataFrame, dict[str, int]]:
    left_out: dict[str, int] = {}
    is_new = np.ones(len(table), bool)
    for arm, path in (("champion", inputs.champion), ("challenger", inputs.challenger)):
        learned = learned_from(path, table) & is_new
        reason = (
            f"the {arm} learned from it" if (path / DATA).is_file() else f"the {arm} does not say what it learned from"
        )
        if learned.any():
            left_out[reason] = int(learned.sum())
        is_new &= ~learned
    return table[is_new].reset_index(drop=True), left_out


def _answers(bundle: Path, manifest: BundleManifest, table: pd.DataFrame, n_processes: int) -> BundleAnswers:
    scored = {}
    names = table["recording_id"].tolist()
    for name, one in zip(names, score_files(bundle, table["path"].tolist(), n_processes), strict=True):
        if one.recording is not None:
            scored[name] = RecordingAnswer(
                starts_s=np.array(one.recording.starts_s, np.float64),
                window_s=manifest.spec.window_s,
                probabilities=one.recording.probabilities,
                detected=np.zeros(one.recording.probabilities.shape, bool),
                duration_s=one.duration_s,
            )
    return BundleAnswers.of(manifest.classes.codes, manifest.thresholds, scored)


def _retrained(inputs: Inputs, table: pd.DataFrame, n_processes: int) -> tuple[BundleAnswers, BundleAnswers] | None:
    if not inputs.retrained:
        return None
    new = ~np.logical_or.reduce([learned_from(path, table) for path in inputs.retrained])
    first, second = (
        _answers(path, Bundle(path).manifest, table[new].reset_index(drop=True), n_processes)
        for path in inputs.retrained
    )
    return first, second


def _slices(table: pd.DataFrame, inputs: Inputs, champion: BundleManifest) -> Mapping[str, Mapping[str, bool]]:
    """Slices of the evaluation, as far as they can be cut without the run: all but confusable pairs."""
    if table.empty:
        return {}
    challenger = Bundle(inputs.challenger).manifest
    known = {one.code: one for one in (*champion.classes, *challenger.classes)}
    classes = ClassList.of(known.values())
    table = table[table["primary_label"].isin(classes.codes)]
    training = pd.concat([_training(path) for path in (inputs.champion, inputs.challenger)], ignore_index=True)
    training = training.drop_duplicates("recording_id")
    masks = slice_masks(table.assign(snr_db=_snr_db(table, champion.spec)), training, (), classes, inputs.slices)
    return {name: _members(table["recording_id"], mask) for name, mask in masks.items()}


def _members(recordings: pd.Series[str], mask: NDArray[np.bool_]) -> dict[str, bool]:
    return {str(name): bool(inside) for name, inside in zip(recordings, mask, strict=True)}


def _training(bundle: Path) -> pd.DataFrame:
    data = read_data_table(bundle / DATA)
    return data[data["split"] == "train"]


def _snr_db(table: pd.DataFrame, spec: FeatureSpec) -> list[float]:
    """Of each recording, the mean of its windows' estimates, as evaluation has it."""
    front_end, found = FrontEnd(spec), []
    for uri in table["path"]:
        reader = WaveformReader(local_path(uri) if is_local(uri) else read_bytes(uri), spec.sample_rate_hz)
        parts = [
            audio_statistics(np.asarray(piece.inputs["waveform"], np.int16), spec.sample_rate_hz)["snr_db"]
            for piece in front_end.features_of_blocks(reader, log_mel=False)
        ]
        found.append(float(np.concatenate(parts).mean()))
    return found


def _usage(inputs: Inputs) -> LogUsage | None:
    if not inputs.prediction_log:
        return None
    until = inputs.until or datetime.now(UTC)
    return log_usage(read_log(inputs.prediction_log, until - timedelta(days=USAGE_DAYS), until, USAGE_COLUMNS))
