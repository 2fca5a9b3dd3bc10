"""Shards: recordings as int16 waveforms at the spec's rate, in flat files that are mapped, not loaded.

A shard is a folder with `waveforms.i16` (all recordings one after another, native-endian int16), `recordings.parquet`
(where each begins and ends, its labels, its split, the sha256 of its waveform), an `embedding-<encoder>.f32` an encoder
(the windows of each recording's grid, one after another) and `shard.json` (the spec's sha256, what the encoders are).
Whole recordings are kept, not windows, because training crops at random places; windows are cut on reading by the same
front end as everywhere.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from silencio.audio import window_starts
from silencio.data.embeddings import GridEncoder, grid_starts
from silencio.data.frames import read_frame
from silencio.data.split import with_split
from silencio.encoders import EMBEDDING, EncoderSpec
from silencio.errors import DataError, StorageError
from silencio.features import FeatureSpec, FrontEnd
from silencio.storage import concerns_one_file, read_bytes, whole_folder, write_atomically

_WAVEFORMS, _RECORDINGS, _SHARD = "waveforms.i16", "recordings.parquet", "shard.json"
_COLUMNS = ("recording_id", "primary_label", "split", "path")
_KEPT = ("sha256", "decoded_sha256", "author", "site", "recorded_at", "latitude", "longitude", "group_id", "fold")
# Of development, of test, and of a pool: KFP names every shard that a step is handed in one argument of its command,
# with some 650 bytes each on a cluster, and Linux bounds an argument by 128 KiB.
MAX_SHARDS = 60


@dataclass(frozen=True)
class PlannedShard:
    """One piece of featurize's work.

    Attributes:
        split: `development` (training and validation) or `test`.
        recording_ids: Names of its recordings.
    """

    split: Literal["development", "test"]
    recording_ids: list[str]


def plan_shards(recordings: pd.DataFrame, assignment: pd.DataFrame, seconds_per_shard: float) -> list[PlannedShard]:
    """Cut the work of featurizing into pieces of about equal sound.

    Development and test never share a shard: a step that trains is handed no test audio at all.

    Args:
        recordings: Rows with `recording_id` and `duration_s`.
        assignment: Rows with `recording_id` and `split`.
        seconds_per_shard: About how much sound one shard holds; more where there would be more than `MAX_SHARDS`.
    """
    table = recordings.merge(assignment[["recording_id", "split"]], on="recording_id", validate="one_to_one")
    table = table.sort_values("recording_id")
    is_test = table["split"] == "test"
    shards: list[PlannedShard] = []
    for split, rows in (("development", table[~is_test]), ("test", table[is_test])):
        begins_s = rows["duration_s"].cumsum() - rows["duration_s"]
        which = begins_s // seconds_per_shard
        if which.nunique() > MAX_SHARDS:
            which = begins_s // (rows["duration_s"].sum() / MAX_SHARDS)
        shards += [PlannedShard(split, list(ids)) for _, ids in rows.groupby(which)["recording_id"]]  # type: ignore[arg-type]
    return shards


def write_shard(
    recordings: pd.DataFrame, spec: FeatureSpec, directory: Path, encoders: Sequence[GridEncoder] = ()
) -> None:
    """Decode and resample recordings, one at a time, into a shard that appears whole or not at all.

    Args:
        recordings: Rows with `recording_id`, `path`, `primary_label`, `secondary_labels`, `split`; of `sha256`,
            `decoded_sha256`, `author`, `site`, `recorded_at`, `latitude`, `longitude`, `group_id` and `fold` the shard
            keeps what there is. A recording whose bytes no longer have their `sha256` is refused.
        spec: The definition that is followed.
        directory: The shard's folder.
        encoders: Encoders whose embeddings are kept beside the waveforms.

    Raises:
        DataError: A recording vanished or was changed since `validate` opened it.
        StorageError: The disk is full, or the recordings' place does not answer.
    """
    front_end = FrontEnd(spec)
    rows: list[dict[str, object]] = []
    kept = [name for name in (*_COLUMNS, *_KEPT) if name in recordings]
    end = grid_end = 0
    with whole_folder(directory) as fresh:
        with contextlib.ExitStack() as files:
            file = files.enter_context((fresh / _WAVEFORMS).open("wb"))
            kept_embeddings = [
                (encoder, files.enter_context((fresh / _embedding_file(encoder.spec.name)).open("wb")))
                for encoder in encoders
            ]
            for row in tqdm(recordings.to_dict("records"), desc="featurize", unit="recording", mininterval=2.0):
                waveform = front_end.waveform(_encoded(row))
                # Not `tofile`, which hides that the disk is full.
                file.write(waveform.data)
                digest = hashlib.sha256(waveform.data).hexdigest()
                for encoder, beside in kept_embeddings:
                    beside.write(encoder.embed(waveform, digest).data)
                begin, end = end, end + len(waveform)
                grid_begin, grid_end = grid_end, grid_end + len(grid_starts(len(waveform), spec))
                rows.append(
                    {
                        **{name: row[name] for name in kept},
                        "secondary_labels": list(row["secondary_labels"]),
                        "waveform_sha256": digest,
                        "begin": begin,
                        "end": end,
                        "grid_begin": grid_begin,
                        "grid_end": grid_end,
                    }
                )
        write_atomically(fresh / _RECORDINGS, pd.DataFrame(rows).to_parquet(None, index=False))
        of_encoders = {
            encoder.spec.name: {"spec": encoder.spec.model_dump(mode="json"), "identity": encoder.identity}
            for encoder in encoders
        }
        facts = {"spec_sha256": spec.sha256, "n_samples": end, "n_grid": grid_end, "encoders": of_encoders}
        write_atomically(fresh / _SHARD, json.dumps(facts))


def _embedding_file(name: str) -> str:
    return f"embedding-{name}.f32"


def _encoded(row: dict[Hashable, Any]) -> bytes:
    try:
        encoded = read_bytes(row["path"])
    except StorageError as error:
        if not concerns_one_file(error):
            raise
        raise DataError(
            f"{row['recording_id']} was there when validate opened it and cannot be read any more ({error}): put it "
            "back, or run validate again"
        ) from error
    if row.get("sha256", (digest := hashlib.sha256(encoded).hexdigest())) != digest:
        raise DataError(
            f"{row['recording_id']} was changed since validate opened it ({row['path']}, {len(encoded)} bytes): run "
            "validate again"
        )
    return encoded


class ShardSet:
    """Recordings of several shards, read as one.

    Args:
        directories: The shards' folders, in any order.
        spec: The definition that must have been followed.
        split: Keep only its recordings (`train`, `validation`, `test` or `pool`).

    Attributes:
        encoders: Those whose embeddings the shards hold, by name.

    Raises:
        DataError: A shard was made by another definition, or is not whole.
    """

    def __init__(self, directories: Iterable[Path], spec: FeatureSpec, split: str | None = None) -> None:
        self.spec = spec
        tables: list[pd.DataFrame] = []
        self._maps: list[NDArray[np.int16]] = []
        self._embeddings: list[dict[str, NDArray[np.float32]]] = []
        self.encoders: dict[str, ShardEncoder] = {}
        for number, directory in enumerate(sorted(directories)):
            waveforms, embeddings, encoders, table = _read_shard(directory, spec)
            self._maps.append(waveforms)
            self._embeddings.append(embeddings)
            if number and encoders != self.encoders:
                raise DataError(f"{directory} was made with other encoders than the other shards: run featurize again")
            self.encoders = encoders
            tables.append(table.assign(shard=number))
        if not tables:
            raise DataError("no shards were given")
        table = pd.concat(tables, ignore_index=True)
        if split is not None:
            table = table[table["split"] == split]
        self.table = table.sort_values("recording_id", ignore_index=True)

    def __len__(self) -> int:
        return len(self.table)

    def subset(self, mask: NDArray[np.bool_]) -> ShardSet:
        """The recordings where `mask`, bool (n_recordings,), is true, in the same order."""
        chosen = copy.copy(self)
        chosen.table = self.table[mask].reset_index(drop=True)
        return chosen

    def waveform(self, index: int) -> NDArray[np.int16]:
        """Waveform of recording `index`, int16 (n_samples,), mapped from disk."""
        row = self.table.iloc[index]
        return self._maps[int(row["shard"])][int(row["begin"]) : int(row["end"])]

    def __iter__(self) -> Iterator[NDArray[np.int16]]:
        return (self.waveform(index) for index in range(len(self)))

    def embedding(self, name: str, index: int) -> NDArray[np.float32]:
        """An encoder's embeddings of recording `index`, float32 (n_grid, n_dimensions), mapped from disk.

        Raises:
            DataError: The shards hold nothing of that encoder.
        """
        if name not in self.encoders:
            raise DataError(f"the shards hold no embeddings of {name!r}: run featurize again for this configuration")
        row = self.table.iloc[index]
        return self._embeddings[int(row["shard"])][name][int(row["grid_begin"]) : int(row["grid_end"])]

    def window_starts(self, index: int) -> list[int]:
        """The sample at which each window begins that the service would cut of recording `index`."""
        row = self.table.iloc[index]
        return window_starts(int(row["end"] - row["begin"]), self.spec)

    def n_windows(self, index: int) -> int:
        """How many windows the service would cut of recording `index`: the first of its grid."""
        return len(self.window_starts(index))

    def inputs(self, index: int, front_end: FrontEnd) -> dict[str, NDArray[np.generic]]:
        """Everything a graph may be fed of recording `index`: waveform, log-mel and every kept embedding."""
        features = front_end.features(self.waveform(index))
        kept = {EMBEDDING + name: self.embedding(name, index)[: features.n_windows] for name in self.encoders}
        return {**features.inputs, **kept}


@dataclass(frozen=True)
class ShardEncoder:
    """An encoder whose embeddings shards hold.

    Attributes:
        spec: What the encoder takes and gives.
        identity: Identity of encoder, weights and windows (`EncoderSpec.identity`).
    """

    spec: EncoderSpec
    identity: str


_Shard = tuple[NDArray[np.int16], dict[str, NDArray[np.float32]], dict[str, ShardEncoder], pd.DataFrame]


def _read_shard(directory: Path, spec: FeatureSpec) -> _Shard:
    try:
        facts = json.loads((directory / _SHARD).read_text(encoding="utf-8"))
        if facts["spec_sha256"] != spec.sha256:
            raise DataError(
                f"{directory} was made by feature spec {facts['spec_sha256'][:12]}, this run has {spec.sha256[:12]}: "
                "run featurize again"
            )
        n_bytes = (directory / _WAVEFORMS).stat().st_size
        if n_bytes != 2 * facts["n_samples"]:
            raise DataError(
                f"{directory} is not a whole shard: {_WAVEFORMS} has {n_bytes} bytes instead of "
                f"{2 * facts['n_samples']}; run featurize again"
            )
        table = with_split(read_frame(directory / _RECORDINGS))
        waveforms = np.memmap(directory / _WAVEFORMS, dtype=np.int16, mode="r")
        encoders = {
            name: ShardEncoder(EncoderSpec.model_validate(one["spec"], strict=False), one["identity"])
            for name, one in facts["encoders"].items()
        }
        embeddings = {
            name: np.memmap(
                directory / _embedding_file(name), np.float32, "r", shape=(facts["n_grid"], one.spec.n_dimensions)
            )
            for name, one in encoders.items()
        }
    except FileNotFoundError as error:
        missing = Path(error.filename).name
        raise DataError(f"{directory} is not a whole shard: {missing} is missing; run featurize again") from error
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{directory} is not a whole shard: {error}; run featurize again") from error
    return waveforms, dict(embeddings), encoders, table


def targets(table: pd.DataFrame, index: dict[str, int]) -> NDArray[np.float32]:
    """Multi-label targets: 1 for the primary label and for every secondary label that has a class.

    Args:
        table: Rows with `primary_label` and `secondary_labels`.
        index: Code to position in the class list.

    Returns:
        float32, shape (n_recordings, n_classes).
    """
    labels = np.zeros((len(table), len(index)), np.float32)
    for row, (primary, secondary) in enumerate(zip(table["primary_label"], table["secondary_labels"], strict=True)):
        for code in (primary, *secondary):
            if code in index:
                labels[row, index[code]] = 1.0
    return labels
