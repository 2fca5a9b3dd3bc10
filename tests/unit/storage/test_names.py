"""Names that are no text, and names that are too long."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from silencio.errors import StorageError
from silencio.storage import (
    download_folder,
    escaped,
    exists,
    list_objects,
    local_path,
    read_bytes,
    short_name,
    write_atomically,
)

LATIN_1 = os.fsdecode(b"caf\xe9.ogg")


def test_escaped__is_text_that_any_format_takes() -> None:
    assert escaped(LATIN_1) == "caf%E9.ogg"
    assert escaped("café.ogg") == "café.ogg"
    assert escaped(os.fsdecode(b"\xff\xfe\xc3\xa9")) == "%FF%FEé"
    assert escaped("half \ud83d of an emoji") == "half ? of an emoji"  # no file is called so


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / os.fsdecode(b"s\xefte")).mkdir()
    (tmp_path / os.fsdecode(b"s\xefte") / LATIN_1).write_bytes(b"both")
    (tmp_path / LATIN_1).write_bytes(b"latin")
    (tmp_path / "literal%E9.ogg").write_bytes(b"literal")
    (tmp_path / "plain.ogg").write_bytes(b"plain")
    return tmp_path


def test_listing__names_every_file_by_text_and_reads_it_by_that(folder: Path) -> None:
    found = {one.uri.removeprefix(f"{folder}/"): read_bytes(one.uri) for one in list_objects(folder)}
    assert found == {
        "caf%E9.ogg": b"latin",
        "literal%E9.ogg": b"literal",
        "plain.ogg": b"plain",
        "s%EFte/caf%E9.ogg": b"both",
    }
    assert all(exists(one.uri) for one in list_objects(folder))


def test_listing__of_a_folder_that_is_no_text_begins_as_the_folder_was_given(folder: Path) -> None:
    for root in (str(folder / os.fsdecode(b"s\xefte")), f"{folder}/s%EFte"):
        (one,) = list_objects(root)
        assert one.uri == f"{root}/caf%E9.ogg"
        assert read_bytes(one.uri) == b"both"


def test_local_path__names_what_is_not_there_as_it_stands(tmp_path: Path) -> None:
    assert local_path(f"{tmp_path}/caf%E9.ogg") == tmp_path / "caf%E9.ogg"
    with pytest.raises(StorageError, match="caf%E9.ogg is missing"):
        read_bytes(f"{tmp_path}/caf%E9.ogg")


def test_folder__with_such_names_can_be_copied(folder: Path, tmp_path: Path) -> None:
    assert download_folder(str(folder), tmp_path / "copy") == 4
    assert (tmp_path / "copy" / "s%EFte" / "caf%E9.ogg").read_bytes() == b"both"


@pytest.fixture
def closed_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """As `lost+found` is to who is not root: rights alone would not keep root, who may run this, out."""
    (tmp_path / "lost+found").mkdir()
    (tmp_path / "a.ogg").write_bytes(b"a")
    scandir: Callable[[Any], Any] = os.scandir

    def refuse(path: Any) -> Any:
        if str(path).endswith("lost+found"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    yield tmp_path


def test_listing__goes_on_beside_a_folder_that_cannot_be_listed(closed_folder: Path) -> None:
    closed = []
    found = list_objects(closed_folder, lambda uri, error: closed.append((uri, str(error))))
    assert [one.uri for one in found] == [f"{closed_folder}/a.ogg"]
    assert closed == [
        (f"{closed_folder}/lost+found", f"{closed_folder}/lost+found cannot be listed: Permission denied")
    ]
    with pytest.raises(StorageError, match=r"lost\+found cannot be listed: Permission denied"):
        list_objects(closed_folder)
    with pytest.raises(StorageError, match="cannot be listed"):
        list_objects(closed_folder / "lost+found", lambda uri, error: None)


@pytest.mark.parametrize("name", ["n" * 251, "é" * 125 + "n", os.fsdecode(b"\xe9" * 251)])
def test_short_name__fits_a_folder_and_keeps_its_suffix(name: str, tmp_path: Path) -> None:
    short = short_name(name, ".json")
    assert len(os.fsencode(short)) <= 255
    assert short.endswith(".json")
    assert short != short_name(f"{name[:-1]}m", ".json")
    (tmp_path / short).write_text("it may be written")
    assert short_name("n" * 250, ".json") == f"{'n' * 250}.json"


def test_write_atomically__takes_every_name_that_the_folder_does(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    for content in ("first", "second"):
        write_atomically(path, content)
        assert path.read_text() == content
        write_atomically(path, content, shared=True)
    assert list(tmp_path.iterdir()) == [path]


def test_local_path__a_name_that_is_spelled_so_in_a_folder_that_is_not_utf_8(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"S\xfcd")
    folder.mkdir()
    (folder / "caf%C3%A9.wav").write_bytes(b"sound")
    (uri,) = (one.uri for one in list_objects(tmp_path))
    assert uri == f"{tmp_path}/S%FCd/caf%C3%A9.wav"
    assert local_path(uri).read_bytes() == b"sound"
