"""The same functions on a folder, on a real S3 and inside a zip."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from silencio.errors import StorageError
from silencio.storage import (
    as_local_file,
    concerns_one_file,
    download_folder,
    exists,
    is_missing,
    join,
    list_folders,
    list_objects,
    read_bytes,
    upload_folder,
    write_bytes,
    zip_files,
    zip_root,
)
from tests.disks import disk_of
from tests.s3 import S3Server
from tests.unit.storage.conftest import FILES


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", FILES)
def test_read_bytes__gives_what_was_written(place: str, name: str) -> None:
    assert read_bytes(join(place, name)) == FILES[name]


@pytest.mark.parametrize("name", ["b.bin", "deep", "a.tx", "a.txt2", "nowhere/a.txt"])
def test_read_bytes__what_is_not_there_is_told_from_a_place_that_is_not(place: str, name: str) -> None:
    with pytest.raises(StorageError) as caught:
        read_bytes(join(place, name))
    assert concerns_one_file(caught.value)
    # A folder is there, and no file; S3 and zip know no folders.
    assert is_missing(caught.value) or name == "deep"


def test_list_objects__every_file_at_any_depth_with_its_size(place: str) -> None:
    found = list_objects(place)
    assert {one.uri: one.size_bytes for one in found} == {join(place, name): len(FILES[name]) for name in FILES}
    assert [one.uri for one in found] == sorted(one.uri for one in found)


def test_list_objects__of_a_folder_inside(place: str) -> None:
    assert [one.uri for one in list_objects(join(place, "deep"))] == [
        join(place, "deep/empty"),
        join(place, "deep/er/b.bin"),
    ]


def test_list_objects__what_is_listed_can_be_read(place: str) -> None:
    assert sorted(read_bytes(one.uri) for one in list_objects(place)) == sorted(FILES.values())


def test_list_objects__a_name_that_begins_alike_is_not_below(s3: S3Server) -> None:
    root = s3.new_place()
    for name in ("train/a", "train_audio/b", "train.csv"):
        write_bytes(join(root, name), b"x")
    assert [one.uri for one in list_objects(join(root, "train"))] == [join(root, "train/a")]


def test_list_objects__other_content_has_another_version(s3: S3Server) -> None:
    uri = join(s3.new_place(), "a")
    write_bytes(uri, b"one")
    before = list_objects(uri.rsplit("/", 1)[0])
    write_bytes(uri, b"two")
    after = list_objects(uri.rsplit("/", 1)[0])
    assert before[0].uri == after[0].uri
    assert before[0].version != after[0].version


def test_list_objects__of_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="nowhere cannot be listed: No such file") as caught:
        list_objects(tmp_path / "nowhere")
    assert is_missing(caught.value)


def test_list_folders__the_names_right_below_and_nothing_in_them(place: str) -> None:
    assert list_folders(place) in (["deep", "letters"], ["deep", "folder", "letters"])
    assert list_folders(join(place, "deep")) == ["er"]
    assert list_folders(join(place, "deep/er")) == []


def test_list_folders__of_a_folder_that_is_not_there(tmp_path: Path, s3: S3Server) -> None:
    with pytest.raises(StorageError, match="nowhere cannot be listed: No such file"):
        list_folders(tmp_path / "nowhere")
    assert list_folders(s3.new_place()) == []


def test_list_objects__follows_links_but_never_in_circles(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.ogg").write_bytes(b"x")
    (tmp_path / "root" / "class").mkdir(parents=True)
    (tmp_path / "root" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "root" / "linked too").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "root" / "class" / "up").symlink_to(tmp_path / "root")
    (tmp_path / "root" / "broken").symlink_to(tmp_path / "nowhere")
    names = [one.uri.removeprefix(str(tmp_path / "root")) for one in list_objects(tmp_path / "root")]
    assert names == ["/linked too/a.ogg", "/linked/a.ogg"]


@pytest.mark.parametrize(
    ("name", "there"), [("a.txt", True), ("deep/er/b.bin", True), ("b.bin", False), ("deep", False)]
)
def test_exists__a_file_and_no_folder(place: str, name: str, there: bool) -> None:
    assert exists(join(place, name)) is there


def test_write_bytes__replaces(tmp_path: Path, s3: S3Server) -> None:
    for uri in (str(tmp_path / "new" / "folder" / "a"), join(s3.new_place(), "new", "a")):
        write_bytes(uri, b"one")
        write_bytes(uri, b"two")
        assert read_bytes(uri) == b"two"


def test_write_bytes__into_a_zip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="zip files are only read"):
        write_bytes(join(zip_root(tmp_path / "a.zip"), "b"), b"")


def test_upload_and_download__give_the_same_folder_back(place: str, tmp_path: Path, s3: S3Server) -> None:
    assert download_folder(place, tmp_path / "first") == len(FILES)
    assert _files(tmp_path / "first") == FILES
    for there in (join(s3.new_place(), "bundles", "1"), str(tmp_path / "there")):
        assert upload_folder(tmp_path / "first", there) == len(FILES)
        assert download_folder(there, tmp_path / "again") == len(FILES)
        assert _files(tmp_path / "again") == FILES


def test_download_folder__replaces_what_was_there(place: str, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").write_text("old")
    download_folder(place, tmp_path / "out")
    assert _files(tmp_path / "out") == FILES


def test_download_folder__of_nothing_leaves_what_was_there(s3: S3Server, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").write_text("old")
    with pytest.raises(StorageError, match="holds no files"):
        download_folder(join(s3.new_place(), "nothing"), tmp_path / "out")
    assert _files(tmp_path / "out") == {"old": b"old"}


def test_download_folder__a_name_that_leads_out_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("good.txt", b"1")
        archive.writestr("../../evil.txt", b"2")
    with pytest.raises(StorageError, match="leads out of its folder"):
        download_folder(zip_root(tmp_path / "evil.zip"), tmp_path / "a" / "b" / "out")
    assert not (tmp_path / "a" / "b" / "out").exists()
    assert not list(tmp_path.rglob("evil.txt"))


# Zip files that are not whole


def _zip(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("a.txt", b"a" * 1000)
        packed.writestr("b.txt", b"b" * 1000)
    return path


def test_zip__half_a_download_cannot_be_read_at_all(tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.zip")
    path.write_bytes(path.read_bytes()[:1200])
    with pytest.raises(StorageError, match=r"a\.zip cannot be read as a zip .*: download it again") as caught:
        read_bytes(join(zip_root(path), "a.txt"))
    assert not concerns_one_file(caught.value)


def test_zip__one_damaged_file_is_that_files_trouble(tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.zip")
    path.write_bytes(path.read_bytes().replace(b"aaaa", b"aaAa", 1))
    with pytest.raises(StorageError, match=r"a\.txt cannot be read: Bad CRC") as caught:
        read_bytes(join(zip_root(path), "a.txt"))
    assert concerns_one_file(caught.value)
    assert not is_missing(caught.value)
    assert read_bytes(join(zip_root(path), "b.txt")) == b"b" * 1000


def _saying_bytes(path: Path, n_bytes: int) -> Path:
    """A zip of one member, packed a thousandfold, whose list and head say another size."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a.wav", bytes(1_000_000))
    content = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        begin = content.index(mark) + place
        assert int.from_bytes(content[begin : begin + 4], "little") == 1_000_000
        content[begin : begin + 4] = n_bytes.to_bytes(4, "little")
    path.write_bytes(content)
    return path


