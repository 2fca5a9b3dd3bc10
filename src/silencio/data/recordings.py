"""The table of recordings: one row a recording, the form in which every source hands over its data."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from silencio.data.faults import Fault, fault_table
from silencio.data.file_names import site_and_time
from silencio.data.frames import read_frame
from silencio.errors import SchemaError
from silencio.local_time import local_time
from silencio.storage import write_atomically
from silencio.tables import parse_number
from silencio.taxonomy import ClassList, Species, listed, name_key

COLUMNS = (
    "recording_id",  # stable across machines: the file's path inside its source
    "path",  # URI of the encoded bytes (silencio.storage)
    "primary_label",
    "secondary_labels",  # list of codes
    "author",
    "latitude",
    "longitude",
    "license",
    "url",
    "site",  # "" where unknown
    "recorded_at",  # ISO 8601, "" where unknown
)
_FAULTS = b"silencio.faults"


@dataclass(frozen=True)
class Source:
    """What a source hands over.

    Attributes:
        recordings: The columns of `COLUMNS`, sorted by recording_id.
        classes: The species of which there are recordings, sorted by code.
        unknown_secondary_labels: Secondary labels without recordings of their own, each with how often it stood
            there; no model output exists for them.
        soundscapes: URIs of unlabelled recordings of the same places.
        faults: What the source's tables say against themselves (`silencio.data.faults.fault_table`); recordings that
            are left out stand here and nowhere else.
        taken_as: What it was taken for, and where it is.
    """

    recordings: pd.DataFrame
    classes: ClassList
    unknown_secondary_labels: dict[str, int]
    soundscapes: list[str] = field(default_factory=list)
    faults: pd.DataFrame = field(default_factory=lambda: fault_table([]))
    taken_as: str = ""


def make_source(
    rows: pd.DataFrame,
    taxonomy: pd.DataFrame,
    *,
    soundscapes: Sequence[str] = (),
    taken_as: str = "",
    faults: Sequence[Fault] = (),
) -> Source:
    """Bring a source's rows into the common form and hold their labels against its species.

    Labels are those of the taxonomy where they differ from it in case or in what `silencio.taxonomy.name_key` levels. A
    row whose label is no species of the taxonomy is left out and named; other species without a row are named.

    Args:
        rows: `recording_id`, `path`, `primary_label`, `secondary_labels` (lists) and any others of `COLUMNS`.
        taxonomy: `scientific_name`, `common_name`, `class_name` by code.
        soundscapes: Unlabelled recordings.
        taken_as: What the source was taken for.
        faults: What is known of the rows already.

    Raises:
        SchemaError: Not one row has a label of the taxonomy.
    """
    spelled = _Spelling(list(taxonomy.index))
    secondary = [[spelled(label) for label in labels] for labels in rows["secondary_labels"]]
    rows = rows.assign(
        primary_label=rows["primary_label"].map(spelled),
        secondary_labels=pd.Series(secondary, index=rows.index, dtype=object),
    )
    known = rows["primary_label"].isin(taxonomy.index)
    if not known.any():
        first = rows["primary_label"].iloc[0]
        raise SchemaError(
            f"{taken_as}: column 'primary_label': not one of {len(rows)} labels is in the taxonomy, the first is "
            f"{first!r}: is it the taxonomy of these recordings, and did a spreadsheet change the codes?"
        )
    recordings = _common_form(rows[known])
    codes = sorted(set(recordings["primary_label"]))
    classes = ClassList.of(
        Species(code=code, **{name: str(taxonomy.at[code, name]) for name in taxonomy.columns}) for code in codes
    )
    secondary_codes = recordings["secondary_labels"].explode().dropna()
    counts = secondary_codes[~secondary_codes.isin(classes.codes)].value_counts()
    found = [
        Fault(row["recording_id"], "unknown_label", f"label {row['primary_label']!r} is not in the taxonomy")
        for row in rows[~known].to_dict("records")
    ]
    found += [
        Fault("", "no_recordings", f"{code} ({taxonomy.at[code, 'scientific_name']})")
        for code in taxonomy.index.difference(codes)
    ]
    return Source(
        recordings,
        classes,
        {str(label): int(n) for label, n in counts.items()},
        list(soundscapes),
        fault_table([*found, *faults]),
        taken_as,
    )


class _Spelling:
    """A label as the taxonomy spells it, where one of its codes differs in nothing that counts."""

    def __init__(self, codes: Sequence[str]) -> None:
        self._codes = set(codes)
        by_key: dict[str, list[str]] = {}
        for code in codes:
            by_key.setdefault(name_key(code), []).append(code)
        self._by_key = {key: alike[0] for key, alike in by_key.items() if len(alike) == 1}

    def __call__(self, label: str) -> str:
        return label if label in self._codes else self._by_key.get(name_key(label), label)


def _common_form(rows: pd.DataFrame) -> pd.DataFrame:
    table = rows.copy()
    for name in COLUMNS:
        if name not in table:
            table[name] = ""
    for name in ("latitude", "longitude"):
        # What is no number was refused with column and row when the table was read.
        degrees = [parse_number(str(value)) for value in table[name]]
        table[name] = pd.Series(degrees, index=table.index, dtype="float64")
    by_name = [site_and_time(name) for name in table["recording_id"]]
    for position, name in enumerate(("site", "recorded_at")):
        of_name = pd.Series([one[position] for one in by_name], index=table.index, dtype=object)
        table[name] = table[name].where(table[name] != "", of_name)
    return table[list(COLUMNS)].sort_values("recording_id", ignore_index=True)


def notes(source: Source) -> list[str]:
    """What a source's tables and names leave open, one sentence each; none where nothing is."""
    recordings, sentences = source.recordings, []
    if source.unknown_secondary_labels:
        labels = listed([f"{label} ({n})" for label, n in source.unknown_secondary_labels.items()])
        sentences.append(f"secondary labels of which there is no recording, and so no output of a model: {labels}")
    elsewhere = "neither in a table nor by a recorder's name"
    for column, lack in (
        ("recorded_at", "no night slice holds them"),
        ("site", "no slice or group by site holds them"),
    ):
        without = recordings.loc[recordings[column] == "", "recording_id"]
        what = "time" if column == "recorded_at" else column
        sentences += _of_some(without, recordings, f"have no {what}, {elsewhere}", lack)
    is_instant = [
        _is_instant_alone(text, degrees)
        for text, degrees in zip(recordings["recorded_at"], recordings["longitude"], strict=True)
    ]
    sentences += _of_some(
        recordings.loc[is_instant, "recording_id"],
        recordings,
        "have a time in UTC and no coordinates, so that their local hour is not known",
        "no night slice holds them, unless evaluation.slices.time_zone names their zone",
    )
    return sentences


