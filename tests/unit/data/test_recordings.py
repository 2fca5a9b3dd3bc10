"""The table of recordings on disk, and the identity of a data set."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from silencio.data.birdclef import Source
from silencio.data.recordings import (
    data_fingerprint,
    read_class_list,
    read_known_faults,
    read_recordings,
    write_class_list,
    write_recordings,
    write_table,
)
from silencio.data.validate import ValidatedRecordings
from silencio.errors import StorageError


def test_recordings__survive_the_disk(source: Source, tmp_path: Path) -> None:
    write_recordings(source.recordings, tmp_path / "recordings.parquet")
    pd.testing.assert_frame_equal(read_recordings(tmp_path / "recordings.parquet"), source.recordings)


def test_recordings__labels_are_texts_and_lists_of_texts_again(source: Source, tmp_path: Path) -> None:
    write_recordings(source.recordings, tmp_path / "recordings.parquet")
    read = read_recordings(tmp_path / "recordings.parquet").set_index("recording_id")
    assert read.loc["0126247/XC1.ogg", "primary_label"] == "0126247"
    assert read.loc["grekis/XC0.ogg", "secondary_labels"] == ["1139490", "bobfly1"]
    assert all(type(labels) is list for labels in read["secondary_labels"])


def test_recordings__without_any_secondary_label_survive_too(source: Source, tmp_path: Path) -> None:
    none = source.recordings[source.recordings["secondary_labels"].map(len) == 0]
    write_recordings(none, tmp_path / "recordings.parquet")
    assert list(read_recordings(tmp_path / "recordings.parquet")["secondary_labels"]) == [[]] * len(none)


def test_class_list__survives_the_disk(source: Source, tmp_path: Path) -> None:
    write_class_list(source.classes, tmp_path / "classes.json")
    read = read_class_list(tmp_path / "classes.json")
    assert read == source.classes
    assert read.sha256 == source.classes.sha256


def test_class_list__names_in_any_script_survive_the_disk(source: Source, tmp_path: Path) -> None:
    named = source.classes[0].model_copy(update={"common_name": "Señorita ñandú 鳥"})
    classes = type(source.classes).of([named, *source.classes.species[1:]])
    write_class_list(classes, tmp_path / "classes.json")
    assert read_class_list(tmp_path / "classes.json") == classes


def test_known_faults__travel_with_the_recordings(source: Source, tmp_path: Path) -> None:
    write_recordings(source.recordings, tmp_path / "recordings.parquet", source.faults)
    pd.testing.assert_frame_equal(read_known_faults(tmp_path / "recordings.parquet"), source.faults)
    pd.testing.assert_frame_equal(read_recordings(tmp_path / "recordings.parquet"), source.recordings)


def test_known_faults__of_a_table_without_any(source: Source, tmp_path: Path) -> None:
    write_recordings(source.recordings, tmp_path / "recordings.parquet")
    assert read_known_faults(tmp_path / "recordings.parquet").empty


def test_tables__onto_a_full_disk_leave_what_was_there(source: Source, small_disk: Path) -> None:
    path = small_disk / "recordings.parquet"
    write_recordings(source.recordings, path)
    before = path.read_bytes()
    (small_disk / "filler").write_bytes(bytes(256 * 1024 - len(before) - 8192))
    many = pd.concat([source.recordings] * 60, ignore_index=True)
    many["author"] = [hashlib.sha256(str(row).encode()).hexdigest() for row in range(len(many))]
    for write in (write_recordings, write_table):
        with pytest.raises(StorageError, match=f"no space left on {small_disk} while writing {path}"):
            write(many, path)
    assert path.read_bytes() == before
    assert sorted(one.name for one in small_disk.iterdir()) == ["filler", "recordings.parquet"]


# The fingerprint


def test_data_fingerprint__is_the_same_in_any_order_and_after_the_disk(
    validated: ValidatedRecordings, tmp_path: Path
) -> None:
    fingerprint = data_fingerprint(validated.usable)
    assert data_fingerprint(validated.usable.sample(frac=1.0, random_state=1)) == fingerprint
    write_recordings(validated.usable, tmp_path / "usable.parquet")
    assert data_fingerprint(read_recordings(tmp_path / "usable.parquet")) == fingerprint


@pytest.mark.parametrize(
    ("column", "value"), [("path", "/elsewhere/1.ogg"), ("author", "another"), ("latitude", 1.0), ("url", "another")]
)
def test_data_fingerprint__where_the_files_are_means_nothing(
    validated: ValidatedRecordings, column: str, value: Any
) -> None:
    assert data_fingerprint(validated.usable.assign(**{column: value})) == data_fingerprint(validated.usable)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("recording_id", "another.ogg"),
        ("sha256", "0" * 64),
        ("primary_label", "41970"),
        ("secondary_labels", ["41970"]),
    ],
)
def test_data_fingerprint__changes_with_ids_bytes_and_labels(
    validated: ValidatedRecordings, column: str, value: Any
) -> None:
    changed = validated.usable.copy()
    changed.at[3, column] = value
    assert data_fingerprint(changed) != data_fingerprint(validated.usable)


def test_data_fingerprint__changes_when_a_recording_goes(validated: ValidatedRecordings) -> None:
    assert data_fingerprint(validated.usable.iloc[1:]) != data_fingerprint(validated.usable)


def test_data_fingerprint__the_order_of_secondary_labels_means_nothing(validated: ValidatedRecordings) -> None:
    turned = validated.usable.assign(secondary_labels=[labels[::-1] for labels in validated.usable["secondary_labels"]])
    assert data_fingerprint(turned) == data_fingerprint(validated.usable)
