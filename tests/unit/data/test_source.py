"""`--data`: what it is taken for, and that every form gives the same source."""

from __future__ import annotations

import shutil
import unicodedata
import zipfile
from pathlib import Path

import pandas as pd
import pytest

import silencio.demo
from silencio.data.birdclef import Source
from silencio.data.recordings import COLUMNS, data_fingerprint
from silencio.data.source import absolute, open_source
from silencio.data.validate import ValidatedRecordings, validate_recordings
from silencio.errors import SchemaError, SourceError, StorageError
from silencio.storage import is_local, join, write_bytes
from tests.disks import close_folder
from tests.s3 import S3Server
from tests.unit.data.conftest import LayOut, zipped


def _same_but_for_places(one: Source, other: Source) -> None:
    columns = [name for name in COLUMNS if name != "path"]
    pd.testing.assert_frame_equal(one.recordings[columns], other.recordings[columns])
    assert one.classes == other.classes
    pd.testing.assert_frame_equal(one.faults, other.faults)


# BirdCLEF's layout


def test_birdclef__from_any_place_is_the_same_source(source: Source, birdclef_folder: Path, laid_out: LayOut) -> None:
    data = laid_out(birdclef_folder)
    found = open_source(data)
    _same_but_for_places(found, source)
    assert "BirdCLEF's layout in " in found.taken_as


def test_birdclef__from_any_place_validates_to_the_same_data(
    validated: ValidatedRecordings, birdclef_folder: Path, laid_out: LayOut
) -> None:
    found = open_source(laid_out(birdclef_folder))
    outcome = validate_recordings(found.recordings)
    assert data_fingerprint(outcome.usable) == data_fingerprint(validated.usable)


def test_birdclef__soundscapes_are_found_in_any_place(own_folder: Path, laid_out: LayOut) -> None:
    (own_folder / "train_soundscapes").mkdir()
    (own_folder / "train_soundscapes" / "H02_20230420_074000.ogg").write_bytes(b"x")
    (own_folder / "recording_location.txt").write_text("El Silencio")
    found = open_source(laid_out(own_folder))
    assert len(found.soundscapes) == 1
    assert found.soundscapes[0].endswith("/train_soundscapes/H02_20230420_074000.ogg")


def test_birdclef__one_recording_that_is_gone_is_left_out_in_any_place(own_folder: Path, laid_out: LayOut) -> None:
    (own_folder / "train_audio/grekis/XC1.ogg").unlink()
    outcome = validate_recordings(open_source(laid_out(own_folder)).recordings)
    assert outcome.left_out.to_dict("records") == [{"recording_id": "grekis/XC1.ogg", "reason": "the file is missing"}]


def test_birdclef__a_broken_table_is_named_in_any_place(own_folder: Path, laid_out: LayOut) -> None:
    (own_folder / "train.csv").write_text("primary_label,secondary_labels,filename\ngrekis,[oops,grekis/XC0.ogg\n")
    with pytest.raises(SchemaError, match=r"train\.csv: column 'secondary_labels', row 2: '\[oops'"):
        open_source(laid_out(own_folder))


def test_birdclef__without_its_table_is_no_folder_of_classes(own_folder: Path, laid_out: LayOut) -> None:
    (own_folder / "train.csv").unlink()
    with pytest.raises(SchemaError, match=r"train\.csv does not exist: a folder in BirdCLEF's layout holds train\.csv"):
        open_source(laid_out(own_folder))


def test_birdclef__half_of_kaggles_download(birdclef_folder: Path, tmp_path: Path) -> None:
    path = zipped(birdclef_folder, tmp_path / "birdclef-2025.zip")
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(StorageError, match="cannot be read as a zip .*: download it again"):
        open_source(str(path))


# Folders of classes


def test_class_folders__give_the_recordings_of_the_layout(
    source: Source, birdclef_folder: Path, tmp_path: Path, laid_out: LayOut
) -> None:
    shutil.copytree(birdclef_folder / "train_audio", tmp_path / "classes")
    shutil.copy(birdclef_folder / "taxonomy.csv", tmp_path / "classes")
    found = open_source(laid_out(tmp_path / "classes"))
    columns = ["recording_id", "primary_label"]
    pd.testing.assert_frame_equal(found.recordings[columns], source.recordings[columns])
    assert found.classes == source.classes
    assert found.taken_as.startswith("one folder a class in ")