def _of_some(ids: pd.Series[str], recordings: pd.DataFrame, what: str, so: str) -> list[str]:
    return [f"{len(ids)} of {len(recordings)} recordings {what} (such as {ids.iloc[0]}): {so}"] if len(ids) else []


def _is_instant_alone(text: str, longitude: float) -> bool:
    try:
        return local_time(datetime.fromisoformat(text), longitude) is None
    except ValueError:
        return False  # no time, or one to the month


def soundscape_table(soundscapes: Sequence[str]) -> pd.DataFrame:
    """`path`, `site` and `recorded_at` of unlabelled recordings, as far as their names say them."""
    rows = [(uri, *site_and_time(uri)) for uri in sorted(soundscapes)]
    return pd.DataFrame(rows, columns=["path", "site", "recorded_at"], dtype=object)


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Keep any table as Parquet, whole or not at all.

    Raises:
        StorageError: The disk is full, or the place cannot be written to.
    """
    write_atomically(path, table.to_parquet(None, index=False))


def write_recordings(recordings: pd.DataFrame, path: Path, faults: pd.DataFrame | None = None) -> None:
    """Keep a table of recordings as Parquet; with it, in the file's metadata, the faults that are known already.

    Raises:
        StorageError: The disk is full, or the place cannot be written to.
    """
    table = pa.Table.from_pandas(recordings, preserve_index=False)
    if faults is not None:
        rows = json.dumps(faults[["recording_id", "kind", "detail"]].to_numpy().tolist())
        table = table.replace_schema_metadata({**table.schema.metadata, _FAULTS: rows.encode()})
    content = io.BytesIO()
    pq.write_table(table, content)
    write_atomically(path, content.getvalue())


def read_recordings(path: Path) -> pd.DataFrame:
    """The inverse of `write_recordings`."""
    recordings = read_frame(path)
    recordings["secondary_labels"] = [list(labels) for labels in recordings["secondary_labels"]]
    return recordings


def read_known_faults(path: Path) -> pd.DataFrame:
    """The faults that were kept with a table of recordings; none where there are none."""
    metadata = pq.read_schema(path).metadata or {}
    return fault_table(Fault(*row) for row in json.loads(metadata.get(_FAULTS, b"[]")))


def write_class_list(classes: ClassList, path: Path) -> None:
    """Keep a class list as JSON."""
    write_atomically(path, classes.model_dump_json(indent=1))


def read_class_list(path: Path) -> ClassList:
    """The inverse of `write_class_list`."""
    return ClassList.model_validate_json(path.read_text(encoding="utf-8"))


def data_fingerprint(recordings: pd.DataFrame) -> str:
    """Identity of a data set: which recordings, with which bytes, under which labels.

    Args:
        recordings: Validated recordings (with `sha256`), in any order.
    """
    rows = sorted(
        (row["recording_id"], row["sha256"], row["primary_label"], sorted(row["secondary_labels"]))
        for row in recordings.to_dict("records")
    )
    return hashlib.sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest()
