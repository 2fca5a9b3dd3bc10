"""A table that says where each recording is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from silencio.data.manifest import read_manifest
from silencio.data.recordings import COLUMNS
from silencio.data.validate import validate_recordings
from silencio.errors import SchemaError
from silencio.storage import join, write_bytes
from tests.s3 import S3Server


def _write(folder: Path, text: str) -> str:
    (folder / "mine.csv").write_text(text)
    return str(folder / "mine.csv")


COLUMNS_OF_TABLE = (
    "path,primary_label,secondary_labels,author,site,recorded_at,latitude,longitude,license,url,"
    "scientific_name,common_name,class_name"
)
FROG = (
    "a.ogg,0126247,\"['grekis', 'other']\",me,ridge,2023-04-20T07:40:00,4.5,-75.5,cc0,https://x,"
    "Leptodactylus insularum,Foam-nest Frog,Amphibia"
)
BIRD = "sub/H02_20230420_074000.ogg,grekis,[],,,,,,,,Pitangus sulphuratus,,"
FULL = f"{COLUMNS_OF_TABLE}\n{FROG}\n{BIRD}\n"


def test_manifest__of_every_column(tmp_path: Path) -> None:
    source = read_manifest(_write(tmp_path, FULL))
    assert tuple(source.recordings.columns) == COLUMNS
    first, second = source.recordings.to_dict("records")
    assert first == {
        "recording_id": "a.ogg",
        "path": str(tmp_path / "a.ogg"),
        "primary_label": "0126247",
        "secondary_labels": ["grekis", "other"],
        "author": "me",
        "latitude": 4.5,
        "longitude": -75.5,
        "license": "cc0",
        "url": "https://x",
        "site": "ridge",
        "recorded_at": "2023-04-20T07:40:00",
    }
    assert (second["site"], second["recorded_at"]) == ("H02", "2023-04-20T07:40:00")
    assert source.unknown_secondary_labels == {"other": 1}


def test_manifest__names_that_are_not_given_are_the_label(tmp_path: Path) -> None:
    frog, bird = read_manifest(_write(tmp_path, FULL)).classes
    assert (frog.code, frog.common_name, frog.class_name) == ("0126247", "Foam-nest Frog", "Amphibia")
    assert (bird.scientific_name, bird.common_name, bird.class_name) == ("Pitangus sulphuratus", "grekis", "unknown")


def test_manifest__path_and_label_are_enough(tmp_path: Path) -> None:
    source = read_manifest(_write(tmp_path, "path,primary_label\nb.ogg,frog\na.ogg,frog\n"))
    assert list(source.recordings["recording_id"]) == ["a.ogg", "b.ogg"]
    assert source.recordings["latitude"].isna().all()


def test_manifest__as_parquet_is_the_same_source(tmp_path: Path) -> None:
    expected = read_manifest(_write(tmp_path, FULL))
    table = pd.read_csv(tmp_path / "mine.csv", dtype=str, na_filter=False)
    table["secondary_labels"] = [["grekis", "other"], []]
    table["latitude"] = [4.5, np.nan]
    table["longitude"] = [-75.5, np.nan]
    table["recorded_at"] = pd.to_datetime(["2023-04-20T07:40:00", None])
    table["author"] = ["me", None]
    table.to_parquet(tmp_path / "mine.parquet")
    found = read_manifest(str(tmp_path / "mine.parquet"))
    pd.testing.assert_frame_equal(found.recordings, expected.recordings)
    assert found.classes == expected.classes


@pytest.mark.parametrize(
    ("path", "place", "recording_id"),
    [
        ("sub/a.ogg", "{folder}/sub/a.ogg", "sub/a.ogg"),
        ("/data/sub/a.ogg", "/data/sub/a.ogg", "data/sub/a.ogg"),
        ("s3://bucket/sub/a.ogg", "s3://bucket/sub/a.ogg", "bucket/sub/a.ogg"),
        ("../other/a.ogg", "{folder}/../other/a.ogg", "other/a.ogg"),
        ("./a.ogg", "{folder}/./a.ogg", "a.ogg"),
    ],
)
def test_path__is_relative_absolute_or_an_object_and_never_leads_an_id_out(
    tmp_path: Path, path: str, place: str, recording_id: str
) -> None:
    rows = read_manifest(_write(tmp_path, f"path,primary_label\n{path},frog\n")).recordings
    assert (rows["path"][0], rows["recording_id"][0]) == (place.format(folder=tmp_path), recording_id)


def test_manifest__in_s3_is_relative_to_itself(s3: S3Server, encode) -> None:
    place = s3.new_place()
    sound = encode(np.random.default_rng(0).standard_normal(32000).astype(np.float32) / 10, 32000, "OGG")
    write_bytes(join(place, "audio/a.ogg"), sound)
    write_bytes(join(place, "mine.csv"), f"path,primary_label\naudio/a.ogg,frog\n{place}/audio/b.ogg,frog\n".encode())
    source = read_manifest(join(place, "mine.csv"))
    outcome = validate_recordings(source.recordings)
    assert list(outcome.usable["path"]) == [join(place, "audio/a.ogg")]
    assert list(outcome.left_out["reason"]) == ["the file is missing"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("primary_label\nfrog\n", "column 'path' is missing; it has primary_label"),
        ("path,label\na.ogg,frog\n", "column 'primary_label' is missing; it has path, label"),
        ("path,primary_label\na.ogg,frog\nb.ogg,\n", "column 'primary_label', row 3: '' must not be empty"),
        ("path,primary_label\na.ogg,frog\na.ogg,bird\n", "column 'path', row 2: 'a.ogg' must be unique"),
        ("path,primary_label\na.ogg,frog\n./a.ogg,bird\n", "column 'path', row 3: './a.ogg' is listed before"),
        ("path,primary_label,latitude\na.ogg,frog,north\n", "column 'latitude', row 2: 'north' must be a number"),
        ("path,primary_label,latitude\na.ogg,frog,nan\n", "column 'latitude', row 2: 'nan' must be a number"),
        (
            "path,primary_label,recorded_at\na.ogg,frog,20/4/2023\n",
            "column 'recorded_at', row 2: '20/4/2023' must be a time such as 2023-04-20T07:40:00",
        ),
        (
            "path,primary_label,secondary_labels\na.ogg,frog,bird dog\n",
            r"column 'secondary_labels', row 2: 'bird dog' must be a list literal",
        ),
        (
            "path,primary_label,class_name\na.ogg,frog,Amphibia\nb.ogg,frog,Aves\n",
            "column 'class_name', row 3: 'Aves', but 'frog' is 'Amphibia' in a row before",
        ),
        ("path,primary_label\n", "lists no recordings"),
        ("", "is not a CSV table: it is empty"),
        ("path,path,primary_label\na,b,c\n", "column 'path' is there twice"),
    ],
)
def test_manifest__a_fault_is_named_with_column_and_row(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SchemaError, match=message) as caught:
        read_manifest(_write(tmp_path, text))
    assert str(caught.value).startswith(f"{tmp_path / 'mine.csv'}")
    assert "\n" not in str(caught.value).strip()


def test_manifest__labels_that_are_numbers_in_parquet_are_refused(tmp_path: Path) -> None:
    # 0126247 would have lost its zero before anyone could see it.
    table = pd.DataFrame({"path": ["a.ogg"], "primary_label": [126247]})
    table.to_parquet(tmp_path / "mine.parquet")
    with pytest.raises(SchemaError, match=r"mine\.parquet: column 'primary_label' holds int64 and must hold texts"):
        read_manifest(str(tmp_path / "mine.parquet"))


def test_manifest__that_is_no_parquet(tmp_path: Path) -> None:
    (tmp_path / "mine.parquet").write_bytes(b"path,primary_label\n")
    with pytest.raises(SchemaError, match=r"mine\.parquet is not a Parquet table"):
        read_manifest(str(tmp_path / "mine.parquet"))


def test_manifest__is_read_as_spreadsheets_save_it_and_finds_other_forms(tmp_path: Path) -> None:
    (tmp_path / "frog").mkdir()
    (tmp_path / "frog" / "A.OGG").write_bytes(b"")
    text = (
        "path;primary_label;latitude;longitude;recorded_at;\r\nfrog\\a.ogg;frog;4,71;-74,07;2023-04-20T22:40:00Z;\r\n"
    )
    source = read_manifest(_write(tmp_path, text))
    (row,) = source.recordings.to_dict("records")
    assert (row["latitude"], row["longitude"], row["recorded_at"]) == (4.71, -74.07, "2023-04-20T22:40:00Z")
    assert (row["recording_id"], Path(row["path"])) == ("frog/a.ogg", tmp_path / "frog" / "A.OGG")
    assert list(source.faults["kind"]) == ["other_form"]


def test_manifest__a_place_outside_the_globe_is_named(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="column 'latitude', row 2: '999' must be a number of degrees from -90 to 90"):
        read_manifest(_write(tmp_path, "path,primary_label,latitude,longitude\na.ogg,frog,999,0\n"))