def test_class_folders__without_a_taxonomy_a_class_is_its_own_name(tmp_path: Path) -> None:
    for name in ("Great Kiskadee/a.wav", "frogs/b/c.MP3", "frogs/notes.txt", "frogs/.hidden.ogg", "loose.ogg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found = open_source(str(tmp_path))
    rows = found.recordings[["recording_id", "primary_label"]].to_numpy().tolist()
    assert rows == [["Great Kiskadee/a.wav", "Great Kiskadee"], ["frogs/b/c.MP3", "frogs"]]
    kiskadee = found.classes[0]
    assert (kiskadee.scientific_name, kiskadee.common_name, kiskadee.class_name) == (
        "Great Kiskadee",
        "Great Kiskadee",
        "unknown",
    )
    assert list(found.recordings["secondary_labels"]) == [[], []]
    # What was not taken is said.
    assert found.taken_as.endswith(" (not taken: 1 recordings in no folder, 2 other files)")
    shutil.rmtree(tmp_path)
    (tmp_path / "frogs").mkdir(parents=True)
    (tmp_path / "frogs" / "a.wav").write_bytes(b"x")
    assert open_source(str(tmp_path)).taken_as == f"one folder a class in {tmp_path}"


def test_class_folders__soundscapes_are_no_class(tmp_path: Path) -> None:
    for name in ("frogs/a.wav", "train_soundscapes/H02_20230420_074000.ogg"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(b"x")
    found = open_source(str(tmp_path))
    assert found.classes.codes == ("frogs",)
    assert len(found.soundscapes) == 1


def test_class_folders__one_that_the_taxonomy_does_not_have_is_left_out(birdclef_folder: Path, tmp_path: Path) -> None:
    shutil.copy(birdclef_folder / "taxonomy.csv", tmp_path)
    for name in ("grekis/a.wav", "gerkis/b.wav"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"x")
    found = open_source(str(tmp_path))
    assert list(found.recordings["recording_id"]) == ["grekis/a.wav"]
    assert found.faults["detail"][0] == "label 'gerkis' is not in the taxonomy"


# Which of them


def test_open_source__a_manifest_by_its_suffix(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("path,primary_label\na.ogg,frog\n")
    assert open_source(str(tmp_path / "mine.csv")).taken_as == f"the manifest {tmp_path / 'mine.csv'}"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere", "nowhere is not a folder"),
        ("nowhere.zip", "nowhere.zip is not a folder"),
        ("nowhere.csv", "nowhere.csv is not a file"),
        ("nowhere.parquet", "nowhere.parquet is not a file"),
        ("empty", "empty is no source of recordings: nothing lies there; --data takes"),
        ("texts", "texts is no source of recordings: .* holds no folder with recordings in it"),
        ("loose", "loose is no source of recordings: .* and 1 recordings in no folder"),
        ("layout/train.csv", "train.csv is a table of BirdCLEF's layout: name the folder that it is in"),
        ("notes.txt", "notes.txt is not a folder"),
    ],
)
def test_open_source__what_is_none_lists_what_is_allowed(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts" / "more").mkdir(parents=True)
    (tmp_path / "texts" / "more" / "notes.txt").write_text("")
    (tmp_path / "loose").mkdir()
    (tmp_path / "loose" / "a.ogg").write_bytes(b"x")
    (tmp_path / "layout").mkdir()
    (tmp_path / "layout" / "train.csv").write_text("")
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(SourceError, match=message) as caught:
        open_source(str(tmp_path / name))
    for form in (
        "BirdCLEF's layout",
        "s3://bucket/prefix",
        "birdclef-2025.zip",
        "one folder a class",
        "file_names.yaml",
        "manifest",
        "demo",
        "instruments",
    ):
        assert form in str(caught.value)


def test_open_source__an_s3_prefix_without_anything(s3: S3Server) -> None:
    with pytest.raises(SourceError, match="is no source of recordings: nothing lies there; --data takes"):
        open_source(s3.new_place())


def test_open_source__a_zip_in_s3_is_refused(s3: S3Server) -> None:
    place = join(s3.new_place(), "birdclef-2025.zip")
    write_bytes(place, b"PK")
    with pytest.raises(SourceError, match="a zip is read from a disk, not from S3"):
        open_source(place)


def test_open_source__demo_is_fetched(monkeypatch: pytest.MonkeyPatch, birdclef_folder: Path, source: Source) -> None:
    fetched: list[Path] = []

    def fetch(directory: Path) -> Path:
        fetched.append(directory)
        return directory

    monkeypatch.setattr(silencio.demo, "default_demo_directory", lambda: birdclef_folder)
    monkeypatch.setattr(silencio.demo, "fetch_demo", fetch)
    pd.testing.assert_frame_equal(open_source("demo").recordings, source.recordings)
    assert fetched == [birdclef_folder]


def test_open_source__a_folder_named_demo_is_reached_by_its_path(
    monkeypatch: pytest.MonkeyPatch, birdclef_folder: Path, tmp_path: Path, source: Source
) -> None:
    monkeypatch.setattr(silencio.demo, "fetch_demo", lambda _: pytest.fail("nothing is to be fetched"))
    shutil.copytree(birdclef_folder, tmp_path / "demo")
    monkeypatch.chdir(tmp_path)
    _same_but_for_places(open_source("./demo"), source)


def test_absolute__names_the_same_source_from_anywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute("reserve") == str(tmp_path / "reserve")
    assert absolute("demo") == "demo"
    assert absolute("s3://bucket/prefix") == "s3://bucket/prefix"
    assert not is_local("s3://bucket/prefix")


# As cards and tools of other systems leave it


@pytest.mark.parametrize(
    "folder", ["$RECYCLE.BIN", "System Volume Information", "@eaDir", "#recycle", "lost+found", ".Trashes"]
)
def test_class_folders__those_of_an_operating_system_are_no_class(
    tmp_path: Path, laid_out: LayOut, folder: str
) -> None:
    for name in ("frog/a.ogg", "frog/@eaDir/a.ogg", "owl/b.opus", f"{folder}/S-1-5-21/c.wav", f"{folder}/d.ogg"):
        path = tmp_path / "card" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    found = open_source(laid_out(tmp_path / "card"))
    assert found.classes.codes == ("frog", "owl")
    assert list(found.recordings["recording_id"]) == ["frog/a.ogg", "owl/b.opus"]


@pytest.mark.parametrize("folder", ["lost+found", "frog/@eaDir", ".Trashes"])
def test_class_folders__beside_a_system_s_folder_that_may_not_be_listed(
    tmp_path: Path, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "frog").mkdir()
    (tmp_path / "frog" / "a.ogg").write_bytes(b"")
    close_folder(tmp_path / folder, monkeypatch)
    assert list(open_source(str(tmp_path)).recordings["recording_id"]) == ["frog/a.ogg"]


def test_class_folders__one_that_may_not_be_listed_is_named_and_never_left_out_unnoticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "frog").mkdir()
    (tmp_path / "frog" / "a.ogg").write_bytes(b"")
    close_folder(tmp_path / "owl", monkeypatch)
    with pytest.raises(StorageError, match="owl cannot be listed: Permission denied"):
        open_source(str(tmp_path))


def test_birdclef__soundscapes_on_a_disk_of_their_own(own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    close_folder(own_folder / "train_soundscapes" / "lost+found", monkeypatch)
    (own_folder / "train_soundscapes" / "H02_20230420_074000.ogg").write_bytes(b"x")
    assert len(open_source(str(own_folder)).soundscapes) == 1


def test_zip__beside_whose_only_folder_a_system_left_a_file_is_read_as_that_folder(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("birds/frog/a.ogg", "birds/owl/b.ogg", "Thumbs.db"):
            archive.writestr(name, b"")
    assert open_source(str(tmp_path / "a.zip")).classes.codes == ("frog", "owl")


def test_class_folders__whose_accents_are_written_otherwise_are_one_class(tmp_path: Path) -> None:
    for form, name in (("NFC", "a.ogg"), ("NFD", "b.ogg")):
        path = tmp_path / unicodedata.normalize(form, "Ñandú") / name
        path.parent.mkdir()
        path.write_bytes(b"")
    found = open_source(str(tmp_path))
    assert found.classes.codes == (unicodedata.normalize("NFC", "Ñandú"),)
    assert all(Path(path).is_file() for path in found.recordings["path"])


def test_class_folders__in_a_zip_with_backslashes(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(r"frog\a.ogg", b"")
        archive.writestr(r"$RECYCLE.BIN\b.ogg", b"")
    found = open_source(str(tmp_path / "a.zip"))
    assert list(found.recordings["recording_id"]) == ["frog/a.ogg"]
    assert found.classes.codes == ("frog",)


def test_birdclef__in_a_zip_of_an_old_tool_of_windows(birdclef_folder: Path, tmp_path: Path) -> None:
    table = (birdclef_folder / "train.csv").read_text().replace("grekis/XC0.ogg", "grekis/pájaro.ogg")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for file in sorted(birdclef_folder.rglob("*.*")):
            name = (
                str(file.relative_to(birdclef_folder))
                .replace("/", "\\")
                .replace(r"grekis\XC0.ogg", r"grekis\p_jaro.ogg")
            )
            archive.writestr(zipfile.ZipInfo(name), table if file.name == "train.csv" else file.read_bytes())
    content = (tmp_path / "a.zip").read_bytes()
    # Windows-1252, and no word about it.
    (tmp_path / "a.zip").write_bytes(content.replace(b"p_jaro.ogg", b"p\xe1jaro.ogg"))
    found = open_source(str(tmp_path / "a.zip"))
    outcome = validate_recordings(found.recordings)
    assert outcome.left_out.empty
    assert "grekis/pájaro.ogg" in set(outcome.usable["recording_id"])


def test_zip__with_a_bin_beside_the_folder_is_the_folder(birdclef_folder: Path, tmp_path: Path) -> None:
    path = zipped(birdclef_folder, tmp_path / "card.zip", "data")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("$RECYCLE.BIN/a.ogg", b"")
    assert open_source(str(path)).taken_as.endswith("!/data")
