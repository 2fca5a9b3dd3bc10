"""A real S3, and the same files in each kind of place."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from silencio.storage import join, write_bytes, zip_root
from tests.s3 import S3Server, running_s3

FILES = {
    "a.txt": b"one",
    "deep/er/b.bin": bytes(range(256)) * 300,
    "deep/empty": b"",
    "letters/ä #1?%20&+ x.ogg": b"a key is taken as it stands",
}


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> S3Server:
    return running_s3().use(monkeypatch)


@pytest.fixture(params=["folder", "s3", "zip"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URI of a place that holds `FILES`."""
    if request.param == "zip":
        with zipfile.ZipFile(tmp_path / "files.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in FILES.items():
                archive.writestr(f"top/{name}", content)
            archive.mkdir("top/folder")
        return join(zip_root(tmp_path / "files.zip"), "top")
    root = str(tmp_path / "files")
    if request.param == "s3":
        root = join(request.getfixturevalue("s3").new_place(), "prefix")
    for name, content in FILES.items():
        write_bytes(join(root, name), content)
    return root
