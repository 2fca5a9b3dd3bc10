"""Versions of a data set: the table by which the recordings of a bundle are found again, or shown to have changed."""

from __future__ import annotations

import csv
import hashlib
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd
from tqdm import tqdm

from silencio.data.birdclef import TAXONOMY_COLUMNS
from silencio.data.file_names import is_audio
from silencio.data.frames import read_frame
from silencio.data.listing import list_source
from silencio.data.recordings import Source
from silencio.data.source import is_listed, open_source, root_of
from silencio.data.split import placed, with_split
from silencio.data.validate import ValidationConfig, examine
from silencio.errors import DataError, StorageError
from silencio.settings import Settings
from silencio.storage import (
    StoredObject,
    concerns_one_file,
    name_of,
    read_bytes,
    whole_folder,
    write_atomically,
)
from silencio.taxonomy import ClassList

CHANGES = {
    "missing": "its bytes are nowhere in the source",
    "changed": "other bytes under its name",
    "renamed": "its bytes are there under another name",
    "relabelled": "another primary label or other secondary labels",
    "new": "a usable recording that the bundle does not know",
}
_TRAIN_COLUMNS = ["author", "latitude", "longitude", "license", "url", "site", "recorded_at"]
_MAX_NAMED = 10
_UNKNOWN = -1  # a file's size, without reading it


def data_table(usable: pd.DataFrame, assignment: pd.DataFrame) -> pd.DataFrame:
    """What a bundle keeps of its data: one row a recording that it was made from.

    Args:
        usable: Validated recordings.
        assignment: `recording_id`, `split`, `group_id`, and `fold` where there are folds.

    Returns:
        All columns of `usable`, with those of the assignment, sorted by recording_id.
    """
    table = usable.merge(assignment[placed(assignment)], on="recording_id", validate="one_to_one")
    return table.sort_values("recording_id", ignore_index=True)


def read_data_table(path: Path) -> pd.DataFrame:
    """The table of a bundle's recordings, `data.parquet`, also of a bundle from before 0.1.0.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is no Parquet.
    """
    return with_split(read_frame(path))


def compare(table: pd.DataFrame, source: Source, config: ValidationConfig | None = None) -> pd.DataFrame:
    """What is different in a source from the data that a bundle was made from; every file is read.

    Args:
        table: Table from `data_table`.
        source: The source as it is now.
        config: What can be used: a recording that cannot is not new.

    Returns:
        `recording_id`, `change` (a key of `CHANGES`) and `detail`, in the order of `CHANGES`; without rows where the
        source holds exactly this data set.

    Raises:
        StorageError: The source's place does not answer.
    """
    now = {row["recording_id"]: row for row in source.recordings.to_dict("records")}
    digests = dict(zip(now, _digests([row["path"] for row in now.values()]), strict=True))
    name_by_digest = {digest: name for name, digest in digests.items() if digest is not None}
    unlabelled = set(source.faults.loc[source.faults["kind"] == "unknown_label", "recording_id"])
    known = set(table["recording_id"])
    found: list[tuple[str, str, str]] = []
    taken: set[str] = set()
    for row in table.to_dict("records"):
        name, elsewhere = row["recording_id"], name_by_digest.get(row["sha256"])
        if digests.get(name) == row["sha256"]:
            found += _relabelled(name, row, now[name])
        elif name in unlabelled:
            found.append((name, "relabelled", f"was {row['primary_label']!r}, now a label that is not in the taxonomy"))
        elif digests.get(name) is not None:
            also = f"; the former bytes are {elsewhere}" if elsewhere else ""
            found.append((name, "changed", f"{row['sha256'][:12]} was {row['size_bytes']} bytes{also}"))
        elif elsewhere is not None:
            taken.add(elsewhere)
            found.append((name, "renamed", f"now {elsewhere}"))
            found += _relabelled(name, row, now[elsewhere])
        else:
            found.append((name, "missing", f"{row['size_bytes']} bytes with sha256 {row['sha256'][:12]}"))
    for name in sorted(set(now) - known - taken):
        facts, _ = examine(name, now[name]["path"], config or ValidationConfig())
        if facts is not None:
            found.append((name, "new", f"{facts['duration_s']:.1f} s, labelled {now[name]['primary_label']!r}"))
    order = {change: number for number, change in enumerate(CHANGES)}
    found.sort(key=lambda one: (order[one[1]], one[0]))
    return pd.DataFrame(found, columns=["recording_id", "change", "detail"], dtype=object)


def _relabelled(name: str, then: Mapping[Any, Any], now: Mapping[Any, Any]) -> list[tuple[str, str, str]]:
    def labels(row: Mapping[Any, Any]) -> tuple[str, list[str]]:
        return row["primary_label"], sorted(row["secondary_labels"])

    if labels(then) == labels(now):
        return []
    (primary, secondary), (primary_now, secondary_now) = labels(then), labels(now)
    return [(name, "relabelled", f"was {primary!r} with {secondary}, now {primary_now!r} with {secondary_now}")]


