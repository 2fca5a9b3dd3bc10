"""Files whose names a table writes in another form."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from silencio.storage import FileFinder, join, write_bytes
from tests.s3 import S3Server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("frog/a.ogg", "owl/B.OGG", unicodedata.normalize("NFD", "pájaro/canción.ogg"), "odd/two  blanks.ogg"):
        path = tmp_path / "audio" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(b"")
    return tmp_path / "audio"


@pytest.mark.parametrize(
    ("named", "found"),
    [
        ("frog/a.ogg", "frog/a.ogg"),
        (r"frog\a.ogg", "frog/a.ogg"),
        ("frog/A.OGG", "frog/a.ogg"),
        ("Frog/a.ogg", "frog/a.ogg"),
        ("owl/b.ogg", "owl/B.OGG"),
        ("pájaro/canción.ogg", unicodedata.normalize("NFD", "pájaro/canción.ogg")),
        (r"PÁJARO\Canción.ogg", unicodedata.normalize("NFD", "pájaro/canción.ogg")),
        ("odd/two blanks.ogg", "odd/two  blanks.ogg"),
        ("odd/two\u00a0 blanks.ogg ", "odd/two  blanks.ogg"),
        ("frog/b.ogg", "frog/b.ogg"),
        ("nowhere/a.ogg", "nowhere/a.ogg"),
        ("frog/" + "a" * 300 + ".ogg", "frog/" + "a" * 300 + ".ogg"),
    ],
)
def test_find__the_file_in_any_form_and_else_what_was_named(folder: Path, named: str, found: str) -> None:
    assert FileFinder(str(folder)).find(f"{folder}/{named}") == f"{folder}/{found}"


def test_find__a_name_that_holds_the_separators_itself(tmp_path: Path) -> None:
    # As a zip of Windows unpacks on Linux.
    (tmp_path / r"frog\a.ogg").write_bytes(b"")
    assert FileFinder().find(f"{tmp_path}/frog/a.ogg") == f"{tmp_path}/frog\\a.ogg"


def test_find__of_two_alike_neither_is_taken(folder: Path) -> None:
    (folder / "frog" / "A.ogg").write_bytes(b"")
    assert FileFinder().find(f"{folder}/frog/A.OGG") == f"{folder}/frog/A.OGG"
    assert FileFinder().find(f"{folder}/frog/A.ogg") == f"{folder}/frog/A.ogg"


def test_find_all__a_file_is_found_once(folder: Path) -> None:
    exact, other = f"{folder}/frog/a.ogg", f"{folder}/frog/A.OGG"
    assert FileFinder().find_all([other, exact]) == [other, exact]
    assert FileFinder().find_all([other]) == [exact]


def test_find__in_s3_below_a_prefix(s3: S3Server) -> None:
    place = s3.new_place()
    write_bytes(join(place, "train_audio/frog/A.OGG"), b"")
    named = join(place, "train_audio", r"frog\a.ogg")
    assert FileFinder(join(place, "train_audio")).find(named) == join(place, "train_audio/frog/A.OGG")
    assert FileFinder().find(named) == named
