"""A real S3, and ways to lay out the same recordings."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from silencio.storage import upload_folder
from tests.disks import disk_of, files_of_at_most
from tests.s3 import S3Server, running_s3

LayOut = Callable[[Path], str]


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> S3Server:
    return running_s3().use(monkeypatch)


def zipped(folder: Path, path: Path, top: str = "") -> Path:
    """A folder as a zip, as Kaggle packs it: with the folder's name on top, or without."""
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, str(Path(top) / file.relative_to(folder)))
    return path


@pytest.fixture(params=["folder", "s3", "zip", "zip of a folder"])
def laid_out(request: pytest.FixtureRequest, tmp_path: Path) -> LayOut:
    """Puts a folder's files into another kind of place; gives what `--data` would be."""

    def lay_out(folder: Path) -> str:
        if request.param == "s3":
            place: str = request.getfixturevalue("s3").new_place()
            upload_folder(folder, place)
            return place
        if request.param == "folder":
            return str(shutil.copytree(folder, tmp_path / "copy"))
        top = folder.name if request.param == "zip of a folder" else ""
        return str(zipped(folder, tmp_path / "birdclef-2025.zip", top))

    return lay_out


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a quarter of a megabyte."""
    with disk_of("256k", tmp_path / "disk") as place:
        yield place


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file may grow beyond 100 kB."""
    with files_of_at_most(100_000):
        yield