def test_zip__a_member_that_says_too_much_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = join(zip_root(_saying_bytes(tmp_path / "a.zip", 4_000_000_000)), "a.wav")
    monkeypatch.setattr(zip_files, "MAX_MEMBER_BYTES", 3_999_999_999)
    with pytest.raises(StorageError, match=r"a\.wav is said to be 4,000,000,000 bytes, and .*: unpack it$") as caught:
        read_bytes(uri)
    assert concerns_one_file(caught.value) and not is_missing(caught.value)


def test_zip__a_member_that_the_disk_cannot_hold_is_not_begun(tmp_path: Path) -> None:
    uri = join(zip_root(_saying_bytes(tmp_path / "a.zip", 4_000_000_000)), "a.wav")
    with disk_of("1m", tmp_path / "disk") as disk:
        shown = r"said to be 4,000,000,000 bytes, and .* free: free some$"
        with pytest.raises(StorageError, match=shown) as caught, as_local_file(uri, disk):
            raise AssertionError("it was unpacked")
        assert concerns_one_file(caught.value)
        assert list(disk.iterdir()) == []


@pytest.mark.parametrize("n_bytes", [0, 1_000, 2_000_000])
def test_zip__a_member_is_as_large_as_it_says(tmp_path: Path, n_bytes: int) -> None:
    uri = join(zip_root(_saying_bytes(tmp_path / "a.zip", n_bytes)), "a.wav")
    with pytest.raises(StorageError, match=r"a\.wav cannot be read: "):
        read_bytes(uri)
    with pytest.raises(StorageError, match=r"a\.wav cannot be read: "), as_local_file(uri, tmp_path):
        raise AssertionError("it was unpacked")


def test_zip__hours_of_zeros_are_a_recording_like_any_other(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("night.wav", bytes(20_000_000))
    assert (tmp_path / "a.zip").stat().st_size < 25_000
    assert len(read_bytes(join(zip_root(tmp_path / "a.zip"), "night.wav"))) == 20_000_000


def test_zip__a_new_file_under_the_same_name_is_read_anew(tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.zip")
    assert not exists(join(zip_root(path), "c.txt"))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("c.txt", b"c")
    assert read_bytes(join(zip_root(path), "c.txt")) == b"c"


def test_zip__that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"a\.zip does not exist"):
        read_bytes(join(zip_root(tmp_path / "a.zip"), "a.txt"))
