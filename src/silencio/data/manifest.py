"""The source `manifest`: a CSV or Parquet table that says where each recording is."""

from __future__ import annotations

from pathlib import PurePosixPath

import pandas as pd

from silencio.data.faults import other_forms
from silencio.data.manifest_places import check_places
from silencio.data.recordings import Source, make_source
from silencio.data.schemas import MANIFEST, parse_secondary_labels, read_table
from silencio.errors import SchemaError
from silencio.storage import FileFinder, escaped, is_local, join, local_path

_NAMES = {"scientific_name": None, "common_name": None, "class_name": "unknown"}


def read_manifest(uri: str) -> Source:
    """Read a manifest: `path` and `primary_label`, and whatever else of `COLUMNS` and of a species' names it has.

    A path is a URI, or relative to the manifest; what it may name says `silencio.data.manifest_places`.

    Args:
        uri: The table, `.csv` or `.parquet`.

    Raises:
        SchemaError: It is broken, or names what it may not; the message names column and row.
        StorageError: The place does not answer.
    """
    uri = escaped(str(local_path(uri).resolve())) if is_local(uri) else uri
    table = read_table(uri, MANIFEST)
    if table.empty:
        raise SchemaError(f"{uri} lists no recordings")
    secondary = table["secondary_labels"] if "secondary_labels" in table else pd.Series("", index=table.index)
    base = uri.rsplit("/", 1)[0]
    ids = [_recording_id(path.replace("\\", "/")) for path in table["path"]]
    places = [_place(base, path) for path in table["path"]]
    check_places(uri, base, zip(table.index, table["path"], places, strict=True))
    found = FileFinder().find_all(places)
    rows = table.assign(
        recording_id=ids,
        path=found,
        secondary_labels=secondary.map(parse_secondary_labels),
    )
    twice = rows["recording_id"].duplicated()
    if twice.any():
        row = twice.idxmax()
        raise SchemaError(f"{uri}: column 'path', row {row}: {table.at[row, 'path']!r} is listed before")
    return make_source(rows, _taxonomy(uri, table), taken_as=f"the manifest {uri}", faults=other_forms(ids, found))


def _place(base: str, path: str) -> str:
    return path if "://" in path or path.startswith("/") else join(base, path)


def _recording_id(path: str) -> str:
    """The path without what differs between machines or leads out of a folder."""
    parts = PurePosixPath(path.partition("://")[2] or path).parts
    return "/".join(part for part in parts if part not in ("/", ".."))


def _taxonomy(uri: str, table: pd.DataFrame) -> pd.DataFrame:
    """The species' names, which every row may give and no two may give differently."""
    labels = sorted(set(table["primary_label"]))
    names = pd.DataFrame(index=pd.Index(labels, dtype=object))
    for column, default in _NAMES.items():
        known: dict[str, str] = {}
        given = table[column] if column in table else pd.Series("", index=table.index)
        for row, label, name in zip(table.index, table["primary_label"], given, strict=True):
            if name and known.setdefault(label, name) != name:
                raise SchemaError(
                    f"{uri}: column {column!r}, row {row}: {name!r}, but {label!r} is {known[label]!r} in a row before"
                )
        names[column] = [known.get(label, default or label) for label in labels]
    return names
