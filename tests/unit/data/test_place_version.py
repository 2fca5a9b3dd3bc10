import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from silencio.data.place_version import named_files, place_version
from silencio.errors import StorageError
from silencio.storage import join, write_bytes
from tests.disks import close_folder
from tests.s3 import S3Server


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    folder = tmp_path / "recordings"
    (folder / "deep").mkdir(parents=True)
    (folder / "train.csv").write_text("a table")
    (folder / "deep" / "a.ogg").write_bytes(b"sound")
    os.utime(folder / "deep" / "a.ogg", (1, 1))
    return folder


CHANGES: dict[str, Callable[[Path], object]] = {
    "added": lambda folder: (folder / "deep" / "b.ogg").touch(),
    "removed": lambda folder: (folder / "deep" / "a.ogg").unlink(),
    "renamed": lambda folder: (folder / "deep" / "a.ogg").rename(folder / "deep" / "c.ogg"),
    "touched": lambda folder: os.utime(folder / "deep" / "a.ogg", (2, 2)),
    "grown": lambda folder: (
        (folder / "deep" / "a.ogg").write_bytes(b"more"),
        os.utime(folder / "deep" / "a.ogg", (1, 1)),
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_folder__has_another_version_when_a_file_was_changed(change: str, recordings: Path) -> None:
    before = place_version(str(recordings))
    assert place_version(str(recordings)) == before != ""
    CHANGES[change](recordings)
    assert place_version(str(recordings)) != before


def test_folder__s_version_does_not_count_the_run_s_own_files(recordings: Path) -> None:
    out = recordings / "out"
    before = place_version(str(recordings), apart_from=out)
    out.mkdir()
    (out / "run.log").touch()
    assert place_version(str(recordings), apart_from=out) == before
    assert place_version(str(recordings)) != before


def test_folder__has_a_version_beside_a_disk_s_own_folder_that_may_not_be_listed(
    recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    close_folder(recordings / "lost+found", monkeypatch)
    before = place_version(str(recordings))
    assert place_version(str(recordings)) == before != ""
    (recordings / "deep" / "b.ogg").touch()
    assert place_version(str(recordings)) != before


def test_folder__of_recordings_that_was_closed_has_another_version(
    recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (recordings / "empty").mkdir()
    before = place_version(str(recordings))
    close_folder(recordings / "empty", monkeypatch)
    assert place_version(str(recordings)) != before


def test_folder__that_is_closed_itself_is_one_sentence(recordings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    close_folder(recordings, monkeypatch)
    with pytest.raises(StorageError, match="recordings cannot be listed: Permission denied"):
        place_version(str(recordings))


BY_PRODUCTS = (
    ".DS_Store",
    "._train.csv",
    "Thumbs.db",
    "@eaDir/a.ogg@SynoEAStream",
    ".~lock.train.csv#",
    "#recycle/b.ogg",
)


@pytest.mark.parametrize("name", BY_PRODUCTS)
def test_folder__has_the_same_version_when_somebody_only_looked_at_it(name: str, recordings: Path) -> None:
    before = place_version(str(recordings))
    for folder in (recordings, recordings / "deep"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"left there")
    assert place_version(str(recordings)) == before


@pytest.mark.parametrize("form", ["{}", "{}/", "{}//", "{}/deep/.."])
@pytest.mark.parametrize("above", [".hidden", "lost+found"])
def test_folder__that_is_named_counts_whatever_the_folders_above_are_called(
    form: str, above: str, recordings: Path, tmp_path: Path
) -> None:
    (tmp_path / above).mkdir()
    folder = recordings.rename(tmp_path / above / "recordings")
    place = form.format(folder).replace(f"/{above}/", f"//{above}/")
    before = place_version(place)
    (folder / "deep" / "b.ogg").touch()
    assert place_version(place) != before


def test_prefix__counts_what_is_read_and_not_what_looking_left(s3: S3Server) -> None:
    place = join(s3.new_place(), ".hidden")
    write_bytes(join(place, "a.ogg"), b"sound")
    versions = {place_version(form) for form in (place, f"{place}/")}
    for name in BY_PRODUCTS:
        write_bytes(join(place, name), b"left there")
    assert {place_version(form) for form in (place, f"{place}/")} == versions and len(versions) == 1
    write_bytes(join(place, "b.ogg"), b"sound")
    assert place_version(place) not in versions


def test_zip__has_another_version_when_it_was_written_again(recordings: Path, tmp_path: Path) -> None:
    path = tmp_path / "recordings.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(recordings / "train.csv", "train.csv")
    before = place_version(str(path))
    os.utime(path, (1, 1))
    assert place_version(str(path)) != before


@pytest.mark.parametrize("absolute", [True, False])
def test_manifest__has_another_version_when_a_file_that_it_names_was_changed(
    absolute: bool, recordings: Path, tmp_path: Path
) -> None:
    audio = recordings / "deep" / "a.ogg"
    manifest = tmp_path / "manifest.csv"
    manifest.write_text(f"path,primary_label\n{audio if absolute else audio.relative_to(tmp_path)},frog\n")
    before = place_version(str(manifest))
    (recordings / "train.csv").touch()
    assert place_version(str(manifest)) == before
    audio.write_bytes(b"other sound")
    changed = place_version(str(manifest))
    assert changed != before
    manifest.write_text(manifest.read_text().replace("frog", "toad"))
    assert place_version(str(manifest)) not in (before, changed)


def test_other_table__has_a_version_too(tmp_path: Path) -> None:
    path = tmp_path / "ledger.parquet"
    path.write_bytes(b"no manifest")
    before = place_version(str(path))
    path.write_bytes(b"other")
    assert place_version(str(path)) != before != ""


@pytest.mark.parametrize(
    "text", ["", "raw_cnn", "demo", "/nowhere/at/all", "heads: {}\nseed: 1", "/" + "x" * 500, "/" + "x" * 5000, "/\0"]
)
def test_text__that_names_no_place_has_no_version(text: str) -> None:
    assert place_version(text) == ""


def test_text__that_cannot_be_looked_at_names_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object, **_: object) -> os.stat_result:
        raise PermissionError(13, "Permission denied", str(path))

    # As below a folder that may not be entered.
    monkeypatch.setattr(os, "stat", refuse)
    assert place_version("/private/recordings") == ""
    assert named_files({"weights": "/private/weights.pth"}) == []