def restore(table: pd.DataFrame, classes: ClassList, data: str, out: Path) -> None:
    """Lay out the exact data set of a bundle, in BirdCLEF's layout: the same names, bytes and labels.

    A recording is taken wherever it is found, by its bytes; what the place's own tables say does not matter.

    Args:
        table: Table from `data_table`.
        classes: Class list of the bundle.
        data: A folder, `s3://` prefix, zip or manifest in which the recordings are.
        out: A new or empty folder; it appears whole or not at all.

    Raises:
        DataError: A recording is nowhere; the message names it. Or `out` is not empty.
        StorageError: The place does not answer, or the disk is full.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out} is not empty: name a new folder to restore into")
    _refuse_outside(table["recording_id"])
    finder = _Finder(_files_of(data), set(table["size_bytes"]))
    missing: list[str] = []
    with whole_folder(out) as fresh:
        for row in tqdm(table.to_dict("records"), desc="restore", unit="recording", mininterval=2.0):
            content = finder.content(row["recording_id"], row["sha256"], row["size_bytes"])
            if content is None:
                missing.append(row["recording_id"])
                continue
            target = fresh / "train_audio" / row["recording_id"]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        if missing:
            more = f" and {len(missing) - _MAX_NAMED} more" if len(missing) > _MAX_NAMED else ""
            raise DataError(
                f"{len(missing)} of {len(table)} recordings are nowhere in {data} with the bytes that they had "
                f"({', '.join(missing[:_MAX_NAMED])}{more}): nothing was restored"
            )
        _write_tables(table, classes, fresh)


class _Finder:
    """Finds bytes: first where the name says, then in any file of the same size."""

    def __init__(self, files: Iterable[StoredObject], sizes_bytes: set[int]) -> None:
        self._by_name: dict[str, list[str]] = defaultdict(list)
        self._by_size: dict[int, list[str]] = defaultdict(list)
        for file in files:
            self._by_name[name_of(file.uri)].append(file.uri)
            if file.size_bytes in sizes_bytes or file.size_bytes == _UNKNOWN:
                self._by_size[file.size_bytes].append(file.uri)
        self._by_digest: dict[str, str] = {}

    def content(self, recording_id: str, sha256: str, size_bytes: int) -> bytes | None:
        for uri in self._by_name[name_of(recording_id)]:
            if uri.endswith(f"/{recording_id}"):
                content = _content(uri)
                if content is not None and hashlib.sha256(content).hexdigest() == sha256:
                    return content
        for size in (size_bytes, _UNKNOWN):
            # Once read, a file of this size need not be read again for the next recording that is looked for.
            uris = self._by_size.pop(size, [])
            pairs = zip(uris, _digests(uris, is_within=True), strict=True)
            self._by_digest |= {digest: uri for uri, digest in pairs if digest is not None}
            if sha256 in self._by_digest:
                return _content(self._by_digest[sha256])
        return None


def _files_of(data: str) -> list[StoredObject]:
    if not is_listed(data):
        return [StoredObject(uri, _UNKNOWN, "") for uri in open_source(data).recordings["path"]]
    return [file for file in list_source(root_of(data)) if is_audio(name_of(file.uri))]


def _content(uri: str) -> bytes | None:
    try:
        return read_bytes(uri)
    except StorageError as error:
        if concerns_one_file(error):
            return None
        raise


def _digests(uris: Sequence[str], *, is_within: bool = False) -> list[str | None]:
    """sha256 of files, None where one cannot be read.

    Args:
        uris: URIs of the files.
        is_within: Another bar stands already: this one stands below it, and goes away with its last file.
    """
    if not uris:
        return []

    def digest(uri: str) -> str | None:
        content = _content(uri)
        return hashlib.sha256(content).hexdigest() if content else None

    with ThreadPoolExecutor(Settings().n_threads) as pool:
        place = 1 if is_within else None
        return list(
            tqdm(
                pool.map(digest, uris),
                desc="hash",
                total=len(uris),
                unit="recording",
                mininterval=2.0,
                position=place,
                leave=not is_within,
            )
        )


def _refuse_outside(names: Iterable[str]) -> None:
    for name in names:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise DataError(f"recording {name!r} leads out of its folder: the table was not made by Silencio")


def _write_tables(table: pd.DataFrame, classes: ClassList, folder: Path) -> None:
    train = pd.DataFrame(
        {
            "primary_label": table["primary_label"],
            "secondary_labels": [repr([str(label) for label in labels]) for labels in table["secondary_labels"]],
            "filename": table["recording_id"],
        }
    )
    for name in _TRAIN_COLUMNS:
        train[name] = ["" if value != value else str(value) for value in table[name]]
    write_atomically(folder / "train.csv", _csv([list(train.columns), *train.to_numpy().tolist()]))
    species = [[one.code, one.scientific_name, one.common_name, one.class_name] for one in classes]
    write_atomically(folder / "taxonomy.csv", _csv([["primary_label", *TAXONOMY_COLUMNS], *species]))


def _csv(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
